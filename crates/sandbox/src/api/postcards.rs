//! Postcards: who I am, my cards.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, Query, State};
use axum::response::{IntoResponse as _, Response};
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, StatusCode, header};
use keybearer_core::{sha256, to_hex};
use serde::Deserialize;
use serde_json::{Value, json};

use super::guard::{caller, error};
use crate::shared::Shared;

type Answer = Result<Response, Box<Response>>;

fn finish(answer: Answer) -> Response {
    answer.unwrap_or_else(|refusal| *refusal)
}

pub(super) async fn me(State(shared): State<Arc<Shared>>, headers: HeaderMap) -> Response {
    finish(caller(&shared, &headers, "profile.read").map(|caller| {
        let count = shared.world().drawer(&caller.person.id, shared.now()).len();
        let body = json!({
            "sub": caller.owner.person.as_ref().map_or_else(|| caller.owner.client_id.clone(), |p| p.subject()),
            "name": caller.person.name,
            "email": caller.person.email(),
            "postcards": count,
        });
        with_etag(&headers, &body, None)
    }))
}

#[derive(Deserialize)]
pub(super) struct Page {
    limit: Option<usize>,
    cursor: Option<String>,
}

pub(super) async fn list(
    State(shared): State<Arc<Shared>>,
    headers: HeaderMap,
    Query(page): Query<Page>,
) -> Response {
    finish(caller(&shared, &headers, "postcards.read").and_then(|caller| {
        let limit = page.limit.unwrap_or(20).clamp(1, 100);
        let all = shared.world().drawer(&caller.person.id, shared.now()).clone();
        let start = match &page.cursor {
            None => 0,
            Some(cursor) => {
                let position = all.iter().position(|card| card.id == *cursor);
                position
                    .ok_or_else(|| Box::new(error(StatusCode::BAD_REQUEST, "bad_cursor", "no such page")))?
            }
        };
        let cards: Vec<_> = all.iter().skip(start).take(limit).collect();
        let next = all.get(start + limit).map(|card| card.id.clone());
        let body = json!({ "postcards": cards, "total": all.len(), "next_cursor": next });
        let link = next.map(|next| {
            format!("<{}/api/postcards?limit={limit}&cursor={next}>; rel=\"next\"", shared.issuer)
        });
        Ok(with_etag(&headers, &body, link))
    }))
}

pub(super) async fn show(
    State(shared): State<Arc<Shared>>,
    headers: HeaderMap,
    Path(id): Path<String>,
) -> Response {
    finish(caller(&shared, &headers, "postcards.read").map(|caller| {
        let found =
            shared.world().drawer(&caller.person.id, shared.now()).iter().find(|card| card.id == id).cloned();
        match found {
            Some(card) => with_etag(&headers, &json!(card), None),
            None => error(StatusCode::NOT_FOUND, "not_found", "no such postcard"),
        }
    }))
}

#[derive(Deserialize)]
struct NewPostcard {
    to: String,
    text: String,
}

pub(super) async fn create(State(shared): State<Arc<Shared>>, headers: HeaderMap, body: Bytes) -> Response {
    finish(caller(&shared, &headers, "postcards.write").map(|caller| {
        let asked = serde_json::from_slice::<NewPostcard>(&body).ok().filter(|card| card.text.len() <= 1_000);
        let Some(asked) = asked else {
            let says = "send {\"to\": …, \"text\": …} with a text of at most 1000 bytes";
            return error(StatusCode::UNPROCESSABLE_ENTITY, "bad_postcard", says);
        };
        let (mut world, now) = (shared.world(), shared.now());
        let card = world.new_postcard(&asked.to, &asked.text, now);
        world.drawer(&caller.person.id, now).push(card.clone());
        let place = [(header::LOCATION, format!("/api/postcards/{}", card.id))];
        (StatusCode::CREATED, place, Json(card)).into_response()
    }))
}

pub(super) async fn delete(
    State(shared): State<Arc<Shared>>,
    headers: HeaderMap,
    Path(id): Path<String>,
) -> Response {
    finish(caller(&shared, &headers, "postcards.delete").map(|caller| {
        let (mut world, now) = (shared.world(), shared.now());
        let drawer = world.drawer(&caller.person.id, now);
        let before = drawer.len();
        drawer.retain(|card| card.id != id);
        if drawer.len() < before {
            StatusCode::NO_CONTENT.into_response()
        } else {
            error(StatusCode::NOT_FOUND, "not_found", "no such postcard")
        }
    }))
}

/// 304 when the caller has this answer already.
fn with_etag(headers: &HeaderMap, body: &Value, link: Option<String>) -> Response {
    let text = body.to_string();
    let tag = format!("\"{}\"", to_hex(sha256(text.as_bytes()).get(..8).unwrap_or_default()));
    let known = headers.get(header::IF_NONE_MATCH).and_then(|value| value.to_str().ok());
    let same = known.is_some_and(|known| known.split(',').any(|one| one.trim() == tag));
    let status = if same { StatusCode::NOT_MODIFIED } else { StatusCode::OK };
    let mut response = status.into_response();
    if !same {
        response = ([(header::CONTENT_TYPE, "application/json")], text).into_response();
    }
    if let Ok(value) = HeaderValue::from_str(&tag) {
        response.headers_mut().insert(header::ETAG, value);
    }
    if let Some(value) = link.and_then(|link| HeaderValue::from_str(&link).ok()) {
        response.headers_mut().insert(header::LINK, value);
    }
    response
}
