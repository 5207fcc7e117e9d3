//! Every page with sample data at `/_hosted/{case}`, for pictures and browser tests. Not in release builds.

use axum::Router;
use axum::extract::Path;
use axum::middleware::map_response;
use axum::response::{Html, Response};
use axum::routing::get;
use url::Url;

use super::answer::{absent, give};
use super::contract::Answer;
use super::frame::Href;
use super::samples::{NAMES, sample};
use crate::web::headers::dress;

/// `/_hosted` and `/_hosted/{case}`.
pub fn routes(public_url: Url) -> Router {
    let page = move |Path(name): Path<String>| {
        let public_url = public_url.clone();
        async move { shown(&name, &public_url) }
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

fn shown(name: &str, public_url: &Url) -> Response {
    let own = Href::link(name);
    answer(name, public_url).map_or_else(absent, |answer| give(&answer, Some(&own), true, public_url))
}

async fn list() -> Html<String> {
    let item = |name: &&str| format!("<li><a href=\"/_hosted/{name}\">{name}</a></li>");
    let items: String = NAMES.iter().map(item).collect();
    let head = "<!doctype html><html lang=\"en\"><title>Hosted pages</title>";
    Html(format!("{head}<main><h1>Hosted pages</h1><ul>{items}</ul></main>"))
}
