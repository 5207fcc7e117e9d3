//! One line of the call log for each proxied call: ids, path without query, status; no header, no body.

use std::time::Duration;

use keybearer_core::ids::{AccountId, CallLogId};
use keybearer_core::{Code, Timestamp};
use keybearer_store::CallRow;

use super::call::ProxyCall;
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
}

impl Started {
    /// A call that begins now.
    pub fn now(app: &App, call: &ProxyCall) -> Self {
        let path = call.path_and_query.split('?').next().unwrap_or_default();
        Self {
            at: app.now(),
            clock: tokio::time::Instant::now(),
            method: call.method.to_string(),
            path: path.chars().take(500).collect(),
        }
    }

    /// Hands the line to the ledger; a database that is away does not stop the call.
    pub fn end(
        self,
        app: &App,
        caller: &Caller,
        account: Option<&LoadedAccount>,
        outcome: Result<u16, Code>,
    ) {
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
            status: Some(i64::from(outcome.unwrap_or_else(Code::http))),
            error_code: outcome.err().map(|code| code.as_str().to_owned()),
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
