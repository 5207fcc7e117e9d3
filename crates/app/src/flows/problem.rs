//! Failures of hosted pages: one page layout, one line in the log, no text of the provider.

use keybearer_core::ids::FlowId;
use keybearer_core::{Code, Error, Reference, Timestamp};

use super::page::{Answer, Page, PageBody, PageHead, ProblemCase, ProblemPage};
use crate::state::App;
use crate::trail::Note;

/// A failure and the page it belongs to.
#[derive(Debug)]
pub(crate) struct Trouble {
    pub head: PageHead,
    pub error: Error,
    pub ended_at: Option<Timestamp>,
    pub flow: Option<FlowId>,
    /// Names the page, where that was written down before the page is made.
    pub reference: Option<Reference>,
    /// Who is connected, where the link was used before.
    pub identity: Option<String>,
}

impl From<Error> for Trouble {
    fn from(error: Error) -> Self {
        let head = PageHead::default();
        Self { head, error, ended_at: None, flow: None, reference: None, identity: None }
    }
}

/// The page of a failure. This is the one place that logs it.
pub(crate) fn answer(app: &App, trouble: Trouble) -> Answer {
    let Trouble { head, error, ended_at, flow, reference, identity } = trouble;
    let case = case(&error);
    let reference = reference.or_else(|| app.reference().ok()).unwrap_or_else(Reference::unknown);
    tracing::warn!(
        %reference, code = %error.code, detail = %error.detail, source = error.source.as_ref().map(|source| source.to_string()),
        flow.id = flow.as_ref().map(FlowId::as_str), connector = head.connector_slug, "a connect page shows a problem"
    );
    if let Some(flow) = &flow {
        app.trail().add(app, flow, Note::Trouble(error.code, reference.clone()));
    }
    let page = ProblemPage {
        case,
        code: error.code,
        reference,
        ended_at,
        retry: can_retry(case),
        identity,
        wait_seconds: error.retry_after_seconds,
        return_url: head.return_url.clone(),
    };
    Answer::Page(Box::new(Page { head, body: PageBody::Problem(page) }))
}

fn case(error: &Error) -> ProblemCase {
    match error.code {
        Code::ConsentDenied if error.detail.contains(ADMINISTRATOR) => ProblemCase::AdministratorNeeded,
        Code::ConsentDenied => ProblemCase::Denied,
        Code::FlowNotFound | Code::LinkExpired => ProblemCase::LinkEnded,
        Code::LinkUsed => ProblemCase::LinkUsed,
        Code::StateInvalid => ProblemCase::OtherBrowser,
        Code::IdentifierMismatch => ProblemCase::OtherPerson,
        Code::RateLimited => ProblemCase::TooManyTries,
        Code::ConnectionPaused | Code::ConnectionNotFound | Code::AccountNotFound => {
            ProblemCase::ConnectionOff
        }
        Code::ProviderUnavailable | Code::ProviderRateLimited => ProblemCase::ProviderAway,
        Code::ClientRejected
        | Code::ProviderRejected
        | Code::AccountNeedsSignIn
        | Code::EgressRefused
        | Code::ConfigInvalid
        | Code::ConnectionIncomplete
        | Code::ConnectorNotFound
        | Code::ScopeMissing
        | Code::FailedPrecondition => ProblemCase::AppRefused,
        _ => ProblemCase::Internal,
    }
}

/// Marks a refusal that only an administrator at the provider can lift.
pub(super) const ADMINISTRATOR: &str = "an administrator at the provider must approve";

fn can_retry(case: ProblemCase) -> bool {
    !matches!(case, ProblemCase::LinkEnded | ProblemCase::LinkUsed | ProblemCase::ConnectionOff)
}
