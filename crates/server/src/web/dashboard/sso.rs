//! The way to the single sign-on and back. What went wrong is told on the page the person came from: the address that the
//! issuer sends back to holds a code, and nobody stays on it.

use axum::extract::{Query, RawQuery};
use axum::response::Response;
use keybearer_app::sso::{self, Arrival, Denied, Refused};
use keybearer_core::Result;

use super::Dashboard;
use super::answer::see_other;
use super::entry::{Asked, let_in, local};
use super::guard::Guest;

const SIGN_IN: &str = "/login";
const CONFIRM: &str = "/settings/confirm";

/// `GET /login/sso`: a link and no form, because Chromium holds every redirect after a form against `form-action`.
pub(super) async fn leave(guest: Guest, Query(asked): Query<Asked>) -> Response {
    let (app, next) = (&guest.dash.app, local(asked.next.as_deref()));
    let way = match &asked.t {
        Some(link) => sso::begin_join(app, &guest.browser, link).await,
        None => sso::begin(app, &guest.browser, &next).await,
    };
    let page = way.and_then(|way| match way {
        Ok(url) => Ok(see_other(url.as_str())),
        Err(refused) => back(&guest, SIGN_IN, &next, &refused),
    });
    guest.answer(page)
}

/// `GET /settings/confirm/sso`
pub(super) async fn leave_to_confirm(guest: Guest, Query(asked): Query<Asked>) -> Response {
    let next = local(asked.next.as_deref());
    let page = async {
        let session = guest.session.as_ref();
        let Some(session) = session else { return Ok(see_other(SIGN_IN)) };
        match sso::begin_confirm(&guest.dash.app, &guest.browser, session, &next).await? {
            Ok(url) => Ok(see_other(url.as_str())),
            Err(refused) => back(&guest, CONFIRM, &next, &refused),
        }
    };
    let page: Result<Response> = page.await;
    guest.answer(page)
}

/// `GET /login/sso/callback`
pub(super) async fn arrive(guest: Guest, RawQuery(query): RawQuery) -> Response {
    let page = async {
        let (app, query) = (&guest.dash.app, query.unwrap_or_default());
        let arrived =
            sso::arrive(app, &guest.browser, &query, guest.session.as_ref(), &guest.visitor).await?;
        let next = local(Some(&arrived.next));
        match arrived.arrival {
            Arrival::SignedIn(signed) => Ok(let_in(&guest, &signed, &next)),
            Arrival::Confirmed => Ok(see_other(&next)),
            Arrival::Refused(refused) if arrived.confirming && guest.session.is_some() => {
                back(&guest, CONFIRM, &next, &refused)
            }
            Arrival::Refused(refused) => back(&guest, SIGN_IN, &next, &refused),
        }
    };
    let page: Result<Response> = page.await;
    guest.answer(page)
}

/// Back to a page that says why. The log says more, under the same reference.
fn back(guest: &Guest, to: &str, next: &str, refused: &Refused) -> Result<Response> {
    let (reference, why) = (guest.dash.app.reference()?, refused.why.as_str());
    tracing::warn!(why, detail = %refused.detail, %reference, "the single sign-on let nobody in");
    let pairs = [("why", why), ("reference", reference.as_str()), ("next", next)];
    let query = form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish();
    Ok(see_other(&format!("{to}?{query}")))
}

/// What [`back`] left in the address of a page, in words of our own.
pub(super) fn told(dash: &Dashboard, asked: &Asked) -> Option<String> {
    let sso = dash.app.config().sso.as_ref()?;
    let says = Denied::parse(asked.why.as_deref()?)?.says(&sso.name);
    let plain = |text: &&str| text.len() == 9 && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
    Some(match asked.reference.as_deref().filter(plain) {
        Some(reference) => format!("{says} Ref {reference}"),
        None => says,
    })
}
