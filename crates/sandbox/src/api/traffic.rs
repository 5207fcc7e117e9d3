//! Endpoints that show what travels through a proxy: upload, stream, echo, status, redirect.

use std::sync::Arc;
use std::time::Duration;

use aws_lc_rs::digest;
use axum::Json;
use axum::body::Body;
use axum::extract::{OriginalUri, Path, Query, Request, State};
use axum::response::{IntoResponse as _, Response};
use bytes::Bytes;
use futures_util::stream;
use http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use http_body_util::BodyExt as _;
use keybearer_core::{sha256, to_hex};
use serde::Deserialize;
use serde_json::{Value, json};

use super::guard::{caller, error};
use crate::shared::Shared;

/// Takes any body, keeps none of it, answers its size and SHA-256. Needs `postcards.write`.
pub(super) async fn upload(State(shared): State<Arc<Shared>>, request: Request) -> Response {
    if let Err(refusal) = caller(&shared, request.headers(), "postcards.write") {
        return *refusal;
    }
    let kind = request
        .headers()
        .get(header::CONTENT_TYPE)
        .map(|kind| String::from_utf8_lossy(kind.as_bytes()).into_owned());
    let (mut body, mut hash, mut size) = (request.into_body(), digest::Context::new(&digest::SHA256), 0_u64);
    while let Some(frame) = body.frame().await {
        let Ok(frame) = frame else {
            return error(StatusCode::BAD_REQUEST, "cut_off", "the upload ended before its end");
        };
        if let Some(data) = frame.data_ref() {
            hash.update(data);
            size += data.len() as u64;
        }
    }
    let sum = to_hex(hash.finish().as_ref());
    (StatusCode::CREATED, Json(json!({ "bytes": size, "sha256": sum, "content_type": kind }))).into_response()
}

#[derive(Deserialize)]
pub(super) struct Chunks {
    chunks: Option<u64>,
    bytes: Option<usize>,
    pause_ms: Option<u64>,
    /// `events` for server-sent events, lines of text otherwise.
    #[serde(default)]
    form: String,
    /// Break off after this many chunks, without an end.
    break_after: Option<u64>,
}

/// `?chunks=5&bytes=64&pause_ms=10`: one piece after another. Needs `postcards.read`.
pub(super) async fn stream(
    State(shared): State<Arc<Shared>>,
    headers: HeaderMap,
    Query(asked): Query<Chunks>,
) -> Response {
    if let Err(refusal) = caller(&shared, &headers, "postcards.read") {
        return *refusal;
    }
    let events = asked.form == "events";
    let kind = if events { "text/event-stream" } else { "text/plain; charset=utf-8" };
    let pieces = stream::unfold(0_u64, move |number| {
        let (last, bytes) = (asked.chunks.unwrap_or(5).min(10_000), asked.bytes.unwrap_or(32).min(1 << 20));
        let (pause, broken) = (asked.pause_ms.unwrap_or(0).min(10_000), asked.break_after == Some(number));
        async move {
            if number >= last {
                return None;
            }
            if pause > 0 {
                tokio::time::sleep(Duration::from_millis(pause)).await;
            }
            let piece = if broken {
                Err(std::io::Error::other("broken off on purpose"))
            } else {
                Ok(piece(number, bytes, events))
            };
            Some((piece, number + 1))
        }
    });
    ([(header::CONTENT_TYPE, kind)], Body::from_stream(pieces)).into_response()
}

fn piece(number: u64, bytes: usize, events: bool) -> Bytes {
    let line = format!("chunk {number} ");
    let filler = ".".repeat(bytes.saturating_sub(line.len() + 1));
    let text =
        if events { format!("id: {number}\ndata: {line}{filler}\n\n") } else { format!("{line}{filler}\n") };
    Bytes::from(text)
}

/// Answers what arrived, headers as they are: the one place that shows a credential, to test that nobody
/// else does. Needs no token.
pub(super) async fn echo(
    method: Method,
    OriginalUri(uri): OriginalUri,
    headers: HeaderMap,
    body: Bytes,
) -> Json<Value> {
    let mut shown = serde_json::Map::new();
    for name in headers.keys() {
        let values =
            headers.get_all(name).iter().map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned());
        shown.insert(name.to_string(), values.collect::<Vec<_>>().join(", ").into());
    }
    let text = std::str::from_utf8(&body).ok().filter(|text| text.len() <= 10_000);
    Json(json!({
        "method": method.as_str(),
        "path": uri.path(),
        "query": uri.query(),
        "headers": shown,
        "body_bytes": body.len(),
        "body_sha256": to_hex(&sha256(&body)),
        "body_text": text,
    }))
}

/// Answers with the status asked for, 200 to 599.
pub(super) async fn status(Path(status): Path<u16>) -> Response {
    let known = StatusCode::from_u16(status).ok().filter(|status| (200..600).contains(&status.as_u16()));
    let Some(status) = known else {
        return error(StatusCode::BAD_REQUEST, "bad_status", "ask for 200 to 599");
    };
    if matches!(status, StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED) {
        return status.into_response();
    }
    (status, Json(json!({ "status": status.as_u16() }))).into_response()
}

#[derive(Deserialize)]
pub(super) struct Redirect {
    to: Option<String>,
    status: Option<u16>,
}

/// A redirect to `?to=` with `?status=` (302 when absent).
pub(super) async fn redirect(State(shared): State<Arc<Shared>>, Query(asked): Query<Redirect>) -> Response {
    let to = asked.to.unwrap_or_else(|| format!("{}/api/echo", shared.issuer));
    let code = asked.status.filter(|code| (300..400).contains(code)).unwrap_or(302);
    let status = StatusCode::from_u16(code).unwrap_or(StatusCode::FOUND);
    match HeaderValue::from_str(&to) {
        Ok(location) => (status, [(header::LOCATION, location)]).into_response(),
        Err(_) => error(StatusCode::BAD_REQUEST, "bad_target", "the target is not a header value"),
    }
}
