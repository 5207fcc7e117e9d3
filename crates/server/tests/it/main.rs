//! The HTTP edge from outside: real sockets, real messages, handlers that only echo.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test fails by panicking, and clippy's exception does not reach the functions beside the tests"
)]

mod bytes_rpc;
mod calls;
mod canary;
mod contract;
mod dashboard;
mod echo;
mod listener;
mod mistakes;
mod peers;
mod provider;
mod proxying;
mod rest;
mod sdk;
mod token;
mod upstream;
