//! What people see: sign-in, consent, granted applications, devices. Server-rendered, no JavaScript.

mod apps;
mod consent;
mod decide;
mod developers;
mod device;
mod session;
mod view;

use std::sync::Arc;

use axum::Router;
use axum::routing::{get, post};

pub(crate) use decide::{Verdict, verdict};
pub(crate) use view::not_found;

use crate::shared::Shared;

pub(crate) fn routes() -> Router<Arc<Shared>> {
    Router::new()
        .route("/", get(view::home))
        .route("/assets/postcards.css", get(view::style))
        .route("/authorize", get(consent::authorize))
        .route("/sign-in", get(session::page).post(session::sign_in))
        .route("/consent", post(consent::answer))
        .route("/apps", get(apps::list))
        .route("/apps/revoke", post(apps::revoke))
        .route("/sign-out", post(apps::sign_out))
        .route("/developers", get(developers::page))
        .route("/developers/apps", post(developers::register_app))
        .route("/developers/keys", post(developers::register_key))
        .route("/device", get(device::page).post(device::answer))
}
