//! The OpenAPI document, written from the contract.

/// The document of this version, as it is served; a test compares it with what [`generate`] writes.
pub const CURRENT: &str = include_str!("../../../../../docs/openapi.json");
