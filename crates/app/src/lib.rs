#![doc = include_str!("../README.md")]

mod access;
pub mod accounts;
pub mod analytics;
mod audit;
pub mod clients;
mod config;
pub mod connections;
pub mod data_keys;
pub mod environments;
mod events;
mod exchange;
pub mod flows;
mod grant;
pub mod jobs;
mod keys;
pub mod logs;
mod node;
mod open;
pub mod outbound;
mod paging;
pub mod proxy;
mod signing;
pub mod signing_keys;
mod state;
mod tokens;
pub mod tool_calls;

pub use access::{Actor, Caller, Permission, Permissions};
pub use config::{AppConfig, ProxyLimits, RefreshLimits, SharedCredential};
pub use keybearer_connectors as connectors;
pub use open::{AppParts, DatabaseConfig, EgressConfig, Opened, RootKey};
pub use paging::{Listed, PageAsk};
pub use state::App;
pub use tokens::{RefreshOutcome, refresh_now};
