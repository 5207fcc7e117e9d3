//! Turnstile: a signed assertion is traded for a token (RFC 7523 section 2.1).

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use bytes::Bytes;
use http::HeaderMap;
use jsonwebtoken::{Algorithm, DecodingKey, Validation, decode, decode_header};
use keybearer_core::Timestamp;
use serde::Deserialize;
use serde_json::json;

use super::guard::caller;
use crate::oauth::{OAuthError, no_store};
use crate::params::Params;
use crate::shared::Shared;
use crate::world::{Fresh, Owner};

const GRANT: &str = "urn:ietf:params:oauth:grant-type:jwt-bearer";
const LONGEST_SECONDS: i64 = 3_600;
const LEEWAY_SECONDS: i64 = 30;

#[derive(Deserialize)]
struct Claims {
    iss: String,
    sub: Option<String>,
    aud: serde_json::Value,
    exp: i64,
    iat: Option<i64>,
    jti: Option<String>,
}

pub(super) async fn token(State(shared): State<Arc<Shared>>, body: Bytes) -> Response {
    match exchange(&shared, &Params::parse(&body)) {
        Ok(response) => response,
        Err(error) => error.answer(&shared),
    }
}

fn exchange(shared: &Shared, params: &Params) -> Result<Response, OAuthError> {
    if params.get("grant_type") != Some(GRANT) {
        return Err(OAuthError::bad("unsupported_grant_type", "grant_type must be the one of jwt-bearer"));
    }
    let assertion = params.get("assertion");
    let assertion = assertion.ok_or_else(|| OAuthError::bad("invalid_request", "assertion is missing"))?;
    let claims = verified(shared, assertion)?;
    let owner = Owner { person: None, client_id: claims.iss, scopes: vec!["turnstile.passes".to_owned()] };
    let fresh = Fresh::new(shared.entropy.as_ref())?;
    let (pair, _) = shared.world().issue(owner, fresh, false, shared.now());
    Ok(no_store(
        Json(json!({
            "access_token": pair.access.expose(),
            "token_type": "Bearer",
            "expires_in": pair.expires_in(shared.now()),
        }))
        .into_response(),
    ))
}

fn verified(shared: &Shared, assertion: &str) -> Result<Claims, OAuthError> {
    let bad = |says: &str| OAuthError::bad("invalid_grant", says);
    let algorithm = decode_header(assertion).map_err(|_| bad("the assertion is not a JWT"))?.alg;
    let issuer = unverified_issuer(assertion).ok_or_else(|| bad("the assertion names no issuer"))?;
    let pem = shared
        .world()
        .keys
        .get(&issuer)
        .cloned()
        .ok_or_else(|| bad("no key of this issuer is registered"))?;
    let key = match algorithm {
        Algorithm::RS256 => DecodingKey::from_rsa_pem(pem.as_bytes()),
        Algorithm::ES256 => DecodingKey::from_ec_pem(pem.as_bytes()),
        _ => return Err(bad("the assertion must be signed with RS256 or ES256")),
    };
    let key = key.map_err(|_| bad("the registered key does not fit the algorithm"))?;
    let mut validation = Validation::new(algorithm);
    // times and audience are checked below, by the sandbox's own clock
    validation.validate_exp = false;
    validation.validate_aud = false;
    validation.required_spec_claims.clear();
    let claims = decode::<Claims>(assertion, &key, &validation)
        .map_err(|_| bad("the signature does not verify"))?
        .claims;
    check(shared, &claims)?;
    Ok(claims)
}

fn check(shared: &Shared, claims: &Claims) -> Result<(), OAuthError> {
    let bad = |says: &str| Err(OAuthError::bad("invalid_grant", says));
    let now = shared.now();
    let audiences = [format!("{}/turnstile/token", shared.issuer), shared.issuer.clone()];
    let named = match &claims.aud {
        serde_json::Value::Array(all) => all.iter().filter_map(|one| one.as_str()).collect(),
        one => one.as_str().into_iter().collect::<Vec<_>>(),
    };
    match claims {
        _ if !named.iter().any(|one| audiences.iter().any(|own| own == one)) => {
            bad("aud is not this token endpoint")
        }
        _ if claims.sub.as_ref().is_some_and(|sub| *sub != claims.iss) => bad("sub must be iss"),
        _ if claims.exp <= now.seconds() - LEEWAY_SECONDS => bad("the assertion has ended"),
        _ if claims.exp > now.seconds() + LONGEST_SECONDS + LEEWAY_SECONDS => {
            bad("exp is more than an hour ahead")
        }
        _ if claims.iat.is_some_and(|iat| iat > now.seconds() + LEEWAY_SECONDS) => {
            bad("iat is in the future")
        }
        _ => {
            let Some(jti) = &claims.jti else { return Ok(()) };
            let end = Timestamp::from_seconds(claims.exp);
            match shared.world().used_assertions.insert(format!("{} {jti}", claims.iss), end) {
                Some(_) => bad("the assertion was used before"),
                None => Ok(()),
            }
        }
    }
}

fn unverified_issuer(assertion: &str) -> Option<String> {
    let claims = jsonwebtoken::dangerous::insecure_decode::<serde_json::Value>(assertion).ok()?.claims;
    claims.get("iss")?.as_str().map(str::to_owned)
}

/// Whether a PEM text is a public key that this service can verify with.
pub(crate) fn is_public_key(pem: &str) -> bool {
    pem.contains("PUBLIC KEY")
        && (DecodingKey::from_rsa_pem(pem.as_bytes()).is_ok()
            || DecodingKey::from_ec_pem(pem.as_bytes()).is_ok())
}

/// The passes of the key's owner.
pub(super) async fn passes(State(shared): State<Arc<Shared>>, headers: HeaderMap) -> Response {
    match caller(&shared, &headers, "turnstile.passes") {
        Ok(caller) => {
            let passes = json!([{ "gate": "north", "holder": caller.owner.client_id }, { "gate": "quay", "holder": caller.owner.client_id }]);
            Json(json!({ "passes": passes })).into_response()
        }
        Err(refusal) => *refusal,
    }
}
