//! Device authorization (RFC 8628), the machine's side.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use bytes::Bytes;
use http::HeaderMap;
use keybearer_core::random_token;
use serde_json::{Value, json};

use super::{OAuthError, client_auth, no_store};
use crate::params::Params;
use crate::shared::Shared;
use crate::world::{DEVICE_INTERVAL, DEVICE_LIFE, Owner, PollRefusal, read_scopes};

pub(super) async fn authorization(
    State(shared): State<Arc<Shared>>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    match begin(&shared, &headers, &Params::parse(&body)) {
        Ok(answer) => no_store(Json(answer).into_response()),
        Err(error) => error.answer(&shared),
    }
}

fn begin(shared: &Shared, headers: &HeaderMap, params: &Params) -> Result<Value, OAuthError> {
    let client = client_auth::client(shared, headers, params)?;
    let scopes = read_scopes(params.get("scope").unwrap_or("profile.read"))
        .map_err(|scope| OAuthError::bad("invalid_scope", format!("{scope} is not a scope of Postcards")))?;
    let device_code = shared.token("pc_device_")?;
    let user_code = user_code(shared)?;
    shared.world().add_device((&device_code, &user_code), &client.client_id, scopes, shared.now());
    let page = format!("{}/device", shared.issuer);
    Ok(json!({
        "device_code": device_code.expose(),
        "user_code": user_code,
        "verification_uri": page,
        "verification_uri_complete": format!("{page}?user_code={user_code}"),
        "expires_in": DEVICE_LIFE.as_secs(),
        "interval": DEVICE_INTERVAL.as_secs(),
    }))
}

fn user_code(shared: &Shared) -> keybearer_core::Result<String> {
    let text = random_token(shared.entropy.as_ref(), 5)?.to_ascii_uppercase();
    let (head, tail) = text.split_at_checked(4).unwrap_or((&text, ""));
    Ok(format!("{head}-{tail}"))
}

pub(super) fn poll(shared: &Shared, device_code: &str, client_id: &str) -> Result<Owner, OAuthError> {
    shared.world().poll_device(device_code, client_id, shared.now()).map_err(|refusal| match refusal {
        PollRefusal::Unknown => OAuthError::bad("invalid_grant", "the device code is not known"),
        PollRefusal::Pending => OAuthError::bad("authorization_pending", "nobody has decided yet"),
        PollRefusal::SlowDown => OAuthError::bad("slow_down", "ask every 5 seconds"),
        PollRefusal::Denied => OAuthError::bad("access_denied", "the person said no"),
        PollRefusal::Ended => OAuthError::bad("expired_token", "the device code has ended"),
    })
}
