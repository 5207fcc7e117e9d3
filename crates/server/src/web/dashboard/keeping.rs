//! Forms that wait while their person signs in, or proves again who they are.

use askama::Template;
use axum::response::Response;
use http::{HeaderMap, StatusCode};
use keybearer_app::kept::{self, Kept};
use keybearer_app::sessions::{self, SignedIn};
use keybearer_core::Result;

use super::answer::{html, see_other};
use super::confirm;
use super::entry_view::EntryView;
use super::form::Form;
use super::frame::{Frame, Section};
use super::guard::{Guest, GuestPosted, Visit};

/// What was typed, to be sent or left.
#[derive(Template)]
#[template(path = "dashboard/kept.html")]
struct KeptView {
    frame: Frame,
    heading: &'static str,
    path: String,
    fields: Vec<(String, String)>,
    shown: Vec<(String, String)>,
    dropped: bool,
}

/// Fields that only machines read.
const QUIET: [&str; 6] = ["do", "version", "kb_secret", "scopes_shown", "environment", "method"];

impl KeptView {
    fn new(frame: Frame, heading: &'static str, kept: Kept) -> Self {
        let shown = kept.fields.iter().filter(|(name, _)| !QUIET.contains(&name.as_str()));
        let shown = shown.map(|(name, value)| (words(name), value.clone())).collect();
        Self { frame, heading, path: kept.path, shown, fields: kept.fields, dropped: kept.dropped }
    }
}

/// `client_id` as people read it.
fn words(name: &str) -> String {
    let text = name.replace(['_', '-'], " ");
    let mut characters = text.chars();
    let first: String = characters.next().map(|first| first.to_uppercase().collect()).unwrap_or_default();
    format!("{first}{}", characters.as_str())
}

fn of(app: &keybearer_app::App, path: &str, form: &Form) -> Kept {
    let fields: Vec<(String, String)> =
        form.0.0.iter().map(|(name, value)| (name.clone(), value.expose().clone())).collect();
    Kept::new(app, path, fields, &form.all("kb_secret"))
}

/// The sign-in for a form that came without a session. Only a page of ours can have sent it.
pub(super) async fn signed_out(guest: &Guest, headers: &HeaderMap, path: &str, form: &Form) -> Response {
    let page = async {
        let kept = of(&guest.dash.app, path, form);
        let sealed = match kept.fields.is_empty() {
            true => None,
            false => kept::seal(&guest.dash.app, &guest.browser, &kept).await?,
        };
        let referer = headers.get(http::header::REFERER).and_then(|value| value.to_str().ok());
        let next = super::entry::local(referer.and_then(path_of));
        let view = EntryView::login(guest, next).await?;
        let view = EntryView { kept: sealed.unwrap_or_default(), ..view };
        Ok(html(StatusCode::UNAUTHORIZED, &view))
    };
    let page: Result<Response> = page.await;
    guest.answer(page)
}

fn path_of(address: &str) -> Option<&str> {
    let (_, rest) = address.split_once("://")?;
    rest.find('/').and_then(|at| rest.get(at..))
}

/// The page right after signing in, when a form waits.
pub(super) async fn after_sign_in(guest: &Guest, signed: &SignedIn, sealed: &str) -> Result<Response> {
    let app = &guest.dash.app;
    let Some(kept) = kept::open(app, &guest.browser, sealed).await? else { return Ok(see_other("/")) };
    let Some(session) = sessions::resume(app, &signed.token).await? else { return Ok(see_other("/")) };
    let csrf = sessions::form_token(app, session.id.as_str()).await?;
    let frame = Frame::of(&session, Section::Overview, Frame::bare("Signed in again", guest.theme, csrf));
    Ok(html(StatusCode::OK, &KeptView::new(frame, "You are signed in again", kept)))
}

/// `POST /login/kept`: signed in meanwhile in another tab.
pub(super) async fn resume(GuestPosted { guest, form }: GuestPosted) -> Response {
    let sealed = form.text("kept");
    let page = async {
        let app = &guest.dash.app;
        let Some(session) = &guest.session else {
            let view = EntryView::login(&guest, "/".to_owned()).await?;
            let wrong = Some("You are not signed in yet.".to_owned());
            return Ok(html(StatusCode::UNPROCESSABLE_ENTITY, &EntryView { kept: sealed, wrong, ..view }));
        };
        let Some(kept) = kept::open(app, &guest.browser, &sealed).await? else { return Ok(see_other("/")) };
        let csrf = sessions::form_token(app, session.id.as_str()).await?;
        let frame = Frame::of(session, Section::Overview, Frame::bare("Signed in again", guest.theme, csrf));
        Ok(html(StatusCode::OK, &KeptView::new(frame, "You are signed in again", kept)))
    };
    let page: Result<Response> = page.await;
    guest.answer(page)
}

/// The proof that a form of a signed-in member waits for.
pub(super) async fn step_up(visit: &Visit, form: &Form, next: &str) -> Response {
    let page = async {
        let kept = of(visit.app(), &visit.path, form);
        let sealed = kept::seal(visit.app(), visit.session.id.as_str(), &kept).await?;
        confirm::page(visit, next, sealed.unwrap_or_default()).await
    };
    let page: Result<Response> = page.await;
    visit.answer(page)
}

/// The page after that proof.
pub(super) async fn after_proof(visit: &Visit, sealed: &str, next: &str) -> Result<Response> {
    let kept = kept::open(visit.app(), visit.session.id.as_str(), sealed).await?;
    let Some(kept) = kept else { return Ok(see_other(next)) };
    Ok(visit.page(&KeptView::new(visit.frame(Section::Settings, "It is you"), "Thank you: it is you", kept)))
}
