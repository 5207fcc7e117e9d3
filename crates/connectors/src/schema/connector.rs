use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Api, AuthMethod};

/// What a connector leads to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// An HTTP API.
    #[default]
    Api,
    /// An MCP server.
    Mcp,
}

/// One value or a list of them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum Many {
    /// A single value.
    One(String),
    /// Several, best first.
    List(Vec<String>),
}

impl Many {
    /// The values in order.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        let values = match self {
            Self::One(one) => std::slice::from_ref(one),
            Self::List(list) => list.as_slice(),
        };
        values.iter().map(String::as_str)
    }
}

/// A service that can be talked to, described by data: one `connector.yaml`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Connector {
    /// Unique name in kebab case; the folder has the same name.
    pub slug: String,
    /// The name people know it by.
    pub display_name: String,
    /// API or MCP server.
    #[serde(default)]
    pub kind: Kind,
    /// One sentence for the catalog: what the service is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub blurb: Option<String>,
    /// Other names people search for.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub aliases: Vec<String>,
    /// For an MCP server: slug of the API connector of the same service.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub service: Option<String>,
    /// Connectors of one family can share one OAuth app.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub oauth_family: Option<String>,
    /// Words of the catalog's fixed vocabulary.
    #[serde(default)]
    pub categories: Vec<String>,
    /// Whether it describes the built-in sandbox: only then may its addresses be plain http on loopback.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub sandbox: bool,
    /// Whether calls through the proxy are refused.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub proxy_disabled: bool,
    /// Ways to prove oneself, the recommended one first.
    pub auth: Vec<AuthMethod>,
    /// Where calls go; a method may override each key.
    #[serde(default)]
    pub api: Api,
    /// The vendor's site.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub homepage_url: Option<String>,
    /// The vendor's API documentation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub docs_url: Option<String>,
    /// The vendor's documentation of authorization.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub oauth_docs_url: Option<String>,
    /// Day on which the facts were last compared with the vendor's pages, `YYYY-MM-DD`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub checked_on: Option<String>,
    /// Origin entries.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub merged_from: Option<Many>,
    /// Slugs in the reference product.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub ref_slugs: Vec<String>,
    /// Tool names in the reference product.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tools: Vec<String>,
    /// Where the facts come from.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub sources: Vec<String>,
    /// Sources per fact.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub evidence: BTreeMap<String, Vec<String>>,
    /// How many sources agree.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub confidence: Option<String>,
}

impl Connector {
    /// The auth method of that id.
    pub fn method(&self, id: &str) -> Option<&AuthMethod> {
        self.auth.iter().find(|method| method.id == id)
    }

    /// Whether an environment made it: identifiers of such connectors hold a colon, and slugs of the catalogue do not.
    pub fn is_custom(&self) -> bool {
        self.slug.contains(':')
    }

    /// The recommended auth method.
    pub fn recommended(&self) -> Option<&AuthMethod> {
        self.auth.first()
    }

    /// The connector's `api` with the method's overrides laid over it.
    pub fn api_for(&self, method: &AuthMethod) -> Api {
        method.api.as_ref().map_or_else(|| self.api.clone(), |over| self.api.overlaid(over))
    }
}
