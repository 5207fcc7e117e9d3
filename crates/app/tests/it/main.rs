//! The use cases on both databases.

mod accounts;
mod connections;
mod harness;
mod imports;
mod leaks;
