#![doc = include_str!("../README.md")]

mod catalog;
pub mod schema;
pub mod template;

pub use catalog::{Catalog, LoadError, load_connector};
pub use schema::Connector;
