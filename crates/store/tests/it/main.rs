//! The store on both databases.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test fails by panicking, and clippy's exception does not reach the functions beside the tests"
)]

mod operations;
mod statements;
mod webhooks;
mod world;
