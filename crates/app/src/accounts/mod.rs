//! Accounts.
mod types;
pub use types::*;
