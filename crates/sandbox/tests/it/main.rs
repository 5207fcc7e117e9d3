//! The sandbox driven over real HTTP on loopback.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test fails by panicking, and clippy's exception does not reach the functions beside the tests"
)]

mod api;
mod authorize;
mod client;
mod control;
mod device;
mod exchange;
mod failures;
mod pages;
mod refresh;
mod services;
mod world;
