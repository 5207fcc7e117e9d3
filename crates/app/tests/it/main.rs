//! The use cases on both databases.

mod account_ends;
mod account_settings;
mod accounts;
mod boundaries;
mod connection_credentials;
mod connections;
mod harness;
mod imports;
mod leaks;
mod lists;
