//! Untying a member from their person at the single sign-on.

use askama::Template;
use axum::extract::Path;
use axum::response::Response;
use keybearer_app::members;
use keybearer_app::sso::{self, Tie};
use keybearer_core::ids::MemberId;
use keybearer_core::{Code, Error, Result};

use super::flash::Flash;
use super::frame::{Frame, Section};
use super::guard::{Posted, Visit};
use super::keeping;
use super::when::When;

/// D22, People: the question before.
#[derive(Template)]
#[template(path = "dashboard/untie.html")]
struct UntieView {
    frame: Frame,
    id: String,
    key: String,
    name: String,
    email: String,
    issuer: String,
    subject: String,
    used: When,
    you: bool,
    by_email: bool,
    /// Whether a password lets them in.
    other_ways: bool,
}

/// `GET /settings/people/{id}/ties/{key}`
pub(super) async fn ask(visit: Visit, Path((id, key)): Path<(String, String)>) -> Response {
    let page = view(&visit, &id, &key).await;
    visit.answer(page.map(|view| visit.page(&view)))
}

/// `POST /settings/people/{id}/ties/{key}`
pub(super) async fn untie(
    Path((id, key)): Path<(String, String)>,
    Posted { visit, form }: Posted,
) -> Response {
    let done = async {
        let member = member(&id)?;
        sso::untie(visit.app(), &visit.session, &member, &key).await?;
        Ok(visit.done("/settings/people", Flash::Untied))
    };
    let done: Result<Response> = done.await;
    match done {
        Err(error) if error.code == Code::Unauthenticated => {
            keeping::step_up(&visit, &form, &format!("/settings/people/{id}/ties/{key}")).await
        }
        done => visit.answer(done),
    }
}

fn member(id: &str) -> Result<MemberId> {
    MemberId::parse(id).ok_or_else(gone)
}

fn gone() -> Error {
    Error::new(Code::NotFound, "there is no such tie (any more)")
}

async fn view(visit: &Visit, id: &str, key: &str) -> Result<UntieView> {
    let (app, caller) = (visit.app(), visit.caller());
    caller.require(keybearer_app::Permission::MembersWrite)?;
    let id = member(id)?;
    let all = sso::ties(app, caller).await?;
    let tie: Tie = all.into_iter().find(|one| one.member == id && one.key == key).ok_or_else(gone)?;
    let people = members::list(app, caller).await?;
    let one = people.into_iter().find(|one| one.id == id).ok_or_else(gone)?;
    let frame = visit.frame(Section::Settings, "Untie").under("/settings", "Settings");
    let config = app.config().sso.as_ref();
    Ok(UntieView {
        frame: frame.under("/settings/people", "People").under("", "Untie"),
        you: visit.session.member.id == id,
        by_email: config.is_some_and(|sso| sso.link_by_email) && tie.current,
        other_ways: one.has_password && config.is_none_or(|sso| !sso.only),
        id: id.to_string(),
        key: tie.key,
        name: one.name,
        email: one.email,
        issuer: tie.issuer,
        subject: tie.subject,
        used: When::new(tie.used, app.now()),
    })
}
