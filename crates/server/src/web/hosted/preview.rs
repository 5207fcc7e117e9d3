//! Every page with sample data at `/_hosted/{case}`, for pictures and browser tests. Not in release builds.

use axum::Router;
use axum::extract::{Path, RawQuery};
use axum::middleware::map_response;
use axum::response::{Html, Response};
use axum::routing::get;
use http::HeaderMap;
use url::Url;

use super::answer::{Asked, absent_to, give};
use super::contract::Answer;
use super::embedded::Inside;
use super::frame::Href;
use super::samples::{NAMES, sample};
use super::words::Wish;
use crate::web::headers::dress;

/// `/_hosted` and `/_hosted/{case}`.
pub fn routes(public_url: Url) -> Router {
    let page = move |Path(name): Path<String>, RawQuery(query): RawQuery, headers: HeaderMap| {
        let public_url = public_url.clone();
        async move { shown(&name, query.as_deref(), &headers, &public_url) }
    };
    Router::new()
        .route("/_hosted", get(list))
        .route("/_hosted/{case}", get(page))
        .layer(map_response(|answer| async { dress(answer, false) }))
}

/// What the sample of that name answers; `hop` is the way to a provider.
pub fn answer(name: &str, public_url: &Url) -> Option<Answer> {
    if name == "hop" {
        return public_url.join("/_hosted/done").ok().map(Answer::Redirect);
    }
    sample(name).map(|page| Answer::Page(Box::new(page)))
}

fn shown(name: &str, query: Option<&str>, headers: &HeaderMap, public_url: &Url) -> Response {
    let (own, switch) = (Some(Href::link(name)), Some(Href::path(&format!("/_hosted/{name}"))));
    let inside = (name == "embedded")
        .then(|| Inside { name: "Chatterbox".into(), address: format!("{public_url}c/{name}") });
    let asked =
        Asked { wish: Wish::of(headers, query, false), own, switch, posted: true, still: true, inside };
    let Some(answer) = answer(name, public_url) else {
        return absent_to(&asked);
    };
    give(&answer, &asked, public_url)
}

async fn list() -> Html<String> {
    let item = |name: &&str| format!("<li><a href=\"/_hosted/{name}\">{name}</a></li>");
    let items: String = NAMES.iter().map(item).collect();
    let head = "<!doctype html><html lang=\"en\"><title>Hosted pages</title>";
    Html(format!("{head}<main><h1>Hosted pages</h1><ul>{items}</ul></main>"))
}
