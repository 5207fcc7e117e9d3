use std::collections::BTreeMap;
use std::sync::Arc;

use keybearer_connectors::Connector;
use keybearer_connectors::pattern;
use keybearer_core::Timestamp;
use keybearer_store::CustomConnectorRow;
use serde_json::Value;

/// A connector to make.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct CreateProvider {
    /// What people call it: letters, digits and spaces.
    pub display_name: String,
    /// What it is.
    pub description: String,
    /// The auth patterns: a list of objects, kept as it is given.
    pub auth_patterns: Value,
    /// What proxied calls go below.
    pub proxy_url: String,
    /// Whether it may be called through the proxy.
    pub proxy_enabled: bool,
    /// Address of its picture, or empty.
    pub icon_src: String,
    /// The developer's own pairs.
    pub metadata: BTreeMap<String, String>,
}

/// A connector as it is to be. What is not given is emptied, but for the three that say what happens without them.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct UpdateProvider {
    /// What people call it; the identifier stays.
    pub display_name: String,
    /// What it is.
    pub description: String,
    /// The auth patterns; the present ones stay when absent.
    pub auth_patterns: Option<Value>,
    /// What proxied calls go below; the present one stays when empty.
    pub proxy_url: String,
    /// Whether it may be called through the proxy; counts only when `auth_patterns` are given, since callers that
    /// leave everything out send false.
    pub proxy_enabled: bool,
    /// Address of its picture, or empty.
    pub icon_src: String,
    /// The developer's own pairs.
    pub metadata: BTreeMap<String, String>,
    /// Refused when the connector has another version by now; `None` writes whatever is there.
    pub expected_version: Option<i64>,
}

/// A connector of the catalogue, or one that the environment made.
#[derive(Clone, Debug, PartialEq)]
pub enum Provider {
    /// Of the binary, or of the operator's folder.
    Catalogue(Arc<Connector>),
    /// Of the environment.
    Custom(Box<CustomProvider>),
}

/// A connector that the environment made.
#[derive(Clone, Debug, PartialEq)]
pub struct CustomProvider {
    /// Its id.
    pub id: String,
    /// What connections name it by.
    pub identifier: String,
    /// What people call it.
    pub display_name: String,
    /// What it is.
    pub description: String,
    /// The auth patterns as they were given.
    pub auth_patterns: Value,
    /// What proxied calls go below.
    pub proxy_url: String,
    /// Whether it may be called through the proxy.
    pub proxy_enabled: bool,
    /// Address of its picture, or empty.
    pub icon_src: String,
    /// The developer's own pairs.
    pub metadata: BTreeMap<String, String>,
    /// Whether a pattern says that it is an MCP server.
    pub is_mcp: bool,
    /// Rises with each change.
    pub version: i64,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
}

impl From<CustomConnectorRow> for Provider {
    fn from(row: CustomConnectorRow) -> Self {
        Self::Custom(Box::new(CustomProvider {
            id: row.id.to_string(),
            identifier: row.identifier,
            display_name: row.display_name,
            description: row.description,
            is_mcp: pattern::is_mcp(&row.auth_patterns),
            version: row.version,
            auth_patterns: row.auth_patterns,
            proxy_url: row.proxy_url,
            proxy_enabled: row.proxy_enabled,
            icon_src: row.icon_src,
            metadata: serde_json::from_value(row.metadata).unwrap_or_default(),
            created_at: row.created_at,
            updated_at: row.updated_at,
        }))
    }
}
