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
mod api_clients;
mod boundaries;
mod brand;
mod connection_credentials;
mod connection_wire;
mod connections;
mod data_keys;
mod environments;
mod fixed_fields;
mod flows_callbacks;
mod flows_kinds;
mod flows_links;
mod flows_stage;
mod flows_verification;
mod flows_waiting;
mod harness;
mod hooks;
mod imports;
mod leaks;
mod lists;
mod members;
mod org_wide;
mod organizations;
mod passkeys;
mod portal;
mod providers;
mod providers_drafts;
mod providers_flows;
mod proxy_calls;
mod sealed_moves;
mod signing_keys;
mod sso;
mod sso_stage;
mod system;
mod tokens_recovery;
mod tokens_refresh;
mod tokens_shared;
mod tool_calls;
mod tools;
mod trials;
mod user_pages;
mod webhooks_managing;
mod webhooks_sending;
