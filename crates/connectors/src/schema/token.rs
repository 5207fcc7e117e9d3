use std::collections::BTreeMap;

use keybearer_core::RefreshClass;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::BodyFormat;
use crate::template::Text;

/// Unit of a duration.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum TimeUnit {
    /// Seconds.
    #[default]
    #[serde(rename = "s", alias = "seconds")]
    Seconds,
    /// Milliseconds.
    #[serde(rename = "ms", alias = "milliseconds")]
    Milliseconds,
}

/// What it means when the answer does not say when the token ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum ExpiryAbsent {
    /// It does not end.
    #[serde(rename = "never")]
    Never,
    /// Nobody knows; a 401 tells.
    #[serde(rename = "refresh_on_401")]
    RefreshOn401,
}

/// What must hold for a 2xx answer to count as success.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Success {
    /// JSON path.
    pub path: String,
    /// The value that must be there.
    pub equals: Value,
}

/// Where things are in a token answer; the RFC 6749 names when absent.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ResponseSpec {
    /// JSON path of the access token; `$body` when the body is the token.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub access_token: Option<String>,
    /// Second place of the access token.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub access_token_fallback: Option<String>,
    /// JSON path of the refresh token.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refresh_token: Option<String>,
    /// Second place of the refresh token.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refresh_token_fallback: Option<String>,
    /// JSON path of the lifetime.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_in: Option<String>,
    /// Second place of the lifetime.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_in_fallback: Option<String>,
    /// Unit of the lifetime.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_in_unit: Option<TimeUnit>,
    /// JSON path of the end as a date.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<String>,
    /// Unit of a numeric end; told from its size when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at_unit: Option<TimeUnit>,
    /// JSON path of the refresh token's lifetime.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refresh_expires_in: Option<String>,
    /// JSON path of the granted scopes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scope: Option<String>,
    /// Lifetime in seconds when the answer has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub default_ttl_s: Option<u64>,
    /// What a missing lifetime means.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_in_absent: Option<ExpiryAbsent>,
    /// The access token does not end.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub never_expires: bool,
    /// The end must be asked at the introspection endpoint.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub expiry_from_introspection: bool,
    /// What must hold for a 2xx answer to count as success.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub success: Option<Success>,
}

/// [`RefreshClass`] as a key of the schema.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum MappedRefreshClass {
    /// The refresh token never changes.
    Static,
    /// The same new pair comes back for a while.
    GraceSame,
    /// Another pair is issued; the old token stays valid for a while.
    GraceReissue,
    /// Refused, but the newest pair survives.
    StrictSingle,
    /// Refused, and the whole grant is revoked.
    StrictFamily,
}

impl From<MappedRefreshClass> for RefreshClass {
    fn from(class: MappedRefreshClass) -> Self {
        match class {
            MappedRefreshClass::Static => Self::Static,
            MappedRefreshClass::GraceSame => Self::GraceSame,
            MappedRefreshClass::GraceReissue => Self::GraceReissue,
            MappedRefreshClass::StrictSingle => Self::StrictSingle,
            MappedRefreshClass::StrictFamily => Self::StrictFamily,
        }
    }
}

/// How long tokens live and how they are renewed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Lifetimes {
    /// `docs` or `domain`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub basis: Option<String>,
    /// Seconds that an access token lives.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub access_token_s: Option<u64>,
    /// Access tokens do not end.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub access_token_never_expires: bool,
    /// Seconds that a refresh token lives at most.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refresh_token_s: Option<u64>,
    /// Seconds after which an unused refresh token ends.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refresh_token_idle_s: Option<u64>,
    /// Each refresh gives a new refresh token.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refresh_token_rotates: Option<bool>,
    /// There are no refresh tokens.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub no_refresh_token: bool,
    /// What must be asked for to get one: a scope or a parameter, in words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refresh_token_needs: Option<String>,
    /// What happens when an old refresh token comes back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refresh_class: Option<MappedRefreshClass>,
    /// Seconds of grace for an old refresh token.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub grace_seconds: Option<u64>,
}

/// What a refresh is made with when it is not a refresh token.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum RefreshWith {
    /// The access token itself, while it is valid.
    AccessToken,
    /// A new client credentials call.
    ClientCredentials,
    /// A call signed by the app.
    AppSignature,
}

/// How a revocation call proves itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum RevokeAuth {
    /// Like the token endpoint.
    Client,
    /// Client id and secret as HTTP Basic, whatever the token endpoint takes.
    ClientBasic,
    /// The access token as bearer.
    Bearer,
    /// Nothing.
    None,
    /// Everything is in `headers`, `body` and the URL.
    Custom,
}

/// How access is given back. Without `body`, the RFC 7009 form.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Revoke {
    /// HTTP method, POST when absent.
    #[serde(default = "post")]
    pub method: String,
    /// Where.
    pub url: Text,
    /// How the call proves itself.
    pub auth: RevokeAuth,
    /// Additional headers.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub headers: BTreeMap<String, Text>,
    /// Parameters; texts are templates. An empty map sends none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub body: Option<super::Params>,
    /// How the parameters are written, a form when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub body_format: Option<BodyFormat>,
}

fn post() -> String {
    "POST".to_owned()
}

/// What a failed token call means.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum FailureClass {
    /// The grant is gone: the user must sign in again.
    Grant,
    /// The authorization code is not accepted: the user must start again.
    CodeRefused,
    /// The client is not accepted: the developer must act.
    Client,
    /// The redirect URI is not registered: the developer must act.
    RedirectUri,
    /// The request was wrong: the connector or the connection is.
    Request,
    /// The vendor is away and did not act.
    Unavailable,
    /// The vendor may have acted.
    Uncertain,
    /// Too many calls.
    RateLimited,
}

/// What a status and error word of this vendor mean.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ErrorMapping {
    /// HTTP status; any when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    /// The error word, compared whole.
    pub error: String,
    /// What it means.
    pub class: FailureClass,
}
