#![doc = include_str!("../README.md")]

mod bindings;
mod catalog;
pub mod engine;
pub mod forms;
pub mod lint;
pub mod openapi;
pub mod pattern;
pub mod redirect;
pub mod schema;
pub mod scopes;
mod search;
pub mod template;

pub use bindings::{Bindings, Layers};
pub use catalog::{Catalog, LoadError, json_schema, load_connector, to_yaml};
pub use engine::Context;
pub use schema::{AuthMethod, Connector};
