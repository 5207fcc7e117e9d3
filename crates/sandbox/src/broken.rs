//! Answers of a provider that is broken on purpose; the request behind them is not handled.

use axum::response::{Html, IntoResponse as _, Response};
use http::{HeaderValue, StatusCode, header};
use serde_json::json;

use crate::failure::Failure;
use crate::oauth::no_store;
use crate::shared::Shared;

/// The answer for `failure`; `None` when the handler has to shape its own.
pub(crate) fn answer(shared: &Shared, failure: Failure, path: &str) -> Option<Response> {
    let json = |status: StatusCode, error: &str| {
        let body = json!({ "error": error, "error_description": "switched on in the sandbox" });
        no_store((status, axum::Json(body)).into_response())
    };
    Some(match failure {
        Failure::InvalidGrant => json(StatusCode::BAD_REQUEST, "invalid_grant"),
        Failure::InvalidClient => json(StatusCode::UNAUTHORIZED, "invalid_client"),
        Failure::ServerError(status) => {
            let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
            json(status, "server_error")
        }
        Failure::RateLimit(seconds) => {
            let mut response = json(StatusCode::TOO_MANY_REQUESTS, "rate_limited");
            response.headers_mut().insert(header::RETRY_AFTER, seconds.into());
            response
        }
        Failure::Html => html(StatusCode::BAD_GATEWAY),
        Failure::OkError => {
            let body = json!({ "ok": false, "error": "internal_error" });
            no_store(axum::Json(body).into_response())
        }
        Failure::Garbage => {
            let kind = [(header::CONTENT_TYPE, "application/json")];
            no_store((kind, "{\"access_token\": \"pc_at_cut_off_in_the_mid").into_response())
        }
        Failure::Redirect => redirect(shared, path),
        Failure::Unauthorized => crate::api::challenge(StatusCode::UNAUTHORIZED, "invalid_token", None),
        Failure::InsufficientScope => {
            crate::api::challenge(StatusCode::FORBIDDEN, "insufficient_scope", Some("postcards.delete"))
        }
        _ => return None,
    })
}

/// The error page of a gateway that stands before the provider.
pub(crate) fn html(status: StatusCode) -> Response {
    let page = "<!doctype html><html><head><title>Something went wrong</title></head>\
                <body><h1>Something went wrong</h1><p>The gateway did not understand the answer.</p></body></html>";
    (status, Html(page)).into_response()
}

fn redirect(shared: &Shared, path: &str) -> Response {
    let mut response = StatusCode::TEMPORARY_REDIRECT.into_response();
    let target = format!("{}/api/echo?from={}", shared.issuer, path.trim_start_matches('/'));
    if let Ok(value) = HeaderValue::from_str(&target) {
        response.headers_mut().insert(header::LOCATION, value);
    }
    response
}
