//! Who a token request comes from: `client_secret_basic`, `client_secret_post` or `none`.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::{HeaderMap, header};
use keybearer_core::SecretString;

use super::OAuthError;
use crate::config::ClientConfig;
use crate::params::Params;
use crate::shared::Shared;

/// The client of a request, authenticated when it is a confidential one (RFC 6749 section 2.3.1).
pub(crate) fn client(
    shared: &Shared,
    headers: &HeaderMap,
    params: &Params,
) -> Result<ClientConfig, OAuthError> {
    let basic = basic(headers)?;
    let challenge = basic.is_some();
    let posted = params.get("client_secret").map(SecretString::from);
    let (client_id, secret) = match basic {
        Some(_) if posted.is_some() => {
            return Err(OAuthError::bad("invalid_request", "the client authenticates in two ways"));
        }
        Some((client_id, _)) if params.get("client_id").is_some_and(|other| other != client_id) => {
            return Err(OAuthError::bad(
                "invalid_request",
                "client_id differs from the Authorization header",
            ));
        }
        Some((client_id, secret)) => (client_id, Some(secret)),
        None => (params.get("client_id").unwrap_or_default().to_owned(), posted),
    };
    let found = shared.world().clients.get(&client_id).cloned();
    let refused = || OAuthError::client("the client id and secret are not accepted together", challenge);
    let client = found.ok_or_else(refused)?;
    // `Secret` compares in constant time
    let fits = match (&client.client_secret, &secret) {
        (Some(kept), Some(sent)) => kept == sent,
        (None, None) => true,
        (None, Some(sent)) => sent.is_empty(),
        (Some(_), None) => false,
    };
    if fits { Ok(client) } else { Err(refused()) }
}

fn basic(headers: &HeaderMap) -> Result<Option<(String, SecretString)>, OAuthError> {
    let Some(value) = headers.get(header::AUTHORIZATION) else {
        return Ok(None);
    };
    let malformed =
        || OAuthError::client("the Authorization header is not Basic with an id and a secret", true);
    let text = value.to_str().map_err(|_| malformed())?;
    let (scheme, encoded) = text.split_once(' ').ok_or_else(malformed)?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return Err(malformed());
    }
    let (id, secret) = split_basic(encoded).ok_or_else(malformed)?;
    Ok(Some((form_decoded(&id), SecretString::from(form_decoded(secret.expose())))))
}

/// The two halves of Basic credentials, not form-decoded.
pub(crate) fn split_basic(encoded: &str) -> Option<(String, SecretString)> {
    let bytes = STANDARD.decode(encoded.trim()).ok()?;
    let text = String::from_utf8(bytes).ok()?;
    let (id, secret) = text.split_once(':')?;
    Some((id.to_owned(), secret.into()))
}

/// Both halves are form-encoded before they are joined (RFC 6749 section 2.3.1).
fn form_decoded(text: &str) -> String {
    let pair = format!("v={text}");
    form_urlencoded::parse(pair.as_bytes()).next().map(|(_, value)| value.into_owned()).unwrap_or_default()
}
