//! `/token`, `/revoke`, `/introspect`.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Extension, State};
use axum::response::{IntoResponse as _, Response};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bytes::Bytes;
use http::{HeaderMap, StatusCode};
use keybearer_core::sha256;
use serde_json::{Value, json};

use super::answer::{OAuthError, tokens};
use super::{client_auth, device, no_store};
use crate::config::ClientConfig;
use crate::failure::Failure;
use crate::observe::Met;
use crate::params::Params;
use crate::record::Outcome;
use crate::shared::Shared;
use crate::world::{Exchange, Fresh, Owner, RefreshRefusal, Refreshed, read_scopes};

type Answer = Result<Response, OAuthError>;

pub(super) async fn token(
    State(shared): State<Arc<Shared>>,
    Extension(met): Extension<Met>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let params = Params::parse(&body);
    answer_grant(&shared, &headers, &params, met.0).unwrap_or_else(|error| error.answer(&shared))
}

fn answer_grant(shared: &Shared, headers: &HeaderMap, params: &Params, failure: Option<Failure>) -> Answer {
    if let Some(name) = params.duplicate() {
        return Err(OAuthError::bad("invalid_request", format!("{name} is given twice")));
    }
    let client = client_auth::client(shared, headers, params)?;
    match params.get("grant_type") {
        Some("authorization_code") => exchange(shared, &client, params, failure),
        Some("refresh_token") => refresh(shared, &client, params, failure),
        Some("client_credentials") => client_credentials(shared, &client, params, failure),
        Some("urn:ietf:params:oauth:grant-type:device_code") => {
            let code = params.get("device_code");
            let code = code.ok_or_else(|| OAuthError::bad("invalid_request", "device_code is missing"))?;
            let owner = device::poll(shared, code, &client.client_id)?;
            issue(shared, owner, failure != Some(Failure::NoRefreshToken), failure)
        }
        Some(_) => Err(OAuthError::bad("unsupported_grant_type", "this grant_type is not offered")),
        None => Err(OAuthError::bad("invalid_request", "grant_type is missing")),
    }
}

fn issue(shared: &Shared, owner: Owner, with_refresh: bool, failure: Option<Failure>) -> Answer {
    let fresh = Fresh::new(shared.entropy.as_ref())?;
    let (pair, _) = shared.world().issue(owner, fresh, with_refresh, shared.now());
    Ok(tokens(shared, &pair, failure))
}

fn exchange(shared: &Shared, client: &ClientConfig, params: &Params, failure: Option<Failure>) -> Answer {
    let code = params.get("code").ok_or_else(|| OAuthError::bad("invalid_request", "code is missing"))?;
    let challenge = match params.get("code_verifier") {
        // RFC 7636 section 4.1: 43 to 128 characters
        Some(verifier) if !(43..=128).contains(&verifier.len()) => {
            return Err(OAuthError::bad("invalid_request", "code_verifier must have 43 to 128 characters"));
        }
        verifier => verifier.map(|verifier| URL_SAFE_NO_PAD.encode(sha256(verifier.as_bytes()))),
    };
    let asked =
        Exchange { code, client_id: &client.client_id, redirect_uri: params.get("redirect_uri"), challenge };
    let fresh = Fresh::new(shared.entropy.as_ref())?;
    let with_refresh = failure != Some(Failure::NoRefreshToken);
    let traded = shared.world().exchange(&asked, fresh, with_refresh, shared.now());
    let pair = traded.map_err(|refusal| OAuthError::bad("invalid_grant", refusal.says()))?;
    Ok(tokens(shared, &pair, failure))
}

fn refresh(shared: &Shared, client: &ClientConfig, params: &Params, failure: Option<Failure>) -> Answer {
    let presented = params.get("refresh_token");
    let presented =
        presented.ok_or_else(|| OAuthError::bad("invalid_request", "refresh_token is missing"))?;
    let narrower = params.get("scope").map(read_scopes).transpose().map_err(unknown_scope)?;
    let fresh = Fresh::new(shared.entropy.as_ref())?;
    let used = shared.world().refresh(presented, &client.client_id, narrower, fresh, shared.now());
    match used {
        Ok((mut pair, how)) => {
            if failure == Some(Failure::NoRefreshToken) {
                pair.refresh = None;
            }
            let mut response = tokens(shared, &pair, failure);
            response.extensions_mut().insert(Outcome(match how {
                Refreshed::Rotated => "rotated",
                Refreshed::Kept => "kept",
                Refreshed::Grace => "grace",
            }));
            Ok(response)
        }
        Err(RefreshRefusal::WiderScope) => {
            Err(OAuthError::bad("invalid_scope", RefreshRefusal::WiderScope.says()))
        }
        Err(refusal) => {
            let mut response = OAuthError::bad("invalid_grant", refusal.says()).answer(shared);
            let word = if refusal == RefreshRefusal::Reused { "reused" } else { "refused" };
            response.extensions_mut().insert(Outcome(word));
            Ok(response)
        }
    }
}

fn unknown_scope(scope: String) -> OAuthError {
    OAuthError::bad("invalid_scope", format!("{scope} is not a scope of Postcards"))
}

fn client_credentials(
    shared: &Shared,
    client: &ClientConfig,
    params: &Params,
    failure: Option<Failure>,
) -> Answer {
    if client.client_secret.is_none() {
        return Err(OAuthError::bad("unauthorized_client", "a public client has no credentials of its own"));
    }
    let scopes = read_scopes(params.get("scope").unwrap_or("postcards.read")).map_err(unknown_scope)?;
    issue(shared, Owner { person: None, client_id: client.client_id.clone(), scopes }, false, failure)
}

/// RFC 7009: 200 for a token that is unknown, too.
pub(super) async fn revoke(State(shared): State<Arc<Shared>>, headers: HeaderMap, body: Bytes) -> Response {
    let params = Params::parse(&body);
    let done = client_auth::client(&shared, &headers, &params).and_then(|client| {
        let token =
            params.get("token").ok_or_else(|| OAuthError::bad("invalid_request", "token is missing"))?;
        shared.world().revoke_token(token, &client.client_id);
        Ok(no_store(StatusCode::OK.into_response()))
    });
    done.unwrap_or_else(|error| error.answer(&shared))
}

/// RFC 7662: only the client that a token was made for learns about it.
pub(super) async fn introspect(
    State(shared): State<Arc<Shared>>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let params = Params::parse(&body);
    let done = client_auth::client(&shared, &headers, &params).and_then(|client| {
        let token =
            params.get("token").ok_or_else(|| OAuthError::bad("invalid_request", "token is missing"))?;
        Ok(no_store(Json(introspection(&shared, token, &client.client_id)).into_response()))
    });
    done.unwrap_or_else(|error| error.answer(&shared))
}

fn introspection(shared: &Shared, token: &str, client_id: &str) -> Value {
    let (world, now) = (shared.world(), shared.now());
    let describe = |owner: &Owner, kind: &str| {
        let subject =
            owner.person.as_ref().map_or_else(|| owner.client_id.clone(), |person| person.subject());
        json!({
            "active": true,
            "scope": owner.scopes.join(" "),
            "client_id": owner.client_id,
            "token_type": kind,
            "sub": subject,
            "iss": shared.issuer,
        })
    };
    if let Some(access) = world.live_access(token, now).filter(|access| access.owner.client_id == client_id) {
        let mut body = describe(&access.owner, "Bearer");
        if let Some(body) = body.as_object_mut() {
            body.insert("exp".to_owned(), access.expires_at.seconds().into());
            body.insert("iat".to_owned(), access.issued_at.seconds().into());
        }
        return body;
    }
    match world.live_refresh(token, now).filter(|family| family.owner.client_id == client_id) {
        Some(family) => describe(&family.owner, "refresh_token"),
        None => json!({ "active": false }),
    }
}
