use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::template::Text;

/// How an MCP server is spoken to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Transport {
    /// One endpoint for requests and streams.
    StreamableHttp,
    /// The older pair of event stream and post endpoint.
    Sse,
}

/// Where calls go and what every call carries.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Api {
    /// What every path is below.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub base_url: Option<Text>,
    /// Hosts that the base URL may reach where a user has a say in its host; the method's `pinned_hosts` when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pinned_hosts: Option<Vec<String>>,
    /// Headers of every call; left out when a placeholder has no value. The caller may set them too, and wins.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub headers: Option<BTreeMap<String, Text>>,
    /// Query parameters of every call; left out when a placeholder has no value.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub query: Option<BTreeMap<String, Text>>,
    /// Read-only calls that prove the credential; any one succeeding is proof.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub verify: Option<Vec<Verify>>,
    /// How the service says that it is called too often.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rate_limit: Option<RateLimit>,
    /// MCP transport.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub transport: Option<Transport>,
    /// How sure we are of an MCP endpoint.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub endpoint_status: Option<String>,
    /// Further MCP endpoints of the service.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub other_endpoints: Vec<Text>,
}

impl Api {
    /// This `api` with every key that `over` sets replaced.
    pub fn overlaid(&self, over: &Self) -> Self {
        Self {
            base_url: over.base_url.clone().or_else(|| self.base_url.clone()),
            pinned_hosts: over.pinned_hosts.clone().or_else(|| self.pinned_hosts.clone()),
            headers: over.headers.clone().or_else(|| self.headers.clone()),
            query: over.query.clone().or_else(|| self.query.clone()),
            verify: over.verify.clone().or_else(|| self.verify.clone()),
            rate_limit: over.rate_limit.clone().or_else(|| self.rate_limit.clone()),
            transport: over.transport.or(self.transport),
            endpoint_status: over.endpoint_status.clone().or_else(|| self.endpoint_status.clone()),
            other_endpoints: if over.other_endpoints.is_empty() {
                self.other_endpoints.clone()
            } else {
                over.other_endpoints.clone()
            },
        }
    }
}

/// A read-only call that proves a credential.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Verify {
    /// HTTP method, GET when absent.
    #[serde(default = "get")]
    pub method: String,
    /// Path and query below the base URL.
    pub path: Text,
    /// Another base URL for this call.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub base_url: Option<Text>,
    /// Additional headers.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub headers: BTreeMap<String, Text>,
    /// JSON body; texts in it are templates.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub body: Option<Value>,
    /// What the answer must say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expect: Option<Expectation>,
    /// The status that proves the credential; any 2xx when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expect_status: Option<u16>,
    /// Text that must not be in the answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expect_not_contains: Option<String>,
}

fn get() -> String {
    "GET".to_owned()
}

/// What a JSON answer must say at a path.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Expectation {
    /// JSON path.
    pub path: String,
    /// The value that must be there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub equals: Option<Value>,
    /// The kind of value that must be there: `present`, `absent`, `string`, `number`, `object`, `array`, `true`, `false`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub is: Option<String>,
}

/// How the service says that it is called too often.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RateLimit {
    /// Headers that hold seconds to wait.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub delay_headers: Vec<String>,
    /// Headers that hold the time at which calls are possible again.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub reset_at_headers: Vec<String>,
    /// Header that holds the number of calls left.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub remaining_header: Option<String>,
    /// Statuses that mean "later"; 429 when empty.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub retry_statuses: Vec<u16>,
    /// JSON path of the seconds to wait in the body.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reset_in_body: Option<String>,
}

/// An answer of the API that means: the access token has ended, refresh once and repeat.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ExpiredAnswer {
    /// HTTP status.
    pub status: u16,
    /// Text that the `WWW-Authenticate` header must contain.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// What the JSON body must say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub body: Option<Expectation>,
}
