use std::sync::Arc;

use axum::{Router, middleware};

use crate::shared::Shared;
use crate::{api, control, oauth, observe, pages};

pub(crate) fn router(shared: Arc<Shared>) -> Router {
    Router::new()
        .merge(oauth::routes())
        .merge(pages::routes())
        .merge(api::routes())
        .nest("/_control", control::routes(&shared))
        .fallback(pages::not_found)
        .layer(middleware::from_fn_with_state(Arc::clone(&shared), observe::observe))
        .with_state(shared)
}
