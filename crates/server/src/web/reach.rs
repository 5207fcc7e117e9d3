//! `GET /health/{question}`: this server's answer to itself, when it asks through the public URL.

use axum::Router;
use axum::extract::{Path, State};
use axum::response::{IntoResponse as _, Json, Response};
use axum::routing::get;
use http::{HeaderMap, StatusCode, Uri, header};
use keybearer_app::App;
use keybearer_app::reach::{self, Seen};

/// The route. Like `/health` it is the same under every host name, for it says which one arrived.
pub fn router(app: App) -> Router {
    Router::new().route("/health/{question}", get(answer)).with_state(app)
}

async fn answer(
    State(app): State<App>,
    Path(question): Path<String>,
    uri: Uri,
    headers: HeaderMap,
) -> Response {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
    // HTTP/2 names the host in the address
    let named = uri.authority().map_or_else(|| text(header::HOST.as_str()), |authority| authority.as_str());
    let seen = Seen {
        host: named.to_owned(),
        forwarded_host: text("x-forwarded-host").to_owned(),
        forwarded_proto: text("x-forwarded-proto").to_owned(),
    };
    let never_kept = [(header::CACHE_CONTROL, "no-store")];
    match reach::answer(&app, &question, seen).await {
        Ok(Some(proof)) => (never_kept, Json(proof)).into_response(),
        Ok(None) => (StatusCode::NOT_FOUND, never_kept).into_response(),
        Err(error) => {
            tracing::warn!(code = error.code.as_str(), detail = %error.detail, "the question to ourselves could not be answered");
            (StatusCode::SERVICE_UNAVAILABLE, never_kept).into_response()
        }
    }
}
