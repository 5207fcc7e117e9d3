//! The store on both databases.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking, and clippy's exception does not reach the functions beside the tests"
)]

mod filler;
mod operations;
mod statements;
mod upgrades;
mod webhooks;
mod world;
