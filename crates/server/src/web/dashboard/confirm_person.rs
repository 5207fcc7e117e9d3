//! The browser that comes back from a provider shows who it is, where only people of the dashboard may connect.

use axum::extract::Query;
use axum::response::Response;
use http::HeaderMap;
use keybearer_app::flows;
use keybearer_core::Result;
use serde::Deserialize;

use super::answer::see_other;
use super::guard::Visit;
use crate::web::cookie;

/// What the address carries.
#[derive(Deserialize)]
pub(super) struct Asked {
    #[serde(default)]
    request: String,
}

/// `GET /connect/confirm`: the sign-in is on the way for whoever has no session. It counts in the browser that went to the
/// provider only, so that nobody can be sent here with the consent of somebody else.
pub(super) async fn confirm(visit: Visit, headers: HeaderMap, Query(asked): Query<Asked>) -> Response {
    let browser = cookie::visit(&headers, visit.dash.is_secure());
    let confirmed = flows::confirm(visit.app(), &visit.session, &browser, &asked.request).await;
    let page: Result<Response> = confirmed.map(|next| see_other(&next));
    visit.answer(page)
}
