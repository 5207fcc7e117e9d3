//! The OAuth endpoints for machines: token, revocation, introspection, registration, discovery, devices.

mod answer;
mod authorize;
mod client_auth;
mod device;
mod discovery;
mod register;
mod token;

use std::sync::Arc;

use axum::Router;
use axum::response::Response;
use axum::routing::{get, post};
use http::{HeaderValue, header};

pub(crate) use answer::OAuthError;
pub(crate) use authorize::{Ask, AskError, deny, give_code, refuse};
pub(crate) use client_auth::split_basic;
pub(crate) use register::usable_redirect;

use crate::shared::Shared;

pub(crate) fn routes() -> Router<Arc<Shared>> {
    Router::new()
        .route("/token", post(token::token))
        .route("/revoke", post(token::revoke))
        .route("/introspect", post(token::introspect))
        .route("/register", post(register::register))
        .route("/device_authorization", post(device::authorization))
        .route("/.well-known/oauth-authorization-server", get(discovery::metadata))
        .route("/.well-known/openid-configuration", get(discovery::metadata))
}

/// Forbids caches to keep an answer (RFC 6749 section 5.1).
pub(crate) fn no_store(mut response: Response) -> Response {
    let headers = response.headers_mut();
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(header::PRAGMA, HeaderValue::from_static("no-cache"));
    response
}
