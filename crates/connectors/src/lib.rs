#![doc = include_str!("../README.md")]

mod bindings;
mod catalog;
pub mod engine;
pub mod schema;
pub mod scopes;
pub mod template;

pub use bindings::{Bindings, Layers};
pub use catalog::{Catalog, LoadError, load_connector};
pub use engine::Context;
pub use schema::{AuthMethod, Connector};
