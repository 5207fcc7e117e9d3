use keybearer_oauth::{Params as Wire, percent_encode};
use url::Url;

use super::values::Values;
use super::{Context, EngineError, params, urls};
use crate::bindings::Bindings;
use crate::schema::{Fragment, MethodType, Pkce};
use crate::scopes;

/// What an authorization URL is made of besides the values of the connection.
#[derive(Clone, Copy, Debug)]
pub struct AuthorizeRequest<'a> {
    /// Where the answer goes.
    pub redirect_uri: &'a str,
    /// What binds the answer to the flow.
    pub state: &'a str,
    /// The S256 challenge; not sent where the method has `pkce: none`.
    pub code_challenge: Option<&'a str>,
    /// Scopes, sent as they are.
    pub scopes: &'a [String],
    /// Scopes of the second list.
    pub optional_scopes: &'a [String],
    /// Further parameters that the developer set. They never replace what binds the answer to us.
    pub extra: &'a [(String, String)],
}

/// Parameters that further parameters cannot replace.
const BINDING: &[&str] = &[
    "client_id",
    "redirect_uri",
    "state",
    "response_type",
    "response_mode",
    "code_challenge",
    "code_challenge_method",
    "request",
    "request_uri",
];

/// The URL to which the user's browser is sent.
///
/// # Errors
/// A missing value, a value that would leave its place, or a host that is not pinned.
pub fn authorize_url(context: &Context<'_>, request: &AuthorizeRequest<'_>) -> Result<Url, EngineError> {
    let method = context.method;
    let address = method.authorize_url.as_ref().ok_or(EngineError::NotOffered("authorize_url"))?;
    let joined = scopes::join(method, request.scopes);
    let mut extra = Bindings::new()
        .with("redirect_uri", request.redirect_uri)
        .with("state", request.state)
        .with("scopes", joined.as_str());
    if let Some(challenge) = request.code_challenge.filter(|_| method.pkce == Pkce::S256) {
        extra.insert("code_challenge", challenge);
    }
    let values = Values::with(context, extra, &[]);
    let url = urls::fill(address, &values, "authorize_url")?;
    let mut wire = standard(&values, request, &joined)?;
    for (from, to) in &method.authorize_param_names {
        match to {
            Some(to) => wire.rename(from, to),
            None => wire.remove(from),
        }
    }
    params::lay_over(&mut wire, &method.authorize_params, &values)?;
    let renamed = |name: &str| method.authorize_param_names.values().flatten().any(|to| to == name);
    for (name, value) in request.extra {
        if !BINDING.contains(&name.to_ascii_lowercase().as_str()) && !renamed(name) {
            wire.set(name, value.as_str());
        }
    }
    if method.authorize_omit_empty {
        wire.remove_empty();
    }
    assemble(context, url, &wire)
}

fn standard(values: &Values<'_>, request: &AuthorizeRequest<'_>, joined: &str) -> Result<Wire, EngineError> {
    let method = values.context.method;
    let mut wire = Wire::new();
    wire.push("response_type", "code");
    wire.push("client_id", values.required("client_id", "authorize_url")?);
    wire.push("redirect_uri", request.redirect_uri);
    if !joined.is_empty() {
        wire.push("scope", joined);
    }
    let second = method.optional_scopes.as_ref().map(|optional| optional.param.as_str());
    if let Some(param) = second.or(method.authorize_extra_scope_param.as_deref())
        && !request.optional_scopes.is_empty()
    {
        wire.push(param, scopes::join(method, request.optional_scopes));
    }
    wire.push("state", request.state);
    if let Some(challenge) = values.get("code_challenge")? {
        wire.push("code_challenge", challenge);
        wire.push("code_challenge_method", "S256");
    }
    Ok(wire)
}

/// Writes the parameters behind what the URL has already, with `%20` for spaces.
fn assemble(context: &Context<'_>, mut url: Url, wire: &Wire) -> Result<Url, EngineError> {
    let method = context.method;
    let scope_name = match method.authorize_param_names.get("scope") {
        Some(Some(renamed)) => renamed.as_str(),
        _ => "scope",
    };
    let pairs: Vec<String> = wire
        .iter()
        .map(|(name, value)| {
            let value = value.expose();
            let encoded = match method.authorize_scope_unencoded && name == scope_name {
                true => lightly(value),
                false => percent_encode(value),
            };
            format!("{}={encoded}", percent_encode(name))
        })
        .collect();
    let written = pairs.join("&");
    match &method.authorize_fragment {
        Some(Fragment::Route(route)) => url.set_fragment(Some(&format!("{route}?{written}"))),
        Some(Fragment::Flag(true)) => url.set_fragment(Some(&written)),
        Some(Fragment::Flag(false)) | None => {
            let query = match url.query().filter(|query| !query.is_empty()) {
                Some(present) => format!("{present}&{written}"),
                None => written,
            };
            url.set_query(Some(&query));
        }
    }
    Ok(url)
}

/// Scopes as they are, except for what would end the parameter.
fn lightly(value: &str) -> String {
    let keep = |byte: u8| byte.is_ascii_graphic() && !matches!(byte, b'&' | b'#' | b'%' | b'"' | b'<' | b'>');
    value
        .bytes()
        .map(|byte| if keep(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") })
        .collect()
}

impl crate::schema::AuthMethod {
    /// Whether the user is led through the provider's pages.
    pub fn has_redirect(&self) -> bool {
        matches!(self.kind, MethodType::Oauth2 | MethodType::Oauth1 | MethodType::McpOauth)
    }
}
