use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::template::Text;

/// How a developer makes the app or key at the vendor.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Setup {
    /// The vendor's page where it is done; absent when nothing has to be registered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub console_url: Option<Text>,
    /// A link that fills the vendor's form; may use `{redirect_uri}`, `{app_name}` and `{scopes}`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prefill_url: Option<Text>,
    /// How long it takes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub minutes: Option<u32>,
    /// One step each.
    #[serde(default)]
    pub steps: Vec<String>,
}

/// Whether a redirect URI must be https.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum HttpsRule {
    /// Always.
    Required,
    /// Except on loopback.
    LocalhostOk,
    /// Anything goes.
    #[default]
    Any,
}

/// How the vendor compares redirect URIs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum RedirectMatch {
    /// Character by character.
    #[default]
    Exact,
    /// A path below the registered one is fine.
    Subpath,
    /// Any port of the registered host is fine.
    AnyPort,
}

/// What the vendor accepts as redirect URI.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RedirectRules {
    /// Whether it must be https.
    #[serde(default)]
    pub https: HttpsRule,
    /// How it is compared.
    #[serde(default, rename = "match")]
    pub matching: RedirectMatch,
    /// Longest one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_len: Option<usize>,
    /// Characters it may not hold.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub forbidden_chars: Option<String>,
    /// How many an app may have.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_uris: Option<u32>,
}

/// What a client id or secret usually looks like; warns only.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CredentialHint {
    /// Regular expression of the whole value.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pattern: Option<String>,
    /// Number of characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub length: Option<usize>,
    /// How it begins.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub starts_with: Option<String>,
}

/// How to tell right client credentials from wrong ones without a user: the token endpoint is asked to exchange
/// a made-up code, and the error says which of the two was wrong.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CredentialProbe {
    /// Errors that mean: the client is known, the code is not.
    pub ok_errors: Vec<String>,
    /// Errors that mean: the client is not accepted.
    pub bad_errors: Vec<String>,
}

/// What the vendor asks before an app may serve everybody.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AppReview {
    /// Who can connect before the app is reviewed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub who_can_connect_before: Option<String>,
    /// How many people, or how long tokens live, before the review.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<String>,
    /// The vendor's page about it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub how_to_publish_url: Option<String>,
}
