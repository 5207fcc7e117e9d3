//! The engine on real and invented definitions.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test fails by panicking, and clippy's exception does not reach the functions beside the tests"
)]

mod catalogue;
mod hostile;
mod patterns;
mod quirks;
mod quirks_api;
mod shown;
