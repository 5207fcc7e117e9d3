//! The layer around every route: records the request, applies failure switches, sets the common headers.

use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, StatusCode, header};

use crate::clock::http_date;
use crate::failure::{Failure, Stage};
use crate::params::Params;
use crate::record::{Outcome, RequestRecord};
use crate::server::DropConnection;
use crate::shared::Shared;

const MAX_BODY: usize = 2 * 1024 * 1024;

/// The failure that meets this request, for handlers that shape their answer by it.
#[derive(Clone, Copy, Default)]
pub(crate) struct Met(pub Option<Failure>);

pub(crate) async fn observe(State(shared): State<Arc<Shared>>, request: Request, next: Next) -> Response {
    if request.uri().path().starts_with("/_control/") {
        return next.run(request).await;
    }
    let mut response = watch(&shared, request, next).await;
    let headers = response.headers_mut();
    if let Ok(date) = HeaderValue::from_str(&http_date(shared.now())) {
        headers.insert(header::DATE, date);
    }
    headers.entry("sandbox").or_insert(HeaderValue::from_static("no real data"));
    response
}

async fn watch(shared: &Arc<Shared>, request: Request, next: Next) -> Response {
    let (mut parts, body) = request.into_parts();
    let path = parts.uri.path().to_owned();
    let mut record = shared.recorder.begin((shared.now(), shared.clock.real()), &parts.method, &path);
    record.query = shared.recorder.fields(&Params::from_query(parts.uri.query()));
    record.headers = shared.recorder.headers(&parts.headers);
    let body = if path == "/api/upload" {
        Ok(body)
    } else {
        read_body(shared, &parts.headers, body, &mut record).await
    };
    record.stage = stage_of(&path, record.grant_type.as_deref());
    let asked = parts.headers.get("sandbox-fail").and_then(|value| value.to_str().ok());
    record.failure = record.stage.and_then(|stage| failure_for(shared, stage, asked));
    let number = record.number;
    shared.recorder.keep(&record);
    let Ok(body) = body else {
        shared.recorder.finish(number, Some(413), None);
        return StatusCode::PAYLOAD_TOO_LARGE.into_response();
    };
    parts.extensions.insert(Met(record.failure));
    let response = run(shared, record.failure, Request::from_parts(parts, body), next).await;
    let dropped = response.extensions().get::<DropConnection>().is_some();
    let status = (!dropped).then_some(response.status().as_u16());
    let outcome = response.extensions().get::<Outcome>().map(|outcome| outcome.0);
    shared.recorder.finish(number, status, outcome);
    response
}

/// Reads the whole body, notes its field names, and puts it back.
async fn read_body(
    shared: &Shared,
    headers: &HeaderMap,
    body: Body,
    record: &mut RequestRecord,
) -> Result<Body, axum::Error> {
    let bytes = to_bytes(body, MAX_BODY).await?;
    let kind = headers.get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    if kind.starts_with("application/x-www-form-urlencoded") {
        let params = Params::parse(&bytes);
        record.body = shared.recorder.fields(&params);
        record.grant_type = params.get("grant_type").map(str::to_owned);
        let number = params.get("refresh_token").map(|token| shared.world().refresh_number(token));
        record.refresh_token = number.map(|number| number.unwrap_or_else(|| "unknown".to_owned()));
    } else if kind.starts_with("application/json") {
        record.body = json_fields(shared, &bytes);
    }
    Ok(Body::from(bytes))
}

fn json_fields(shared: &Shared, bytes: &Bytes) -> std::collections::BTreeMap<String, String> {
    let value =
        serde_json::from_slice::<serde_json::Map<String, serde_json::Value>>(bytes).unwrap_or_default();
    value.into_iter().map(|(name, value)| (name, shared.recorder.digest(&value.to_string()))).collect()
}

fn stage_of(path: &str, grant_type: Option<&str>) -> Option<Stage> {
    match path {
        "/authorize" => Some(Stage::Consent),
        "/token" if grant_type == Some("refresh_token") => Some(Stage::Refresh),
        "/token" | "/turnstile/token" => Some(Stage::Exchange),
        "/me" | "/turnstile/passes" => Some(Stage::Api),
        _ if ["/api/", "/luggage/", "/lockers/"].iter().any(|area| path.starts_with(area)) => {
            Some(Stage::Api)
        }
        _ => None,
    }
}

/// The header of the request wins over the switch. At consent, decisions are left to the page.
fn failure_for(shared: &Shared, stage: Stage, asked: Option<&str>) -> Option<Failure> {
    let at_layer = |failure: Failure| !failure.is_decision() && !failure.changes_answer();
    if let Some(text) = asked {
        let name = text.split_once('=').map_or(text, |(_, name)| name);
        if let Some(failure) = name.trim().parse().ok().filter(|failure: &Failure| failure.fits(stage)) {
            return Some(failure);
        }
    }
    shared.world().switches.take_if(stage, at_layer)
}

async fn run(shared: &Shared, failure: Option<Failure>, request: Request, next: Next) -> Response {
    let path = request.uri().path().to_owned();
    match failure {
        Some(Failure::Slow(milliseconds)) => {
            tokio::time::sleep(Duration::from_millis(milliseconds)).await;
            next.run(request).await
        }
        Some(Failure::DropBefore) => dropped(),
        Some(Failure::DropAfterRead) => {
            // only an upload is still unread here
            let _ = to_bytes(request.into_body(), usize::MAX).await;
            dropped()
        }
        Some(Failure::LoseAnswer) => {
            let mut response = next.run(request).await;
            response.extensions_mut().insert(DropConnection);
            response
        }
        Some(failure) => match crate::broken::answer(shared, failure, &path) {
            Some(response) => response,
            None => next.run(request).await,
        },
        None => next.run(request).await,
    }
}

fn dropped() -> Response {
    let mut response = StatusCode::NO_CONTENT.into_response();
    response.extensions_mut().insert(DropConnection);
    response
}
