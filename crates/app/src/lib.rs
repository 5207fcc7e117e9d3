#![doc = include_str!("../README.md")]

mod access;
pub mod accounts;
mod audit;
pub mod clients;
mod config;
pub mod connections;
pub mod environments;
mod events;
mod exchange;
pub mod flows;
mod grant;
pub mod jobs;
mod keys;
pub mod logs;
pub mod members;
mod node;
mod open;
pub mod outbound;
mod paging;
mod password;
pub mod proxy;
pub mod sessions;
mod signing;
mod state;
mod tokens;

pub use access::{Actor, Caller, Permission, Permissions};
pub use config::{AppConfig, ProxyLimits, RefreshLimits, SharedCredential};
pub use keybearer_connectors as connectors;
pub use open::{AppParts, DatabaseConfig, EgressConfig, Opened, RootKey};
pub use paging::{Listed, PageAsk};
pub use state::App;
pub use tokens::{RefreshOutcome, refresh_now};
