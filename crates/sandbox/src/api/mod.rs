//! The API of Postcards and the services beside it: Luggage (key), Lockers (Basic), Turnstile (key pair).

mod guard;
mod postcards;
mod services;
mod traffic;
mod turnstile;

use std::sync::Arc;

use axum::Router;
use axum::routing::{any, get, post};

pub(crate) use guard::{bearer, challenge};
pub(crate) use turnstile::is_public_key;

use crate::shared::Shared;

pub(crate) fn routes() -> Router<Arc<Shared>> {
    Router::new()
        .route("/me", get(postcards::me))
        .route("/api/me", get(postcards::me))
        .route("/api/postcards", get(postcards::list).post(postcards::create))
        .route("/api/postcards/{id}", get(postcards::show).delete(postcards::delete))
        .route("/api/upload", post(traffic::upload).put(traffic::upload))
        .route("/api/stream", get(traffic::stream))
        .route("/api/echo", any(traffic::echo))
        .route("/api/status/{status}", any(traffic::status))
        .route("/api/redirect", any(traffic::redirect))
        .route("/luggage/check", get(services::luggage_check))
        .route("/luggage/items", get(services::luggage_items))
        .route("/lockers/me", get(services::lockers_me))
        .route("/turnstile/token", post(turnstile::token))
        .route("/turnstile/passes", get(turnstile::passes))
}
