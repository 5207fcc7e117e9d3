//! A token call over the network: every step of the engine's exchange, one deadline for all of them.

use std::time::Duration;

use keybearer_connectors::engine::{Context, Exchange, Grant, Granted};
use keybearer_core::{Code, Error, SecretString};
use keybearer_egress::{EgressError, Limits};
use keybearer_oauth::failure::Failure;

use crate::state::App;
use crate::words;

/// The largest answer of a token endpoint, in bytes.
pub(crate) const MAX_ANSWER: u64 = 1 << 20;

/// Why a token call brought no tokens.
#[derive(Debug)]
pub(crate) struct ExchangeError {
    /// What it means; `None` when the request could not be built or may not be sent.
    pub failure: Option<Failure>,
    /// Why in our own words, for the person.
    pub error: Error,
    /// A refresh token that the provider issued before a later step failed. It must be stored.
    pub rotated: Option<SecretString>,
}

/// What the last answer of a token call looked like; only a developer's test looks at it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Seen {
    /// How long it took.
    pub took: Duration,
    /// The status, when there was an answer.
    pub status: Option<u16>,
    /// How far the provider's clock is ahead of ours, in seconds.
    pub skew_seconds: Option<i64>,
    /// The provider's error in its own words, with everything blanked that could be a secret.
    pub words: Option<String>,
}

impl Seen {
    fn look(&mut self, app: &App, response: &http::Response<bytes::Bytes>, secrets: &[&SecretString]) {
        self.status = Some(response.status().as_u16());
        self.skew_seconds = words::skew(response.headers(), app.now());
        self.words = words::of_answer(response, secrets);
    }
}

/// Makes the token call. Nothing is retried here.
pub(crate) async fn run(
    app: &App,
    context: &Context<'_>,
    grant: &Grant,
    deadline: Duration,
) -> Result<Granted, ExchangeError> {
    run_seen(app, context, grant, deadline, &mut Seen::default()).await
}

/// Like [`run`], and keeps what the last answer looked like.
pub(crate) async fn run_seen(
    app: &App,
    context: &Context<'_>,
    grant: &Grant,
    deadline: Duration,
    seen: &mut Seen,
) -> Result<Granted, ExchangeError> {
    let begun = tokio::time::Instant::now();
    let done = steps(app, context, grant, deadline, seen).await;
    seen.took = begun.elapsed();
    done
}

async fn steps(
    app: &App,
    context: &Context<'_>,
    grant: &Grant,
    deadline: Duration,
    seen: &mut Seen,
) -> Result<Granted, ExchangeError> {
    let ends = tokio::time::Instant::now() + deadline;
    let mut exchange = Exchange::new(context, grant);
    loop {
        let request = match exchange.next_request() {
            Ok(Some(request)) => request,
            Ok(None) => break,
            Err(error) => return Err(unsendable(error.into(), &exchange)),
        };
        let left = ends.saturating_duration_since(tokio::time::Instant::now());
        let limits = Limits { timeout: left, max_body: MAX_ANSWER };
        let answered = app.egress().send(request, limits).await;
        let failure = match answered {
            Ok(response) => {
                seen.look(app, &response, &words::secrets_of(context, grant));
                exchange.answer(&response).err()
            }
            Err(EgressError::Refused { host, reason }) => {
                let detail = format!("{host} may not be contacted: {reason}");
                return Err(unsendable(Error::new(Code::EgressRefused, detail), &exchange));
            }
            Err(error) if error.never_left() => Some(Failure::NotSent),
            Err(_) => Some(Failure::Uncertain { status: None }),
        };
        if let Some(failure) = failure {
            return Err(ExchangeError {
                failure: Some(failure),
                error: explain(failure),
                rotated: exchange.rotated(),
            });
        }
    }
    let rotated = exchange.rotated();
    exchange.finish().map_err(|failure| ExchangeError {
        failure: Some(failure),
        error: explain(failure),
        rotated,
    })
}

fn unsendable(error: Error, exchange: &Exchange<'_>) -> ExchangeError {
    ExchangeError { failure: None, error, rotated: exchange.rotated() }
}

/// A failed token call in the words of the closed table.
pub(crate) fn explain(failure: Failure) -> Error {
    let code = match failure {
        Failure::NotSent | Failure::Uncertain { .. } | Failure::Unavailable { .. } => {
            Code::ProviderUnavailable
        }
        Failure::RateLimited { .. } => Code::ProviderRateLimited,
        Failure::InvalidGrant => Code::AccountNeedsSignIn,
        Failure::ClientRejected { .. } => Code::ClientRejected,
        Failure::ConnectorFault { .. } => Code::ProviderRejected,
    };
    let error = Error::new(code, failure.to_string());
    match failure {
        Failure::RateLimited { retry_after } | Failure::Unavailable { retry_after } => {
            let seconds = retry_after.map_or(5, |wait| wait.as_secs().clamp(1, 3600));
            error.with_retry_after(u32::try_from(seconds).unwrap_or(3600))
        }
        Failure::ClientRejected { .. } => error.with_help(
            "make a new client secret at the provider and replace it here; nobody has to sign in again",
        ),
        _ => error,
    }
}
