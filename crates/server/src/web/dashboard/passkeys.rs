//! One's own passkeys: adding, naming, removing.

use askama::Template;
use axum::extract::Path;
use axum::response::Response;
use http::StatusCode;
use keybearer_app::passkeys::{self, Question};
use keybearer_core::ids::PasskeyId;
use keybearer_core::{Code, Error, Result};

use super::answer::{see_other, sentence};
use super::entry::answer_of;
use super::flash::Flash;
use super::frame::{Frame, Section};
use super::guard::{Posted, Visit};
use super::when::When;

/// A passkey in the list of the settings.
pub(super) struct Row {
    pub id: String,
    pub name: String,
    pub backed_up: bool,
    pub added: When,
    pub used: Option<When>,
}

/// The page that makes one.
#[derive(Template)]
#[template(path = "dashboard/passkey_new.html")]
struct NewView {
    frame: Frame,
    question: Option<Question>,
    email: String,
    name: String,
    wrong: Option<String>,
}

/// The member's passkeys.
pub(super) async fn rows(visit: &Visit) -> Result<Vec<Row>> {
    let now = visit.app().now();
    let row = |one: passkeys::Passkey| Row {
        id: one.id.to_string(),
        name: one.name,
        backed_up: one.backed_up,
        added: When::new(one.created_at, now),
        used: one.used_at.map(|at| When::new(at, now)),
    };
    Ok(passkeys::list(visit.app(), &visit.session).await?.into_iter().map(row).collect())
}

/// `GET /settings/passkeys/new`
pub(super) async fn ask(visit: Visit) -> Response {
    let page = view(&visit, String::new(), None).await;
    visit.answer(page.map(|view| visit.page(&view)))
}

/// `POST /settings/passkeys`
pub(super) async fn add(Posted { visit, form }: Posted) -> Response {
    let name = form.text("name");
    let done = match passkeys::add(visit.app(), &visit.session, &name, &answer_of(&form)).await {
        Ok(()) => Ok(visit.done("/settings", Flash::PasskeyAdded)),
        // a proof is wanted, or the authenticator's answer does not count: the page says which
        Err(error) if is_told(error.code) => view(&visit, name, Some(sentence(&error.detail)))
            .await
            .map(|view| visit.page_with(StatusCode::UNPROCESSABLE_ENTITY, &view)),
        Err(error) => Err(error),
    };
    match done {
        Err(error) if error.code == Code::Unauthenticated => to_proof("/settings/passkeys/new"),
        done => visit.answer(done),
    }
}

fn is_told(code: Code) -> bool {
    matches!(
        code,
        Code::InvalidArgument
            | Code::AlreadyExists
            | Code::LinkExpired
            | Code::FailedPrecondition
            | Code::Unauthenticated
    )
}

/// `POST /settings/passkeys/{id}/rename`
pub(super) async fn rename(Path(id): Path<String>, Posted { visit, form }: Posted) -> Response {
    let done = async {
        passkeys::rename(visit.app(), &visit.session, &passkey(&id)?, &form.text("name")).await?;
        Ok(visit.done("/settings", Flash::PasskeyRenamed))
    };
    let done: Result<Response> = done.await;
    visit.answer(done)
}

/// `POST /settings/passkeys/{id}/remove`
pub(super) async fn remove(Path(id): Path<String>, Posted { visit, .. }: Posted) -> Response {
    let done = async {
        passkeys::remove(visit.app(), &visit.session, &passkey(&id)?).await?;
        Ok(visit.done("/settings", Flash::PasskeyRemoved))
    };
    let done: Result<Response> = done.await;
    visit.answer(done)
}

/// Where a member proves who they are before going on to `next`.
pub(super) fn to_proof(next: &str) -> Response {
    let query = form_urlencoded::Serializer::new(String::new()).append_pair("next", next).finish();
    see_other(&format!("/settings/confirm?{query}"))
}

fn passkey(id: &str) -> Result<PasskeyId> {
    PasskeyId::parse(id).ok_or_else(|| Error::new(Code::NotFound, "there is no such passkey of yours"))
}

async fn view(visit: &Visit, name: String, wrong: Option<String>) -> Result<NewView> {
    Ok(NewView {
        question: passkeys::ask_add(visit.app(), &visit.session).await?,
        frame: visit
            .frame(Section::Settings, "Add a passkey")
            .under("/settings", "Settings")
            .under("", "Add a passkey"),
        email: visit.session.member.email.clone(),
        name,
        wrong,
    })
}
