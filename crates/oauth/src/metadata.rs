//! Authorization server metadata ([RFC 8414](https://www.rfc-editor.org/rfc/rfc8414)) and OpenID discovery.

use serde::Deserialize;
use url::{Host, Url};

const OAUTH: &str = "/.well-known/oauth-authorization-server";
const OPENID: &str = "/.well-known/openid-configuration";
const MAX_DOCUMENT: usize = 256 * 1024;

/// What a server says about itself. Everything but `issuer` is optional.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ServerMetadata {
    /// The issuer identifier, exactly as it is written.
    pub issuer: String,
    /// The authorization endpoint.
    pub authorization_endpoint: Option<Url>,
    /// The token endpoint.
    pub token_endpoint: Option<Url>,
    /// The revocation endpoint (RFC 7009).
    pub revocation_endpoint: Option<Url>,
    /// The introspection endpoint (RFC 7662).
    pub introspection_endpoint: Option<Url>,
    /// The dynamic registration endpoint (RFC 7591).
    pub registration_endpoint: Option<Url>,
    /// The pushed authorization request endpoint (RFC 9126).
    pub pushed_authorization_request_endpoint: Option<Url>,
    /// The user info endpoint of OpenID Connect.
    pub userinfo_endpoint: Option<Url>,
    /// The key set.
    pub jwks_uri: Option<Url>,
    /// Whether answers carry `iss` (RFC 9207).
    pub iss_parameter_supported: bool,
    /// Whether a client metadata document may be the client id.
    pub client_id_metadata_document_supported: bool,
    /// The scopes the server lists.
    pub scopes_supported: Vec<String>,
    /// PKCE methods; `None` when the server does not say.
    pub code_challenge_methods_supported: Option<Vec<String>>,
    /// Ways of client authentication; `None` when the server does not say.
    pub token_endpoint_auth_methods_supported: Option<Vec<String>>,
    /// Grant types; `None` when the server does not say.
    pub grant_types_supported: Option<Vec<String>>,
}

impl ServerMetadata {
    /// Whether PKCE with `S256` is listed.
    pub fn supports_s256(&self) -> bool {
        let methods = self.code_challenge_methods_supported.as_deref().unwrap_or_default();
        methods.iter().any(|method| method == "S256")
    }
}

/// Why a document is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MetadataError {
    /// Not a JSON object of at most 256 KiB with the right types.
    #[error("metadata must be a JSON object of at most 256 KiB")]
    Malformed,
    /// No issuer.
    #[error("metadata must name an issuer")]
    NoIssuer,
    /// The issuer is not the one the document was fetched for.
    #[error("metadata issuer must be the one it was fetched for")]
    IssuerMismatch,
    /// An endpoint is not an absolute https address (http on loopback), or has credentials or a fragment.
    #[error("metadata {0} must be an absolute https url")]
    Endpoint(&'static str),
}

#[derive(Deserialize)]
struct Wire {
    issuer: Option<String>,
    authorization_endpoint: Option<String>,
    token_endpoint: Option<String>,
    revocation_endpoint: Option<String>,
    introspection_endpoint: Option<String>,
    registration_endpoint: Option<String>,
    pushed_authorization_request_endpoint: Option<String>,
    userinfo_endpoint: Option<String>,
    jwks_uri: Option<String>,
    authorization_response_iss_parameter_supported: Option<bool>,
    client_id_metadata_document_supported: Option<bool>,
    scopes_supported: Option<Vec<String>>,
    code_challenge_methods_supported: Option<Vec<String>>,
    token_endpoint_auth_methods_supported: Option<Vec<String>>,
    grant_types_supported: Option<Vec<String>>,
}

/// Where the metadata of `issuer` may be, most exact first.
///
/// With a path: RFC 8414 path-inserted, OpenID path-inserted, OpenID appended, then both at the root; without a
/// path: the two at the root. A document found at the root still has to name the issuer.
pub fn candidates(issuer: &Url) -> Vec<Url> {
    let path = issuer.path().trim_end_matches('/');
    let mut places = Vec::new();
    if !path.is_empty() {
        places.extend([format!("{OAUTH}{path}"), format!("{OPENID}{path}"), format!("{path}{OPENID}")]);
    }
    places.extend([OAUTH.to_owned(), OPENID.to_owned()]);
    places
        .into_iter()
        .map(|place| {
            let mut url = issuer.clone();
            url.set_path(&place);
            url.set_query(None);
            url.set_fragment(None);
            url
        })
        .collect()
}

/// Reads a document that was fetched for `expected` issuer; `accepted` are further issuers it may name.
///
/// The comparison is by simple string comparison (RFC 8414 §3.3), except that one trailing slash on an issuer
/// without a path makes no difference.
///
/// # Errors
/// [`MetadataError`].
pub fn parse(body: &[u8], expected: &str, accepted: &[&str]) -> Result<ServerMetadata, MetadataError> {
    if body.len() > MAX_DOCUMENT {
        return Err(MetadataError::Malformed);
    }
    let wire: Wire = serde_json::from_slice(body).map_err(|_| MetadataError::Malformed)?;
    let issuer = wire.issuer.filter(|issuer| !issuer.is_empty()).ok_or(MetadataError::NoIssuer)?;
    if !same_issuer(&issuer, expected) && !accepted.contains(&issuer.as_str()) {
        return Err(MetadataError::IssuerMismatch);
    }
    Ok(ServerMetadata {
        issuer,
        authorization_endpoint: endpoint(wire.authorization_endpoint, "authorization_endpoint")?,
        token_endpoint: endpoint(wire.token_endpoint, "token_endpoint")?,
        revocation_endpoint: endpoint(wire.revocation_endpoint, "revocation_endpoint")?,
        introspection_endpoint: endpoint(wire.introspection_endpoint, "introspection_endpoint")?,
        registration_endpoint: endpoint(wire.registration_endpoint, "registration_endpoint")?,
        pushed_authorization_request_endpoint: endpoint(
            wire.pushed_authorization_request_endpoint,
            "pushed_authorization_request_endpoint",
        )?,
        userinfo_endpoint: endpoint(wire.userinfo_endpoint, "userinfo_endpoint")?,
        jwks_uri: endpoint(wire.jwks_uri, "jwks_uri")?,
        iss_parameter_supported: wire.authorization_response_iss_parameter_supported.unwrap_or(false),
        client_id_metadata_document_supported: wire.client_id_metadata_document_supported.unwrap_or(false),
        scopes_supported: wire.scopes_supported.unwrap_or_default(),
        code_challenge_methods_supported: wire.code_challenge_methods_supported,
        token_endpoint_auth_methods_supported: wire.token_endpoint_auth_methods_supported,
        grant_types_supported: wire.grant_types_supported,
    })
}

fn same_issuer(left: &str, right: &str) -> bool {
    let bare = |text: &str| {
        text.split_once("://").is_some_and(|(_, rest)| !rest.trim_end_matches('/').contains('/'))
    };
    left == right || (bare(left) && left.trim_end_matches('/') == right.trim_end_matches('/'))
}

fn endpoint(text: Option<String>, name: &'static str) -> Result<Option<Url>, MetadataError> {
    let Some(text) = text.filter(|text| !text.is_empty()) else {
        return Ok(None);
    };
    let url: Url = text.parse().map_err(|_| MetadataError::Endpoint(name))?;
    let clean = url.fragment().is_none() && url.username().is_empty() && url.password().is_none();
    let secure = url.scheme() == "https" || (url.scheme() == "http" && is_loopback(&url));
    if clean && secure && url.has_host() { Ok(Some(url)) } else { Err(MetadataError::Endpoint(name)) }
}

fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

#[cfg(test)]
#[path = "metadata_tests.rs"]
mod tests;
