//! One line of the call log for each proxied call: ids, path without query, status; no header, no body.

use std::time::Duration;

use keybearer_core::ids::{AccountId, CallLogId};
use keybearer_core::{Error, Fault, Timestamp};
use keybearer_store::{CallOutcome, CallRow};

use super::call::{ProxyCall, Trace};
use crate::access::Caller;
use crate::state::App;
use crate::tokens::LoadedAccount;

const NOTE_EVERY: Duration = Duration::from_secs(60);

/// What is known of a call before it is sent.
pub(super) struct Started {
    at: Timestamp,
    clock: tokio::time::Instant,
    method: String,
    path: String,
    agent_run_id: Option<String>,
}

/// Names the agent run that a call belongs to.
const AGENT_RUN: &str = "keybearer-agent-run";

impl Started {
    /// A call that begins now.
    pub fn now(app: &App, call: &ProxyCall) -> Self {
        let path = call.path_and_query.split('?').next().unwrap_or_default();
        Self {
            at: app.now(),
            clock: tokio::time::Instant::now(),
            method: call.method.to_string(),
            path: path.chars().take(500).collect(),
            agent_run_id: agent_run(call),
        }
    }

    /// Hands the line to the ledger; a database that is away does not stop the call.
    pub fn end(self, app: &App, caller: &Caller, trace: &Trace, outcome: Result<u16, &Error>) {
        let account = trace.account.as_ref();
        let Ok(id) = app.id(CallLogId::from_number) else {
            return;
        };
        let row = CallRow {
            id,
            environment_id: caller.environment.clone(),
            reference: caller.reference.to_string(),
            source: "PROXY".to_owned(),
            connection_id: account.map(|account| account.row.connection_id.clone()),
            account_id: account
                .map(|account| account.on_behalf_of.as_ref().unwrap_or(&account.row.id).clone()),
            method: self.method,
            path: self.path,
            status: Some(i64::from(outcome.unwrap_or_else(|error| error.code.http()))),
            error_code: outcome.err().map(|error| error.code.as_str().to_owned()),
            outcome: judged(outcome),
            connector: account.map(|account| account.connection.row.connector.clone()),
            connection_name: account.map(|account| account.connection.row.name.clone()),
            tool_name: None,
            agent_run_id: self.agent_run_id,
            // dropped by the ledger unless the environment keeps details
            error_message: outcome.err().map(|error| error.detail.chars().take(500).collect()),
            provider_ms: trace.provider.map(|spent| i64::try_from(spent.as_millis()).unwrap_or(i64::MAX)),
            duration_ms: i64::try_from(self.clock.elapsed().as_millis()).unwrap_or(i64::MAX),
            started_at: self.at,
        };
        app.ledger().add(app, row, used(app, account));
    }
}

/// The accounts whose last use is to be noted again: once a minute is enough.
fn used(app: &App, account: Option<&LoadedAccount>) -> Vec<AccountId> {
    let Some(account) = account else { return Vec::new() };
    let noted = account.row.last_used_at.is_some_and(|at| app.now().since(at) < NOTE_EVERY);
    let own = (!noted).then(|| account.row.id.clone());
    own.into_iter().chain(account.on_behalf_of.clone()).collect()
}

/// Whose fault a failure is: the provider's, or anybody else's.
fn judged(outcome: Result<u16, &Error>) -> CallOutcome {
    match outcome {
        Ok(status) if status < 400 => CallOutcome::Success,
        Ok(_) => CallOutcome::ProviderError,
        Err(error) if error.code.fault() == Fault::Provider => CallOutcome::ProviderError,
        Err(_) => CallOutcome::PlatformError,
    }
}

fn agent_run(call: &ProxyCall) -> Option<String> {
    let text = call.headers.get(AGENT_RUN)?.to_str().ok()?;
    Some(text.chars().take(255).collect::<String>()).filter(|text| !text.is_empty())
}
