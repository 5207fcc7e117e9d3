//! Control from outside: a Rust handle and the same over HTTP.

mod handle;
mod http_api;

pub use handle::{Approval, ApproveError, Control};
pub(crate) use http_api::routes;
