use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{
    Api, AppReview, Assertion, Capture, CredentialHint, CredentialProbe, Derive, ErrorMapping, ExpiredAnswer,
    ExtraStep, Field, Identity, Lifetimes, Many, OptionalScopes, Placement, PostConnect, RedirectRules,
    RefreshWith, ResponseSpec, Revoke, Scope, SecondaryToken, Setup,
};
use crate::template::Text;

/// Parameters: a text is a template, a list of texts holds alternatives, an object is sent as JSON, null leaves out.
pub type Params = BTreeMap<String, Value>;

/// The kinds of auth method.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum MethodType {
    /// Authorization code.
    Oauth2,
    /// Client credentials.
    Oauth2ClientCredentials,
    /// Resource owner password.
    Oauth2Password,
    /// A refresh token that the user brings.
    Oauth2RefreshToken,
    /// An API key that the user brings.
    ApiKey,
    /// A bearer token that the user brings.
    Bearer,
    /// User name and password in every call.
    Basic,
    /// A login call that returns a short-lived token.
    SessionLogin,
    /// A service account key, exchanged for a token.
    ServiceAccount,
    /// A signed JWT, exchanged for a token.
    JwtBearer,
    /// A SAML assertion, exchanged for a token. Not offered by the engine.
    SamlBearer,
    /// A JWT signed with a private key is the credential.
    JwtKeyPair,
    /// A JWT signed with a shared secret is the credential.
    JwtSharedSecret,
    /// OAuth 1.0a with redirect.
    Oauth1,
    /// OAuth 1.0a with issued tokens.
    Oauth1Token,
    /// AWS Signature Version 4.
    AwsSigv4,
    /// WSSE header. Not offered by the engine.
    Wsse,
    /// A digest or HMAC over each call, made with `derive`.
    RequestSigning,
    /// RFC 9421. Not offered by the engine.
    HttpMessageSignature,
    /// MCP authorization with discovery and registration.
    McpOauth,
    /// Installation of an app, exchanged for a token with the app's JWT. Not offered by the engine.
    AppInstallation,
    /// Installation of a plugin without a token. Not offered by the engine.
    PluginInstall,
    /// Nothing at all.
    None,
}

/// Proof key.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum Pkce {
    /// SHA-256 challenge.
    #[default]
    S256,
    /// Not sent.
    #[serde(rename = "none")]
    None,
}

/// How the client proves itself at the token endpoint.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum TokenAuth {
    /// Id and secret in the body.
    #[default]
    ClientSecretPost,
    /// Id and secret as HTTP Basic.
    ClientSecretBasic,
    /// The secret as user name without a password.
    ClientSecretAsBasicUsername,
    /// A signed statement.
    PrivateKeyJwt,
    /// Only the id.
    None,
    /// Everything is in `token_params` and `token_headers`.
    Custom,
}

/// How parameters are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum BodyFormat {
    /// `application/x-www-form-urlencoded`.
    #[default]
    Form,
    /// JSON object.
    Json,
    /// Query string.
    Query,
    /// XML. Not offered by the engine.
    Xml,
}

/// How an MCP client gets its id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Registration {
    /// RFC 7591.
    Dynamic,
    /// The developer enters it.
    Static,
    /// Client metadata document.
    Cimd,
    /// Whatever the metadata offers.
    Discover,
}

/// One way to prove oneself at a service.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[expect(clippy::struct_excessive_bools, reason = "each is a key of the published schema")]
pub struct AuthMethod {
    /// Unique in the connector.
    pub id: String,
    /// Kind.
    #[serde(rename = "type")]
    pub kind: MethodType,
    /// What the form calls it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub label: Option<String>,
    /// Sandbox and similar variants.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub environment: Option<String>,

    /// Origin entry.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub merged_from: Option<Many>,
    /// Further entries with identical facts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub also_from: Option<Many>,
    /// Where the facts come from.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub sources: Vec<String>,
    /// Sources per fact.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub evidence: BTreeMap<String, Vec<String>>,
    /// Tags of deviations.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub quirks: Vec<String>,
    /// How many sources agree.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub confidence: Option<String>,
    /// A missing fact.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gap: Option<String>,
    /// Why data alone is not enough.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub needs_code: Option<String>,
    /// Other reason why the method is not usable.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<String>,

    /// Authorization endpoint.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub authorize_url: Option<Text>,
    /// Token endpoint.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token_url: Option<Text>,
    /// Refresh endpoint where it is another one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refresh_url: Option<Text>,
    /// OpenID user info or a similar call.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub userinfo_url: Option<Text>,
    /// RFC 7662 endpoint.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub introspect_url: Option<Text>,
    /// RFC 8628 endpoint.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub device_authorization_url: Option<Text>,
    /// How access is given back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revoke: Option<Revoke>,
    /// Metadata document to read endpoints from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub discovery: Option<Text>,
    /// `iss` of the authorization server.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub issuer: Option<Text>,
    /// The callback always carries `iss` (RFC 9207).
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub iss_supported: bool,
    /// Hosts that URLs with a user's value in the host may reach: `.example.com` (below), `example.com` (itself), `*`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub pinned_hosts: Vec<String>,

    /// App installation page.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub install_url: Option<Text>,
    /// App installation token endpoint.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub installation_token_url: Option<Text>,
    /// OAuth 1.0a request token endpoint.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request_token_url: Option<Text>,
    /// Additional parameters of the request token call.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub request_token_params: Params,
    /// OAuth 1.0a signature, `HMAC-SHA1` when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signature_method: Option<String>,
    /// OAuth 1.0a realm.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub realm: Option<Text>,
    /// AWS service name for signing; `{service}` of the fields when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub service: Option<Text>,

    /// How an MCP client gets its id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub registration: Option<Registration>,
    /// Registration endpoint.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub registration_url: Option<Text>,
    /// Additional members of the registration.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub registration_params: Params,
    /// Registration gives a secret.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub registration_returns_secret: Option<bool>,
    /// Clients can register themselves.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub dcr: bool,

    /// What joins scopes; a space when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scope_separator: Option<String>,
    /// Scopes asked for when nothing is chosen, besides those marked `default`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub default_scopes: Vec<String>,
    /// The scopes there are.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub scopes: Vec<Scope>,
    /// The token answer names the granted scopes.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub scope_returns_granted: bool,
    /// A second scope list in a parameter of its own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub optional_scopes: Option<OptionalScopes>,
    /// Name of the parameter of the second scope list.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub authorize_extra_scope_param: Option<String>,

    /// Proof key, S256 when absent.
    #[serde(default)]
    pub pkce: Pkce,
    /// How the client proves itself, in the body when absent.
    #[serde(default)]
    pub token_auth_method: TokenAuth,
    /// How token parameters are written.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token_body_format: Option<BodyFormat>,
    /// HTTP method of the token call, POST when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token_http_method: Option<String>,
    /// A client certificate is needed. Not offered by the engine.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub mtls: bool,
    /// Additional authorize parameters.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub authorize_params: Params,
    /// Additional token parameters.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub token_params: Params,
    /// Additional query parameters of the token call.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub token_query_params: Params,
    /// Additional headers of the token call.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub token_headers: BTreeMap<String, Text>,
    /// Additional refresh parameters; laid over `token_params` when given.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub refresh_params: Params,
    /// Headers of the refresh call; `token_headers` when empty.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub refresh_headers: BTreeMap<String, Text>,
    /// Other names of standard authorize parameters; null leaves one out.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub authorize_param_names: BTreeMap<String, Option<String>>,
    /// Other names of standard token parameters; null leaves one out.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub token_param_names: BTreeMap<String, Option<String>>,
    /// Route after `#` that carries the authorize parameters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub authorize_fragment: Option<Fragment>,
    /// Leave empty authorize parameters out.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub authorize_omit_empty: bool,
    /// Scopes are not percent-encoded.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub authorize_scope_unencoded: bool,
    /// Other name of `code` in the callback.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub callback_code_param: Option<String>,
    /// The code arrives in a call of the vendor. Not offered by the engine.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub code_from_webhook: bool,
    /// Grant type sent to the token endpoint when it is not the usual one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub grant: Option<String>,

    /// What a refresh is made with when it is not a refresh token.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refresh_with: Option<RefreshWith>,
    /// How the client proves itself when refreshing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refresh_auth_method: Option<TokenAuth>,
    /// How refresh parameters are written.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refresh_body_format: Option<BodyFormat>,
    /// HTTP method of the refresh call.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refresh_http_method: Option<String>,
    /// The refresh answer's refresh token is not a new one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refresh_keeps_refresh_token: Option<bool>,
    /// Where things are in a refresh answer; like `response` when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refresh_response: Option<ResponseSpec>,
    /// Seconds before the end at which to refresh.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refresh_margin_s: Option<u64>,

    /// A signed statement.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub assertion: Option<Assertion>,
    /// Further calls after the token call.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub extra_steps: Vec<ExtraStep>,
    /// The further calls are made after each refresh too.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub repeat_steps_on_refresh: bool,
    /// Further tokens kept for the account.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub secondary_tokens: Vec<SecondaryToken>,
    /// Where things are in a token answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub response: Option<ResponseSpec>,
    /// How long tokens live.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lifetimes: Option<Lifetimes>,
    /// What errors of this vendor mean.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub error_map: Vec<ErrorMapping>,
    /// Values kept from answers and the callback.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub captures: Vec<Capture>,
    /// What is done once after connecting.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub post_connect: Vec<PostConnect>,
    /// Computed values.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub derive: Vec<Derive>,
    /// How AWS keys are fetched first. Not offered by the engine.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub credential_source: Option<String>,
    /// Where the credential travels.
    #[serde(default)]
    pub credential_placement: Placement,
    /// Values that people give.
    #[serde(default)]
    pub fields: Vec<Field>,
    /// Overrides of the connector's `api`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub api: Option<Api>,

    /// How the account holder is recognised.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub identity: Option<Identity>,
    /// How the developer makes the app or key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub setup: Option<Setup>,
    /// What the vendor accepts as redirect URI.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub redirect_rules: Option<RedirectRules>,
    /// What a client id looks like.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_id_hint: Option<CredentialHint>,
    /// What a client secret looks like.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_secret_hint: Option<CredentialHint>,
    /// How to check client credentials without a user.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub credential_probe: Option<CredentialProbe>,
    /// What the vendor asks before an app may serve everybody.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub app_review: Option<AppReview>,
    /// Answers that mean an ended access token; any 401 with `invalid_token` or without a reason when empty.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub proxy_401_refresh: Vec<ExpiredAnswer>,
    /// The vendor's sign-in refuses browsers inside other apps.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub embedded_browser_refused: bool,
}

/// Authorize parameters behind `#`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum Fragment {
    /// Behind a bare `#`.
    Flag(bool),
    /// Behind `#` and this route.
    Route(String),
}
