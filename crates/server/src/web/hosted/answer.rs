//! Answers: a page with its status, a redirect, or the page for a failure.

use askama::Template;
use axum::response::{Html, IntoResponse as _, Response};
use http::{HeaderMap, HeaderValue, StatusCode, header};
use keybearer_core::{Code, Entropy, Error, Reference};
use url::Url;

use super::contract::{Answer, Page, PageBody, PageHead, ProblemCase, ProblemPage, StartNext};
use super::embedded::{EmbeddedView, Inside};
use super::form::refused;
use super::frame::{Href, Scene};
use super::views::{AbsentView, HopView, html};
use super::words::Wish;
use crate::web::headers::EmbeddedBy;

/// What of a request decides how it is answered.
#[derive(Clone, Debug, Default)]
pub(super) struct Asked {
    /// Which language it wants.
    pub wish: Wish,
    /// The address of the link that it is about.
    pub own: Option<Href>,
    /// The address that shows the same page in another language.
    pub switch: Option<Href>,
    /// It was a form post, from which a redirect to another origin leads over a page of ours (see [`crate::web`]'s
    /// content security policy).
    pub posted: bool,
    /// It asks for a sample to look at.
    pub still: bool,
    /// It comes from inside another app.
    pub inside: Option<Inside>,
}

impl Asked {
    /// A request about nothing in particular.
    pub fn plain(headers: &HeaderMap) -> Self {
        Self { wish: Wish::of(headers, None, false), ..Self::default() }
    }

    /// What a page about `head` is shown with.
    pub fn scene(&self, head: &PageHead) -> Scene {
        let words = self.wish.words(head);
        Scene { words, own: self.own.clone(), switch: self.switch.clone(), still: self.still }
    }
}

/// A page, or the way to somewhere.
pub(super) fn give(answer: &Answer, asked: &Asked, public_url: &Url) -> Response {
    match answer {
        Answer::Page(page) => shown(page, asked),
        Answer::Redirect(url) => away(url, &PageHead::default(), asked, public_url),
        Answer::Leave { to, head } => away(to, head, asked, public_url),
    }
}

fn away(to: &Url, head: &PageHead, asked: &Asked, public_url: &Url) -> Response {
    if asked.posted && to.origin() != public_url.origin() {
        return hop(to, head, asked);
    }
    HeaderValue::from_str(to.as_str()).map_or_else(|_| refusal(Code::Internal, asked), see_other)
}

fn shown(page: &Page, asked: &Asked) -> Response {
    // at the end of a flow its link leads nowhere: there is no address for the page in another language
    let ended = matches!(page.body, PageBody::Done(_) | PageBody::Waiting(_));
    let scene = asked.scene(&page.head);
    let scene = Scene { switch: scene.switch.filter(|_| !ended), ..scene };
    let tag = scene.words.language.tag;
    let html = match (&page.body, &asked.inside) {
        (PageBody::Start(_), Some(inside)) if page.head.refuses_embedded => {
            EmbeddedView::new(&page.head, inside, &scene).render()
        }
        _ => html(page, &scene),
    };
    match html {
        Ok(html) => {
            embeddable(page, (status(page), [(header::CONTENT_LANGUAGE, tag)], Html(html)).into_response())
        }
        Err(error) => {
            tracing::error!(%error, "a hosted page could not be rendered");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}

/// With the sites that may show the page inside their own.
fn embeddable(page: &Page, mut answer: Response) -> Response {
    let origins = &page.head.brand.settings.embed_origins;
    if !origins.is_empty() {
        answer.extensions_mut().insert(EmbeddedBy(origins.clone()));
    }
    answer
}

fn status(page: &Page) -> StatusCode {
    let refused = match &page.body {
        PageBody::Problem(problem) => return code_status(problem.code),
        PageBody::Credentials(credentials) => refused(&credentials.form),
        PageBody::Start(start) => matches!(&start.next, StartNext::Form(form) if refused(form)),
        PageBody::IdentityChanged(_)
        | PageBody::Done(_)
        | PageBody::Waiting(_)
        | PageBody::Services(_)
        | PageBody::Stop(_) => false,
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

fn hop(url: &Url, head: &PageHead, asked: &Asked) -> Response {
    let (Some(to), Some(host)) = (Href::web(url), url.host_str()) else {
        return refusal(Code::Internal, asked);
    };
    let mut head = head.clone();
    if head.connector_name.is_empty() {
        host.clone_into(&mut head.connector_name);
    }
    let scene = Scene { switch: None, ..asked.scene(&head) };
    HopView::new(&head, to, host, &scene)
        .render()
        .map_or_else(|_| refusal(Code::Internal, asked), |html| Html(html).into_response())
}

/// The page for a failure of a use case. The failure is logged here, once, under the reference the page shows.
pub(super) fn failure_page(error: &Error, asked: &Asked, entropy: &dyn Entropy) -> Response {
    let reference = Reference::new(entropy).unwrap_or_else(|_| Reference::unknown());
    if error.code.http() >= 500 {
        tracing::error!(code = error.code.as_str(), detail = %error.detail, %reference, "a hosted page failed");
    } else {
        tracing::info!(code = error.code.as_str(), detail = %error.detail, %reference, "a hosted page was refused");
    }
    problem(error.code, reference, error.retry_after_seconds, asked)
}

/// The page for a request that never reached a use case.
pub(super) fn refusal(code: Code, asked: &Asked) -> Response {
    problem(code, Reference::unknown(), None, asked)
}

fn problem(code: Code, reference: Reference, wait_seconds: Option<u32>, asked: &Asked) -> Response {
    let problem = ProblemPage {
        case: case(code),
        code,
        reference,
        ended_at: None,
        retry: false,
        identity: None,
        wait_seconds,
        return_url: None,
    };
    shown(&Page { head: PageHead::default(), body: PageBody::Problem(problem) }, asked)
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
pub fn elsewhere(headers: &HeaderMap) -> Response {
    let mut answer = absent(headers);
    *answer.status_mut() = StatusCode::MISDIRECTED_REQUEST;
    answer
}

/// 404: nothing is at this address.
pub fn absent(headers: &HeaderMap) -> Response {
    absent_to(&Asked::plain(headers))
}

pub(super) fn absent_to(asked: &Asked) -> Response {
    let scene = asked.scene(&PageHead::default());
    let html = AbsentView::new(&scene).render().unwrap_or_default();
    let tag = scene.words.language.tag;
    (StatusCode::NOT_FOUND, [(header::CONTENT_LANGUAGE, tag)], Html(html)).into_response()
}
