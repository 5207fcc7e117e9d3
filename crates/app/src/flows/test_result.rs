//! What became of a link with which a developer tests a connection.

use keybearer_core::ids::FlowId;
use keybearer_core::{Code, Error, FlowKind, FlowState, Result};
use keybearer_store::{AttemptStatus, FlowRow};
use serde_json::json;

use crate::access::{Caller, Permission};
use crate::connections;
use crate::state::App;

const PREFIX: &str = "test_";

/// Where a test stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TestResult {
    /// Nobody has come back from the provider yet; the link is open.
    Pending,
    /// It connected.
    Succeeded {
        /// The account holder as the provider names them, as a JSON object; absent when it does not say.
        user_info: Option<String>,
    },
    /// The last try failed, or the link ended unused.
    Failed {
        /// One word: a code of our table, an OAuth error, `expired` or `superseded`.
        error: String,
        /// The reference that the page showed.
        reference: Option<String>,
    },
}

/// The name of a test on the wire.
pub fn test_request_id(flow: &FlowId) -> String {
    format!("{PREFIX}{}", flow.as_str().trim_start_matches(FlowId::PREFIX))
}

/// The result of a test of a connection.
///
/// # Errors
/// [`Code::PermissionDenied`], [`Code::ConnectionNotFound`]; [`Code::NotFound`] when the connection has no such test
/// (any more: links are forgotten some time after their end).
pub async fn test_result(app: &App, caller: &Caller, connection: &str, request: &str) -> Result<TestResult> {
    caller.require(Permission::ConnectorsRead)?;
    let connection = connections::row(app, &caller.environment, connection).await?;
    let digits = request.strip_prefix(PREFIX).unwrap_or_default();
    let flow = match FlowId::parse(&format!("{}{digits}", FlowId::PREFIX)) {
        Some(id) => app.db().find_flow(&id).await?,
        None => None,
    };
    let ours = |flow: &FlowRow| flow.connection_id == connection.id && flow.kind == FlowKind::Test;
    let flow =
        flow.filter(ours).ok_or_else(|| Error::new(Code::NotFound, "the connection has no such test"))?;
    if flow.state == FlowState::Done {
        return succeeded(app, &flow).await;
    }
    let attempts = app.db().list_attempts(&flow.id).await?;
    let last = attempts.last();
    if let Some(attempt) = last.filter(|attempt| attempt.status == AttemptStatus::Failed) {
        let error = attempt.failure.clone().unwrap_or_else(|| Code::Internal.as_str().to_owned());
        return Ok(TestResult::Failed { error, reference: attempt.reference.clone() });
    }
    let ended = match () {
        () if flow.failure.is_some() => flow.failure.clone(),
        () if flow.superseded => Some("superseded".to_owned()),
        () if flow.expires_at <= app.now() => Some("expired".to_owned()),
        () => None,
    };
    Ok(ended.map_or(TestResult::Pending, |error| TestResult::Failed { error, reference: None }))
}

async fn succeeded(app: &App, flow: &FlowRow) -> Result<TestResult> {
    let account = match &flow.account_id {
        Some(id) => app.db().find_account(id).await?,
        None => None,
    };
    let identity = account.and_then(|row| Some((row.identity_id?, row.identity_label)));
    let user_info = identity.map(|(id, label)| json!({"sub": id, "name": label}).to_string());
    Ok(TestResult::Succeeded { user_info })
}
