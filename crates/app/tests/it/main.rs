//! The use cases on both databases.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test fails by panicking, and clippy's exception does not reach the functions beside the tests"
)]

mod account_ends;
mod account_settings;
mod accounts;
mod boundaries;
mod connection_credentials;
mod connections;
mod flows_callbacks;
mod flows_kinds;
mod flows_links;
mod flows_stage;
mod flows_verification;
mod harness;
mod imports;
mod leaks;
mod lists;
mod members;
mod proxy_calls;
mod tokens_recovery;
mod tokens_refresh;
mod tokens_shared;
