#![doc = include_str!("../README.md")]

mod access;
mod audit;
pub mod clients;
mod config;
pub mod environments;
mod exchange;
mod events;
mod grant;
mod keys;
mod node;
mod open;
mod signing;
mod state;
mod tokens;

pub use access::{Actor, Caller, Permission, Permissions};
pub use config::{AppConfig, ProxyLimits, RefreshLimits, SharedCredential};
pub use keybearer_connectors as connectors;
pub use open::{AppParts, DatabaseConfig, EgressConfig, RootKey};
pub use state::App;
