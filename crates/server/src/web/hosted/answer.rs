//! Answers: a page with its status, a redirect, or the page for a failure.

use askama::Template;
use axum::response::{Html, IntoResponse as _, Response};
use http::{HeaderValue, StatusCode, header};
use keybearer_core::{Code, Entropy, Error, Reference};
use url::Url;

use super::contract::{Answer, Page, PageBody, PageHead, ProblemCase, ProblemPage, StartNext};
use super::form::refused;
use super::frame::Href;
use super::views::{AbsentView, HopView, html};

/// A page, or the way to somewhere.
///
/// `own` is the address of the link it is about; `posted` means that the request was a form post, from which a redirect
/// to another origin leads over a page of ours (see [`crate::web`]'s content security policy).
pub(super) fn give(answer: &Answer, own: Option<&Href>, posted: bool, public_url: &Url) -> Response {
    match answer {
        Answer::Page(page) => shown(page, own),
        Answer::Redirect(url) if posted && url.origin() != public_url.origin() => hop(url),
        Answer::Redirect(url) => {
            HeaderValue::from_str(url.as_str()).map_or_else(|_| refusal(Code::Internal), see_other)
        }
    }
}

fn shown(page: &Page, own: Option<&Href>) -> Response {
    match html(page, own) {
        Ok(html) => (status(page), Html(html)).into_response(),
        Err(error) => {
            tracing::error!(%error, "a hosted page could not be rendered");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}

fn status(page: &Page) -> StatusCode {
    let refused = match &page.body {
        PageBody::Problem(problem) => return code_status(problem.code),
        PageBody::Credentials(credentials) => refused(&credentials.form),
        PageBody::Start(start) => matches!(&start.next, StartNext::Form(form) if refused(form)),
        PageBody::IdentityChanged(_) | PageBody::Done(_) => false,
    };
    if refused { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::OK }
}

fn code_status(code: Code) -> StatusCode {
    StatusCode::from_u16(code.http()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
}

/// 303: the browser goes on with GET, whatever it sent.
pub(super) fn see_other(location: HeaderValue) -> Response {
    (StatusCode::SEE_OTHER, [(header::LOCATION, location)]).into_response()
}

fn hop(url: &Url) -> Response {
    let (Some(to), Some(host)) = (Href::web(url), url.host_str()) else {
        return refusal(Code::Internal);
    };
    let head = PageHead { connector_name: host.to_owned(), ..PageHead::default() };
    HopView::new(&head, to, host)
        .render()
        .map_or_else(|_| refusal(Code::Internal), |html| Html(html).into_response())
}

/// The page for a failure of a use case. The failure is logged here, once, under the reference the page shows.
pub fn failure_page(error: &Error, entropy: &dyn Entropy) -> Response {
    let reference = Reference::new(entropy).unwrap_or_else(|_| Reference::unknown());
    if error.code.http() >= 500 {
        tracing::error!(code = error.code.as_str(), detail = %error.detail, %reference, "a hosted page failed");
    } else {
        tracing::info!(code = error.code.as_str(), detail = %error.detail, %reference, "a hosted page was refused");
    }
    problem(error.code, reference, error.retry_after_seconds)
}

/// The page for a request that never reached a use case.
pub(super) fn refusal(code: Code) -> Response {
    problem(code, Reference::unknown(), None)
}

fn problem(code: Code, reference: Reference, wait_seconds: Option<u32>) -> Response {
    let case = case(code);
    let problem =
        ProblemPage { case, code, reference, ended_at: None, retry: false, wait_seconds, return_url: None };
    shown(&Page { head: PageHead::default(), body: PageBody::Problem(problem) }, None)
}

fn case(code: Code) -> ProblemCase {
    match code {
        Code::NotFound | Code::FlowNotFound | Code::LinkExpired | Code::AccountNotFound => {
            ProblemCase::LinkEnded
        }
        Code::LinkUsed => ProblemCase::LinkUsed,
        Code::ConsentDenied => ProblemCase::Denied,
        Code::StateInvalid => ProblemCase::OtherBrowser,
        Code::IdentifierMismatch => ProblemCase::OtherPerson,
        Code::ConnectionPaused | Code::ConnectionNotFound => ProblemCase::ConnectionOff,
        Code::ClientRejected | Code::ConnectionIncomplete => ProblemCase::AppRefused,
        Code::ProviderUnavailable | Code::ProviderRateLimited => ProblemCase::ProviderAway,
        Code::RateLimited => ProblemCase::TooManyTries,
        _ => ProblemCase::Internal,
    }
}

/// 421: this server is not what the request takes it for.
pub fn elsewhere() -> Response {
    let mut answer = absent();
    *answer.status_mut() = StatusCode::MISDIRECTED_REQUEST;
    answer
}

/// 404: nothing is at this address.
pub fn absent() -> Response {
    let html = AbsentView::new().render().unwrap_or_default();
    (StatusCode::NOT_FOUND, Html(html)).into_response()
}
