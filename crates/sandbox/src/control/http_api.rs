//! `/_control/…`: JSON over HTTP, for the CLI and for tests in other languages. Loopback and token only.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::{Extension, Query, Request, State};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse as _, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use http::StatusCode;
use keybearer_core::SecretString;
use serde::Deserialize;
use serde_json::{Value, json};

use super::handle::{Approval, Control};
use crate::api;
use crate::config::{ClientConfig, KeyPair};
use crate::oauth::no_store;
use crate::server::Peer;
use crate::shared::Shared;

pub(crate) fn routes(shared: &Arc<Shared>) -> Router<Arc<Shared>> {
    Router::new()
        .route("/state", get(state))
        .route("/set", post(set))
        .route("/clock", post(clock))
        .route("/approve", post(approve))
        .route("/requests", get(requests).delete(clear))
        .route("/counters", get(counters))
        .route("/people", get(people))
        .route("/clients", post(client))
        .route("/keys", post(key))
        .route("/administrator", post(administrator))
        .route("/withdraw", post(withdraw))
        .route("/reset", post(reset))
        .layer(Extension(Control::new(Arc::clone(shared))))
        .layer(middleware::from_fn_with_state(Arc::clone(shared), guard))
}

async fn guard(State(shared): State<Arc<Shared>>, request: Request, next: Next) -> Response {
    let local =
        request.extensions().get::<Peer>().is_some_and(|peer| peer.0.ip().to_canonical().is_loopback());
    if !local {
        return problem(StatusCode::FORBIDDEN, "the control API answers on loopback only");
    }
    // `Secret` compares in constant time
    let sent = api::bearer(request.headers()).map(SecretString::from);
    if sent.is_none_or(|sent| sent != shared.control_token) {
        return problem(StatusCode::UNAUTHORIZED, "send the control token as a bearer token");
    }
    no_store(next.run(request).await)
}

fn problem(status: StatusCode, says: impl std::fmt::Display) -> Response {
    (status, Json(json!({ "error": says.to_string() }))).into_response()
}

fn snapshot(control: &Control) -> Value {
    json!({
        "url": control.url(),
        "settings": control.settings(),
        "failures": control.switches(),
        "clock": { "now": control.now().rfc3339(), "offset_seconds": control.clock_offset_seconds(), "skew_seconds": control.skew_seconds() },
        "counters": control.counters(),
        "unusual": control.unusual(),
    })
}

async fn state(Extension(control): Extension<Control>) -> Json<Value> {
    Json(snapshot(&control))
}

/// `{"refresh": "invalid_grant*1", "rotate": "off"}`: all or nothing; the first wrong one is named.
async fn set(
    Extension(control): Extension<Control>,
    Json(wanted): Json<BTreeMap<String, String>>,
) -> Response {
    let pairs = wanted.iter().map(|(name, value)| (name.as_str(), value.as_str()));
    match control.set_all(pairs) {
        Ok(()) => Json(snapshot(&control)).into_response(),
        Err(error) => problem(StatusCode::BAD_REQUEST, error),
    }
}

#[derive(Deserialize)]
struct Clock {
    /// Seconds to move forward.
    forward_seconds: Option<u64>,
    /// A constant error in seconds.
    skew_seconds: Option<i64>,
}

async fn clock(Extension(control): Extension<Control>, Json(wanted): Json<Clock>) -> Json<Value> {
    if let Some(seconds) = wanted.forward_seconds {
        control.advance(Duration::from_secs(seconds));
    }
    if let Some(seconds) = wanted.skew_seconds {
        control.set_skew(seconds);
    }
    Json(snapshot(&control))
}

#[derive(Deserialize)]
struct Approve {
    authorize_url: String,
    #[serde(rename = "as")]
    person: String,
    scopes: Option<Vec<String>>,
}

async fn approve(Extension(control): Extension<Control>, Json(wanted): Json<Approve>) -> Response {
    let approval = Approval { person: wanted.person, scopes: wanted.scopes };
    match control.approve(&wanted.authorize_url, &approval) {
        Ok(target) => Json(json!({ "redirect_to": target.as_str() })).into_response(),
        Err(error) => problem(StatusCode::BAD_REQUEST, error),
    }
}

#[derive(Deserialize)]
struct After {
    #[serde(default)]
    after: u64,
}

async fn requests(Extension(control): Extension<Control>, Query(page): Query<After>) -> Json<Value> {
    Json(json!({ "requests": control.requests(page.after) }))
}

async fn clear(Extension(control): Extension<Control>) -> StatusCode {
    control.clear_requests();
    StatusCode::NO_CONTENT
}

async fn counters(Extension(control): Extension<Control>) -> Json<Value> {
    Json(json!(control.counters()))
}

async fn people(Extension(control): Extension<Control>) -> Json<Value> {
    let shown = control.people().into_iter().map(|person| {
        json!({
            "id": person.id,
            "name": person.name,
            "email": person.email(),
            "habit": person.habit,
            "note": person.note(),
            "live_grants": control.live_grants(&person.id),
        })
    });
    Json(json!({ "people": shown.collect::<Vec<_>>() }))
}

#[derive(Deserialize)]
struct NewClient {
    client_id: String,
    client_secret: Option<SecretString>,
    redirect_uris: Vec<String>,
    name: String,
}

async fn client(Extension(control): Extension<Control>, Json(new): Json<NewClient>) -> StatusCode {
    let NewClient { client_id, client_secret, redirect_uris, name } = new;
    control.register_client(ClientConfig { client_id, client_secret, redirect_uris, name });
    StatusCode::NO_CONTENT
}

#[derive(Deserialize)]
struct NewKey {
    issuer: String,
    public_key_pem: String,
}

async fn key(Extension(control): Extension<Control>, Json(new): Json<NewKey>) -> StatusCode {
    control.register_key(KeyPair { issuer: new.issuer, public_key_pem: new.public_key_pem });
    StatusCode::NO_CONTENT
}

#[derive(Deserialize)]
struct Administrator {
    client_id: String,
    allows: bool,
}

async fn administrator(
    Extension(control): Extension<Control>,
    Json(said): Json<Administrator>,
) -> StatusCode {
    control.administrator(&said.client_id, said.allows);
    StatusCode::NO_CONTENT
}

#[derive(Deserialize)]
struct Withdraw {
    #[serde(rename = "as")]
    person: String,
    client_id: Option<String>,
}

async fn withdraw(Extension(control): Extension<Control>, Json(wanted): Json<Withdraw>) -> Json<Value> {
    Json(json!({ "withdrawn": control.withdraw(&wanted.person, wanted.client_id.as_deref()) }))
}

async fn reset(Extension(control): Extension<Control>) -> Json<Value> {
    control.reset();
    Json(snapshot(&control))
}
