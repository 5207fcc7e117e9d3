use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{BodyFormat, Many, Params};
use crate::template::Text;

/// Where a captured value comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum CaptureSource {
    /// The token answer, by JSON path.
    TokenResponse,
    /// The query of the callback, by parameter name.
    CallbackQuery,
    /// A header of the token answer.
    TokenResponseHeader,
    /// A call of the vendor to us.
    InstallWebhook,
}

/// A value that is kept for the account.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Capture {
    /// Name of the placeholder.
    pub name: String,
    /// Where it comes from.
    pub from: CaptureSource,
    /// JSON path, parameter name or header name.
    pub path: String,
    /// Regular expression that the whole value must match before use; always present for callback values.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub allow: Option<String>,
}

/// Which of several results is the right one without asking.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PreferMatch {
    /// JSON path inside each result.
    pub path: String,
    /// What it must equal; may use placeholders.
    pub equals: Text,
}

/// Something done once after connecting: a call, the claims of a token, or a pattern on a value.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PostConnect {
    /// HTTP method, GET when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub method: Option<String>,
    /// Where, in full.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<Text>,
    /// Where, below the base URL.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<Text>,
    /// Additional headers.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub headers: BTreeMap<String, Text>,
    /// JSON body; texts are templates.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub body: Option<Value>,
    /// The token whose claims are read instead of making a call.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub jwt_claims: Option<Text>,
    /// The value that a pattern is applied to instead of making a call.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub regex_on: Option<Text>,
    /// The pattern for `regex_on`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pattern: Option<String>,
    /// Variable name to JSON path (claim path, capture group).
    #[serde(default)]
    pub extract: BTreeMap<String, Extract>,
    /// Regular expressions per variable that the whole value must match.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub allow: BTreeMap<String, String>,
    /// Let the user pick when there are several; the first `[0]` of the paths is the position.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub choose_when_many: bool,
    /// JSON path inside each result of the words shown when picking.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub choice_label: Option<String>,
    /// Which result is taken without asking.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prefer_match: Option<PreferMatch>,
    /// Only done when this text has a value.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub only_if: Option<Text>,
    /// A failure does not stop the connect.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub optional: bool,
}

/// A path, or the number of a capture group.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum Extract {
    /// The number of a capture group.
    Group(usize),
    /// A JSON path, a claim path or the name of a capture group.
    Path(String),
}

/// A further call after the token call.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ExtraStep {
    /// Where.
    pub url: Text,
    /// HTTP method, POST when absent.
    #[serde(default = "post")]
    pub method: String,
    /// Parameters; texts are templates.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub params: Params,
    /// Headers.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub headers: BTreeMap<String, Text>,
    /// How the parameters are written: a form when absent, the query for GET.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub body_format: Option<BodyFormat>,
    /// A failure does not stop the connect.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub optional: bool,
}

fn post() -> String {
    "POST".to_owned()
}

/// A further token kept beside the first.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SecondaryToken {
    /// Name of the placeholder.
    pub name: String,
    /// JSON path in the token answer.
    pub access_token: String,
    /// Its absence does not fail the connect.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub optional: bool,
}

/// A function of the closed list.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum DeriveFunction {
    /// `input` in base 64.
    Base64,
    /// SHA-256 of `input`, hexadecimal.
    Sha256Hex,
    /// SHA-256 of `input`, base 64.
    Sha256Base64,
    /// HMAC-SHA-1 of `input` under `key`, hexadecimal.
    HmacSha1Hex,
    /// HMAC-SHA-256 of `input` under `key`, hexadecimal.
    HmacSha256Hex,
    /// The present time as `format`, moved by `offset` seconds.
    Now,
    /// Part number `index` of `input` cut at `separator`.
    Split,
    /// `length` characters of `input` from `start`.
    Substring,
    /// The host of a URL.
    UrlHost,
    /// `SHA256:` and the base 64 SHA-256 of a private key's public half.
    KeyFingerprintSha256,
    /// The value at `path` of a JSON text.
    JsonPath,
    /// Ed25519 signature. Not offered by the engine.
    Ed25519Sign,
    /// WSSE header. Not offered by the engine.
    WsseUsernameToken,
    /// AWS signature as a derived value. Not offered by the engine: use `credential_placement.signing`.
    AwsSigv4,
}

/// A computed value.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Derive {
    /// Name of the placeholder.
    pub name: String,
    /// What is computed.
    #[serde(rename = "fn")]
    pub function: DeriveFunction,
    /// What it is computed from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub input: Option<Text>,
    /// The key of an HMAC, or the private key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<Text>,
    /// `epoch_s`, `epoch_ms`, `iso8601` or `rfc2822` for `now`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub format: Option<String>,
    /// Seconds added for `now`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub offset: Option<i64>,
    /// Where `split` cuts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub separator: Option<String>,
    /// Which part of `split`; negative counts from the end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub index: Option<i64>,
    /// First character of `substring`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub start: Option<usize>,
    /// Number of characters of `substring`; to the end when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub length: Option<usize>,
    /// JSON path of `json_path`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// Whether the result is no secret although the input is one: the data centre at the end of an API key.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub public: bool,
}

/// A signed statement that is the credential or is exchanged for a token.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Assertion {
    /// `jwt`. `saml` is known to the schema and not offered by the engine.
    #[serde(default = "jwt")]
    pub kind: String,
    /// The signing key.
    pub key: Text,
    /// `pem` (default), `raw`, `base64` or `hex`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key_encoding: Option<String>,
    /// Seconds that the statement is valid, 300 when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lifetime_s: Option<u64>,
    /// JOSE header; `alg` is RS256, PS256, ES256 or HS256 (RS256 when absent).
    #[serde(default)]
    pub header: BTreeMap<String, Text>,
    /// Claims; texts are templates. `iat` and `exp` are added when absent.
    #[serde(default)]
    pub claims: BTreeMap<String, Value>,
    /// SAML settings.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub saml: Option<Value>,
    /// Name of the placeholder that holds the statement, `assertion` when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub output: Option<String>,
}

fn jwt() -> String {
    "jwt".to_owned()
}

/// Both halves of HTTP Basic.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct BasicPlacement {
    /// User name.
    pub username: Text,
    /// Password; may be empty.
    pub password: Text,
    /// The header that carries them, `Authorization` when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub header: Option<String>,
}

/// A request signature of the closed list.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Signing {
    /// OAuth 1.0a.
    Oauth1,
    /// AWS Signature Version 4.
    AwsSigv4,
    /// RFC 9421 message signatures. Not offered by the engine.
    HttpMessageSignature,
}

/// Where the credential travels in a call.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Placement {
    /// Headers.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub headers: BTreeMap<String, Text>,
    /// Query parameters.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub query: BTreeMap<String, Text>,
    /// Keys merged into a JSON or form body.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub body: BTreeMap<String, Text>,
    /// HTTP Basic.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub basic: Option<BasicPlacement>,
    /// The credential is part of the base URL.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub base_url: bool,
    /// The caller puts it where it belongs. Not offered by the engine.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub by_caller: bool,
    /// The call is signed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signing: Option<Signing>,
    /// The developer may choose the place. Not offered by the engine.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub configurable: bool,
}

/// Where the identity of the account holder is read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum IdentitySource {
    /// A call with the new credential.
    #[default]
    Request,
    /// The token answer.
    TokenResponse,
    /// The claims of the ID token in the token answer.
    IdToken,
}

/// How the account holder is recognised.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Identity {
    /// Where it is read.
    #[serde(default)]
    pub from: IdentitySource,
    /// HTTP method, GET when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub method: Option<String>,
    /// Where, in full.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<Text>,
    /// Where, below the base URL.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<Text>,
    /// Additional headers.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub headers: BTreeMap<String, Text>,
    /// JSON body; texts are templates.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub body: Option<Value>,
    /// JSON path of the lasting id, or several of which the first present is used.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<Many>,
    /// JSON path of the words a person recognises, or several of which the first present is used.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub label: Option<Many>,
}
