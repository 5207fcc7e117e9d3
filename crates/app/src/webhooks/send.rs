//! One try: one request to the endpoint, and what came of it.

use std::time::Duration;

use bytes::Bytes;
use http::header::{CONTENT_TYPE, RETRY_AFTER, USER_AGENT};
use http::{Request, StatusCode};
use http_body_util::BodyExt as _;
use keybearer_core::{Error, Result, SecretBytes, Timestamp};
use keybearer_egress::{BodyStream, Cause, EgressError, StreamLimits, body_from};
use keybearer_oauth::failure::retry_after;
use serde_json::Value;
use tokio::time::{Instant, timeout_at};

use super::sign;
use crate::outbox::Event;
use crate::state::App;

/// So much of an answer is read, for the connection to be usable again. Nothing of it is kept.
const MAX_ANSWER: usize = 4096;
/// How we name ourselves.
pub(super) const AGENT: &str = concat!("Keybearer/", env!("CARGO_PKG_VERSION"));

/// What came of a try.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Outcome {
    pub started_at: Timestamp,
    pub duration: Duration,
    /// The HTTP status, when there was an answer.
    pub status: Option<StatusCode>,
    /// What went wrong; `None` when the endpoint took the event.
    pub failure: Option<&'static str>,
    /// How long the endpoint wants to be left alone.
    pub retry_after: Option<Duration>,
}

impl Outcome {
    /// Whether the endpoint says that it is gone for good.
    pub fn is_gone(&self) -> bool {
        self.status == Some(StatusCode::GONE)
    }
}

/// Sends an event and waits for the answer's head. Redirects are not followed: what the guard has checked is the
/// address that gets the event.
///
/// # Errors
/// A fault of ours before anything was sent.
pub(super) async fn send(app: &App, url: &str, keys: &[SecretBytes], event: &Event) -> Result<Outcome> {
    let started_at = app.now();
    let request = request(url, keys, event, started_at)?;
    let timeout = app.config().webhooks.timeout;
    let (begun, limits) = (Instant::now(), StreamLimits::from(timeout));
    let answer = timeout_at(begun + timeout, app.egress().stream(request, limits)).await;
    let (status, failure, retry_after) = match answer {
        Err(_) => (None, Some("timeout"), None),
        Ok(Err(error)) => (None, Some(words(&error)), None),
        Ok(Ok(answer)) => {
            let (head, body) = answer.into_parts();
            let wait = retry_after(&head.headers, RETRY_AFTER.as_str(), started_at);
            // the status is the answer; a body that does not end costs the connection and nothing else
            let _ = timeout_at(begun + timeout, drain(body)).await;
            (Some(head.status), refusal(head.status), wait.filter(|_| !head.status.is_success()))
        }
    };
    Ok(Outcome { started_at, duration: begun.elapsed(), status, failure, retry_after })
}

/// Reads the beginning of an answer.
async fn drain(mut body: BodyStream) {
    let mut seen = 0;
    while let Some(Ok(frame)) = body.frame().await {
        seen += frame.data_ref().map_or(0, Bytes::len);
        if seen > MAX_ANSWER {
            return;
        }
    }
}

fn request(url: &str, keys: &[SecretBytes], event: &Event, at: Timestamp) -> Result<Request<BodyStream>> {
    let id = event.id.as_str();
    let body = Bytes::from(Value::Object(event.envelope()).to_string());
    Request::post(url)
        .header(CONTENT_TYPE, "application/json")
        .header(USER_AGENT, AGENT)
        .header("webhook-id", id)
        .header("webhook-timestamp", at.seconds().to_string())
        .header("webhook-signature", sign::signature(keys, id, at, &body))
        .header("keybearer-sequence", event.sequence.to_string())
        .body(body_from(body))
        .map_err(|_| Error::internal("the webhook request cannot be built"))
}

fn refusal(status: StatusCode) -> Option<&'static str> {
    match status {
        status if status.is_success() => None,
        StatusCode::GONE => Some("gone"),
        StatusCode::TOO_MANY_REQUESTS => Some("rate_limited"),
        status if status.is_redirection() => Some("redirect_not_followed"),
        status if status.is_server_error() => Some("server_error"),
        _ => Some("refused"),
    }
}

/// Our words for a failure: the text of the layer below may quote what the endpoint sent.
pub(super) fn words(error: &EgressError) -> &'static str {
    match (error, error.cause()) {
        (EgressError::Refused { .. }, _) => "address_not_allowed",
        (_, Some(Cause::Dns)) => "name_not_found",
        (_, Some(Cause::Connect)) => "connection_failed",
        (_, Some(Cause::Tls)) => "tls_failed",
        (_, Some(Cause::Timeout)) => "timeout",
        (_, Some(Cause::Closed)) => "connection_closed",
        (_, Some(Cause::Protocol) | None) => "not_http",
    }
}
