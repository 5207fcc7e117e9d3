use bytes::Bytes;
use keybearer_oauth::{Document, Path, jwt};

use super::exchange::Granted;
use super::values::Values;
use super::verify::{Shape, Target, api_call};
use super::{Context, EngineError};
use crate::schema::{AuthMethod, Identity, IdentitySource, Many};

/// Longest id or label that is kept.
const MAX_LENGTH: usize = 256;

/// Who an account belongs to at the provider.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AccountIdentity {
    /// The provider's lasting id.
    pub id: Option<String>,
    /// Words that a person recognises: a name, an address.
    pub label: Option<String>,
}

/// The call that tells whose the credential is, `None` where the definition has none.
///
/// Without `identity`, `userinfo_url` is asked for the OpenID names.
///
/// # Errors
/// A missing value, a value that would leave its place, or a host that is not pinned.
pub fn identity_request(context: &Context<'_>) -> Result<Option<http::Request<Bytes>>, EngineError> {
    let Some(identity) = description(context.method) else {
        return Ok(None);
    };
    if identity.from != IdentitySource::Request {
        return Ok(None);
    }
    let values = Values::new(context);
    let target = Target { url: identity.url.as_ref(), base: None, path: identity.path.as_ref() };
    let shape = Shape {
        method: identity.method.as_deref().unwrap_or("GET"),
        headers: &identity.headers,
        body: identity.body.as_ref(),
    };
    api_call(&target, &shape, &values, "identity").map(Some)
}

/// Reads the answer to [`identity_request`]; `None` when it is not a success or names nobody.
pub fn read_identity(method: &AuthMethod, response: &http::Response<Bytes>) -> Option<AccountIdentity> {
    if !response.status().is_success() {
        return None;
    }
    let document = Document::from_body(None, response.body()).ok()?;
    read(&description(method)?, &document)
}

/// Reads the identity from what the exchange brought, where the definition says that it is there.
pub fn identity_from_grant(method: &AuthMethod, granted: &Granted) -> Option<AccountIdentity> {
    let identity = description(method)?;
    match identity.from {
        IdentitySource::Request => None,
        IdentitySource::TokenResponse => read(&identity, &granted.tokens.raw),
        IdentitySource::IdToken => {
            let claims = jwt::unverified_claims(granted.tokens.id_token.as_ref()?.expose())?;
            read(&identity, &claims)
        }
    }
}

fn description(method: &AuthMethod) -> Option<Identity> {
    let openid = |url: &crate::template::Text| Identity {
        url: Some(url.clone()),
        id: Some(Many::List(["sub", "id"].map(str::to_owned).to_vec())),
        label: Some(Many::List(["email", "preferred_username", "name"].map(str::to_owned).to_vec())),
        ..Identity::default()
    };
    method.identity.clone().or_else(|| method.userinfo_url.as_ref().map(openid))
}

fn read(identity: &Identity, document: &Document) -> Option<AccountIdentity> {
    let first = |paths: &Option<Many>| {
        paths.iter().flat_map(Many::iter).find_map(|path| {
            let text = document.text(&Path::parse(path).ok()?)?;
            let text = text.expose().trim();
            let fit = !text.is_empty() && !text.chars().any(char::is_control);
            fit.then(|| text.chars().take(MAX_LENGTH).collect::<String>())
        })
    };
    let found = AccountIdentity { id: first(&identity.id), label: first(&identity.label) };
    (found.id.is_some() || found.label.is_some()).then_some(found)
}
