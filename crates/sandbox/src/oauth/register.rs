//! Dynamic client registration (RFC 7591).

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use bytes::Bytes;
use http::StatusCode;
use serde::Deserialize;
use serde_json::{Value, json};
use url::Url;

use super::{OAuthError, no_store};
use crate::config::ClientConfig;
use crate::shared::Shared;

#[derive(Deserialize)]
struct Registration {
    #[serde(default)]
    redirect_uris: Vec<String>,
    client_name: Option<String>,
    token_endpoint_auth_method: Option<String>,
    #[serde(default)]
    grant_types: Vec<String>,
    scope: Option<String>,
}

pub(super) async fn register(State(shared): State<Arc<Shared>>, body: Bytes) -> Response {
    match create(&shared, &body) {
        Ok(answer) => no_store((StatusCode::CREATED, Json(answer)).into_response()),
        Err(error) => error.answer(&shared),
    }
}

fn create(shared: &Shared, body: &[u8]) -> Result<Value, OAuthError> {
    let bad = |says: &str| OAuthError::bad("invalid_client_metadata", says);
    let asked: Registration =
        serde_json::from_slice(body).map_err(|_| bad("the body is not client metadata"))?;
    let method = asked.token_endpoint_auth_method.as_deref().unwrap_or("client_secret_basic");
    if !matches!(method, "client_secret_basic" | "client_secret_post" | "none") {
        return Err(bad("token_endpoint_auth_method is not offered"));
    }
    let needs_redirect =
        asked.grant_types.is_empty() || asked.grant_types.iter().any(|g| g == "authorization_code");
    if (needs_redirect && asked.redirect_uris.is_empty())
        || !asked.redirect_uris.iter().all(|uri| usable_redirect(uri))
    {
        return Err(OAuthError::bad(
            "invalid_redirect_uri",
            "redirect_uris must be http or https, no fragment",
        ));
    }
    if shared.world().clients.len() >= 10_000 {
        return Err(bad("too many clients are registered; reset the sandbox"));
    }
    let client_id = shared.token("pc_client_")?.expose().clone();
    let client_secret = if method == "none" { None } else { Some(shared.token("pc_secret_")?) };
    let name = asked.client_name.unwrap_or_else(|| "An application".to_owned());
    let name: String = name.chars().filter(|c| !c.is_control()).take(80).collect();
    let mut answer = json!({
        "client_id": client_id,
        "client_id_issued_at": shared.now().seconds(),
        "client_name": name,
        "redirect_uris": asked.redirect_uris,
        "token_endpoint_auth_method": method,
        "grant_types": if asked.grant_types.is_empty() { vec!["authorization_code".to_owned()] } else { asked.grant_types },
        "response_types": ["code"],
    });
    if let Some(body) = answer.as_object_mut() {
        if let Some(secret) = &client_secret {
            body.insert("client_secret".to_owned(), secret.expose().as_str().into());
            body.insert("client_secret_expires_at".to_owned(), 0.into());
        }
        if let Some(scope) = asked.scope {
            body.insert("scope".to_owned(), scope.into());
        }
    }
    let client = ClientConfig {
        client_id: client_id.clone(),
        client_secret,
        redirect_uris: asked.redirect_uris,
        name,
    };
    shared.world().clients.insert(client_id, client);
    Ok(answer)
}

/// Whether an application may register this redirect address.
pub(crate) fn usable_redirect(uri: &str) -> bool {
    Url::parse(uri).is_ok_and(|url| matches!(url.scheme(), "http" | "https") && url.fragment().is_none())
}
