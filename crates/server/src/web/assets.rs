//! Styles, fonts and pictures, in the binary. Their addresses hold a hash of them all, so browsers keep them for a year.

use std::sync::LazyLock;

use axum::extract::Path;
use axum::response::{IntoResponse as _, Response};
use http::{HeaderMap, HeaderValue, StatusCode, header};
use rust_embed::{EmbeddedFile, RustEmbed};

use super::hosted;

#[derive(RustEmbed)]
#[folder = "static/hosted"]
struct Files;

#[derive(RustEmbed)]
#[folder = "static/dashboard"]
struct Dashboard;

/// What the addresses of this build hold.
static HASH: LazyLock<String> = LazyLock::new(|| {
    let mut names: Vec<_> = Files::iter().chain(Dashboard::iter()).collect();
    names.sort();
    let hashes = names.iter().filter_map(|name| found(name)).map(|file| file.metadata.sha256_hash());
    let all: Vec<u8> = hashes.flatten().collect();
    hex::encode(keybearer_core::sha256(&all).get(..8).unwrap_or_default())
});

/// The address of a file.
pub(super) fn address(file: &str) -> String {
    format!("/static/{}/{file}", HASH.as_str())
}

/// `GET /static/{hash}/{file}`. A node of another version asks with another hash: it gets the file, to be asked for again.
pub(super) async fn file(Path((hash, file)): Path<(String, String)>, headers: HeaderMap) -> Response {
    let lasting = hash == *HASH;
    stored(&file, if lasting { "public, max-age=31536000, immutable" } else { "no-cache" }, &headers)
}

/// `GET /favicon.ico`.
pub(super) async fn favicon(headers: HeaderMap) -> Response {
    stored("favicon.ico", "public, max-age=86400", &headers)
}

fn found(name: &str) -> Option<EmbeddedFile> {
    Files::get(name).or_else(|| Dashboard::get(name))
}

fn stored(name: &str, keep: &'static str, asked: &HeaderMap) -> Response {
    let Some(file) = found(name) else {
        return hosted::absent(asked);
    };
    let mut answer = (StatusCode::OK, file.data.into_owned()).into_response();
    let headers = answer.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(kind(name)));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static(keep));
    answer
}

fn kind(name: &str) -> &'static str {
    match name.rsplit_once('.').map(|(_, ending)| ending) {
        Some("css") => "text/css; charset=utf-8",
        Some("js") => "text/javascript; charset=utf-8",
        Some("woff2") => "font/woff2",
        Some("svg") => "image/svg+xml",
        Some("ico") => "image/x-icon",
        _ => "text/plain; charset=utf-8",
    }
}
