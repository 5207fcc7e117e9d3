//! The page that `GetPortalURL` leads to. It says how endpoints are managed, and shows nothing of any environment.

use axum::response::Html;

/// The page; it is the same for everybody.
pub(super) async fn page() -> Html<&'static str> {
    Html(include_str!("../../templates/webhooks.html"))
}
