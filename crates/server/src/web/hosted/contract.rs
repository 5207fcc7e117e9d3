//! The pages as the use cases give them.

pub use keybearer_app::flows::page::*;
