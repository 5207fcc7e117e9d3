//! Proving again who one is.

use askama::Template;
use axum::extract::Query;
use axum::response::Response;
use http::StatusCode;
use keybearer_app::passkeys::{self, Question};
use keybearer_app::step_up;
use keybearer_core::{Code, Error, Result};

use super::answer::{see_other, sentence};
use super::entry::{Asked, answer_of, local};
use super::form::Form;
use super::frame::{Frame, Section};
use super::guard::{Posted, Visit};
use super::keeping;
use super::sso::told;

/// The question.
#[derive(Template)]
#[template(path = "dashboard/confirm.html")]
struct ConfirmView {
    frame: Frame,
    next: String,
    kept: String,
    email: String,
    password: bool,
    passkey: Option<Question>,
    sso: Option<String>,
    wrong: Option<String>,
}

/// `GET /settings/confirm`
pub(super) async fn ask(visit: Visit, Query(asked): Query<Asked>) -> Response {
    let next = local(asked.next.as_deref());
    let page =
        async { Ok(visit.page(&view(&visit, &next, String::new(), told(&visit.dash, &asked)).await?)) };
    let page: Result<Response> = page.await;
    visit.answer(page)
}

/// The page that asks.
pub(super) async fn page(visit: &Visit, next: &str, kept: String) -> Result<Response> {
    Ok(visit.page(&view(visit, next, kept, None).await?))
}

/// `POST /settings/confirm`
pub(super) async fn confirm(Posted { visit, form }: Posted) -> Response {
    let proved = step_up::confirm(visit.app(), &visit.session, form.secret("password")).await;
    go_on(&visit, &form, proved).await
}

/// `POST /settings/confirm/passkey`
pub(super) async fn confirm_with_passkey(Posted { visit, form }: Posted) -> Response {
    let proved = passkeys::confirm(visit.app(), &visit.session, &answer_of(&form)).await;
    go_on(&visit, &form, proved).await
}

async fn go_on(visit: &Visit, form: &Form, proved: Result<()>) -> Response {
    let (next, kept) = (local(Some(&form.text("next"))), form.text("kept"));
    let page = async {
        match proved {
            Ok(()) if kept.is_empty() => Ok(see_other(&next)),
            Ok(()) => keeping::after_proof(visit, &kept, &next).await,
            Err(error) if is_told(error.code) => {
                let view = view(visit, &next, kept, Some(wrong(&error))).await?;
                Ok(visit.page_with(StatusCode::UNPROCESSABLE_ENTITY, &view))
            }
            Err(error) => Err(error),
        }
    };
    let page: Result<Response> = page.await;
    visit.answer(page)
}

fn is_told(code: Code) -> bool {
    matches!(code, Code::InvalidArgument | Code::RateLimited | Code::Unauthenticated | Code::LinkExpired)
}

fn wrong(error: &Error) -> String {
    match (error.retry_after_seconds, error.violations.is_empty()) {
        (Some(seconds), _) => format!("Too many wrong tries. Try again in {seconds} s."),
        (None, false) => "That is not your password.".to_owned(),
        (None, true) => sentence(&error.detail),
    }
}

async fn view(visit: &Visit, next: &str, kept: String, wrong: Option<String>) -> Result<ConfirmView> {
    let ways = step_up::ways(visit.app(), &visit.session).await?;
    let passkey = match ways.passkey {
        true => passkeys::ask_confirm(visit.app(), &visit.session).await?,
        false => None,
    };
    let sso = visit.app().config().sso.as_ref().filter(|_| ways.sso).map(|sso| sso.name.clone());
    Ok(ConfirmView {
        frame: visit
            .frame(Section::Settings, "Is it you?")
            .under("/settings", "Settings")
            .under("", "Is it you?"),
        next: next.to_owned(),
        kept,
        email: visit.session.member.email.clone(),
        password: ways.password,
        passkey,
        sso,
        wrong,
    })
}
