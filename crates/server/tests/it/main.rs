//! The HTTP edge from outside: real sockets, real messages, handlers that only echo.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test fails by panicking, and clippy's exception does not reach the functions beside the tests"
)]

mod accounts_rest;
mod bytes_rpc;
mod calls;
mod canary;
mod command_line;
mod contract;
mod custom_providers;
mod dashboard;
mod echo;
mod isolation;
mod listener;
mod mistakes;
mod peers;
mod platform;
mod portal;
mod provider;
mod proxying;
mod rest;
mod schemathesis;
mod sdk;
mod secrets_and_brands;
mod token;
mod transport;
mod upstream;
mod webhooks;
mod webhooks_killed;
