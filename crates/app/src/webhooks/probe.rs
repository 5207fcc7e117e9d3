//! Whether an address answers, before anything is sent to it.

use std::time::Duration;

use http::Request;
use http::header::USER_AGENT;
use keybearer_core::{Error, Result};
use keybearer_egress::{StreamLimits, body_from};
use tokio::time::{Instant, timeout_at};

use super::{send, url};
use crate::access::{Caller, Permission};
use crate::state::App;

/// How long an answer may take.
const PATIENCE: Duration = Duration::from_secs(5);

/// What came of a look at an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Probe {
    /// The HTTP status. Any status is an answer: the address gets events as POST, and this was HEAD.
    pub status: Option<u16>,
    /// Why there was no answer, in a word of a closed list.
    pub failure: Option<&'static str>,
    /// How long it took.
    pub duration: Duration,
}

/// Asks an address for its head, without a body, a credential or an event.
///
/// # Errors
/// [`keybearer_core::Code::PermissionDenied`]; `InvalidArgument` at `url` for one that may not be an endpoint.
pub async fn probe(app: &App, caller: &Caller, text: &str) -> Result<Probe> {
    caller.require(Permission::WebhooksWrite)?;
    let url = url::check(app, text)?;
    let request = Request::head(url.as_str())
        .header(USER_AGENT, send::AGENT)
        .body(body_from(bytes::Bytes::new()))
        .map_err(|_| Error::internal("the look at an address cannot be built"))?;
    let begun = Instant::now();
    let answer =
        timeout_at(begun + PATIENCE, app.egress().stream(request, StreamLimits::from(PATIENCE))).await;
    let (status, failure) = match answer {
        Err(_) => (None, Some("timeout")),
        Ok(Err(error)) => (None, Some(send::words(&error))),
        Ok(Ok(answer)) => (Some(answer.status().as_u16()), None),
    };
    Ok(Probe { status, failure, duration: begun.elapsed() })
}
