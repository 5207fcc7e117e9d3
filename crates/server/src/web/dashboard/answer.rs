//! Answers: a page, the way to another page, or the page of a failure.

use askama::Template;
use axum::response::{Html, IntoResponse as _, Response};
use http::{HeaderValue, StatusCode, header};
use keybearer_core::{Code, Error, Reference, Result};

use super::cookie::Cookie;
use super::explain::{Beyond, explained};
use super::flash::Flash;
use super::frame::{Frame, Section};
use super::guard::Visit;
use super::passkeys::to_proof;

/// Renders a page.
pub(super) fn html(status: StatusCode, view: &impl Template) -> Response {
    match view.render() {
        Ok(text) => (status, Html(text)).into_response(),
        Err(error) => {
            tracing::error!(%error, "a page of the dashboard could not be rendered");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}

/// 303 to a path of ours.
pub(super) fn see_other(path: &str) -> Response {
    let path = HeaderValue::from_str(path).unwrap_or_else(|_| HeaderValue::from_static("/"));
    (StatusCode::SEE_OTHER, [(header::LOCATION, path)]).into_response()
}

/// With a further `Set-Cookie`.
pub(super) fn with_cookie(mut answer: Response, cookie: Option<HeaderValue>) -> Response {
    if let Some(cookie) = cookie {
        answer.headers_mut().append(header::SET_COOKIE, cookie);
    }
    answer
}

/// A failure, as a page.
#[derive(Template)]
#[template(path = "dashboard/problem.html")]
pub(super) struct ProblemView {
    frame: Frame,
    heading: String,
    why: String,
    help: Option<String>,
    fields: Vec<String>,
    reference: String,
    pub beyond: Beyond,
}

/// The page of a failure, for somebody who may not be signed in.
pub(super) fn problem(error: &Error, reference: &Reference, frame: Frame) -> Response {
    let (status, view) = failed(error, reference, frame);
    html(status, &view)
}

/// What is said about a failure. It is logged here, once, under the reference the page shows.
fn failed(error: &Error, reference: &Reference, frame: Frame) -> (StatusCode, ProblemView) {
    if error.code.http() >= 500 {
        let source = error.source.as_ref().map(|source| source.to_string());
        tracing::error!(code = error.code.as_str(), detail = %error.detail, source, %reference, "a page of the dashboard failed");
    } else {
        tracing::info!(code = error.code.as_str(), detail = %error.detail, %reference, "a page of the dashboard was refused");
    }
    let heading = match error.code {
        Code::PermissionDenied => "Your role does not allow that.",
        Code::LinkExpired => "This link has ended.",
        Code::Unauthenticated => "You are signed out.",
        code => code.title(),
    };
    let status = StatusCode::from_u16(error.code.http()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let view = ProblemView {
        frame,
        heading: heading.to_owned(),
        why: sentence(&error.detail),
        help: error.help.as_deref().map(sentence),
        fields: error
            .violations
            .iter()
            .map(|wrong| format!("{} {}", wrong.field, wrong.description))
            .collect(),
        reference: reference.to_string(),
        beyond: Beyond::default(),
    };
    (status, view)
}

/// A failure of a form that another version of this program made.
fn updated(error: Error) -> Error {
    let updated = "Keybearer was updated after this page was loaded: load it again and send it once more";
    let help = match &error.help {
        Some(help) => format!("{updated}; otherwise: {help}"),
        None => updated.to_owned(),
    };
    error.with_help(help)
}

/// `text` with a capital letter and a full stop.
pub(super) fn sentence(text: &str) -> String {
    let mut characters = text.chars();
    let first: String = characters.next().map(|first| first.to_uppercase().collect()).unwrap_or_default();
    let stop = if text.ends_with(['.', '?', '`']) { "" } else { "." };
    format!("{first}{}{stop}", characters.as_str())
}

/// A text for a command line, quoted where a shell would read something into it.
pub(super) fn quoted(text: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.@/+:,%".contains(&byte);
    match !text.is_empty() && text.bytes().all(plain) {
        true => text.to_owned(),
        false => format!("'{}'", text.replace('\'', "'\\''")),
    }
}

impl Visit {
    /// The frame of a page of this visit.
    pub fn frame(&self, section: Section, title: &str) -> Frame {
        let bare = Frame {
            flash: self.flash.clone(),
            path: self.path.clone(),
            ribbon: self.ribbon(),
            ..Frame::bare(title, self.theme, self.csrf.clone())
        };
        Frame::of(&self.session, section, bare)
    }

    /// A page. What was to be said once is said.
    pub fn page(&self, view: &impl Template) -> Response {
        self.page_with(StatusCode::OK, view)
    }

    /// A page with a status of its own.
    pub fn page_with(&self, status: StatusCode, view: &impl Template) -> Response {
        let said = self.flash.as_ref().and_then(|_| Cookie::Flash.clear(self.dash.is_secure()));
        with_cookie(html(status, view), said)
    }

    /// On to another page, which says what was done.
    pub fn done(&self, to: &str, flash: Flash) -> Response {
        self.done_with(to, flash, None)
    }

    /// Like [`Self::done`], with a number in the sentence.
    pub fn done_with(&self, to: &str, flash: Flash, number: Option<i64>) -> Response {
        with_cookie(see_other(to), Cookie::Flash.set(&flash.code(number), self.dash.is_secure()))
    }

    /// Like [`Self::done`], with several numbers in the sentence.
    pub fn done_all(&self, to: &str, flash: Flash, numbers: &[i64]) -> Response {
        with_cookie(see_other(to), Cookie::Flash.set(&flash.code_of(numbers), self.dash.is_secure()))
    }

    /// The answer, or the page of the failure.
    pub fn answer(&self, result: Result<Response>) -> Response {
        match result {
            Ok(answer) => answer,
            // only of somebody who is signed in: they have to prove again who they are
            Err(error) if error.code == Code::Unauthenticated => to_proof(&self.path),
            Err(error) => {
                let error = if self.of_another_version { updated(error) } else { error };
                let frame = self.frame(self.section, "Not done");
                let (status, view) = failed(&error, &self.session.caller.reference, frame);
                explained(self, &error, status, view)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::quoted;

    #[test]
    fn a_shell_reads_a_name_as_one_word() {
        assert_eq!(quoted("ada@example.com"), "ada@example.com");
        assert_eq!(quoted("$(rm -rf /)"), "'$(rm -rf /)'");
        assert_eq!(quoted("O'Neil; ls"), "'O'\\''Neil; ls'");
        assert_eq!(quoted(""), "''");
    }
}
