//! Testing a connection from the dashboard: what each step saw, for the developer alone.
//!
//! A test is a connect link of its own kind. Beside the link this module notes what nobody else needs to know: how the
//! provider answered before anybody went there, whether it knows the client, what it said in its own words, and whether
//! the token that it gave can be refreshed and used.

mod cause;
mod preflight;
mod probe;
mod prove;

use keybearer_core::ids::{ConnectionId, FlowId};
use keybearer_core::{FlowState, Result, Timestamp};
use keybearer_store::{FlowEnd, TestNoteRow, TestRow};
use serde::{Deserialize, Serialize};

use super::link::{self, Link};
use crate::access::{Caller, Permission};
use crate::state::App;
use crate::{audit, connections, providers};

pub use cause::{Cause, addresses};
pub use keybearer_store::NoteOutcome;
pub use probe::{CredentialCheck, check_credentials};

pub(super) use prove::{exchanged, proven, refused};

/// Where a test looked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TrialStep {
    /// The provider's host.
    Reach,
    /// Client id and secret, before anybody went there.
    Client,
    /// The provider's consent page.
    Approve,
    /// The code.
    Exchange,
    /// One refresh.
    Refresh,
    /// One read-only call.
    Call,
}

impl TrialStep {
    /// The word it is stored under.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Reach => "reach",
            Self::Client => "client",
            Self::Approve => "approve",
            Self::Exchange => "exchange",
            Self::Refresh => "refresh",
            Self::Call => "call",
        }
    }
}

/// What was seen at a step. Nothing in here is a secret.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Seen {
    /// What is wrong, if that is known.
    pub cause: Option<Cause>,
    /// The HTTP status.
    pub status: Option<u16>,
    /// The provider's own words, shortened and blanked.
    pub words: Option<String>,
    /// A word of ours: a code of the closed table, or at which part of the connection it failed.
    pub code: Option<String>,
    /// How far the provider's clock is ahead of ours.
    pub skew_seconds: Option<i64>,
    /// How long the name look-up took.
    pub dns_ms: Option<u64>,
    /// How long the TLS handshake took.
    pub tls_ms: Option<u64>,
    /// The reference that the page of the failure showed.
    pub reference: Option<String>,
}

/// A note of a test.
#[derive(Clone, Debug, PartialEq)]
pub struct Note {
    /// The step's word.
    pub step: String,
    /// How it went.
    pub outcome: NoteOutcome,
    /// How long it took.
    pub duration_ms: Option<i64>,
    /// What was seen.
    pub seen: Seen,
    /// When.
    pub at: Timestamp,
}

/// The newest test of a connection as it is kept after its link is gone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tested {
    /// The test.
    pub flow_id: FlowId,
    /// Who began it.
    pub by: String,
    /// When it began.
    pub at: Timestamp,
    /// How many steps were good; absent before it ended.
    pub result: Option<(i64, i64)>,
}

/// Begins a test: makes its link, and looks at the provider meanwhile. `by` is the name of whoever tests.
///
/// # Errors
/// Those of [`super::create_test_link`].
pub async fn begin_test(app: &App, caller: &Caller, connection: &str, by: &str) -> Result<Link> {
    let row = connections::row(app, &caller.environment, connection).await?;
    let link = link::create_test_link(app, caller, row.id.as_str()).await?;
    let test = TestRow {
        flow_id: link.flow_id.clone(),
        environment_id: caller.environment.clone(),
        connection_id: row.id,
        tested_by: by.to_owned(),
        created_at: app.now(),
        finished_at: None,
        good: 0,
        total: 0,
    };
    app.db().create_test(&test).await?;
    let (worker, flow) = (app.clone(), link.flow_id.clone());
    app.flow_tasks().spawn(async move { preflight::look(&worker, &flow).await });
    Ok(link)
}

/// Ends a test that nobody goes on with. Its link works no more.
///
/// # Errors
/// [`keybearer_core::Code::PermissionDenied`], [`keybearer_core::Code::FlowNotFound`] and those of a look-up.
pub async fn stop_test(app: &App, caller: &Caller, connection: &str, flow: &FlowId) -> Result<()> {
    caller.require(Permission::ConnectorsWrite)?;
    let test = super::test_progress(app, caller, connection, flow).await?;
    let end = FlowEnd {
        flow_id: test.flow_id,
        state: FlowState::Failed,
        failure: Some("stopped".to_owned()),
        attempt: None,
        reference: None,
    };
    app.db().finish_flow(&end, app.now()).await?;
    let detail = serde_json::json!({"flow": flow});
    audit::record(app, caller, "connection.test_stopped", flow.as_str(), detail).await
}

/// Keeps how a test ended, for when its link is gone.
///
/// # Errors
/// [`keybearer_core::Code::FlowNotFound`] and those of a look-up.
pub async fn keep_result(
    app: &App,
    caller: &Caller,
    connection: &str,
    flow: &FlowId,
    (good, total): (i64, i64),
) -> Result<()> {
    let test = super::test_progress(app, caller, connection, flow).await?;
    if test.kept.is_some_and(|kept| kept.result.is_none()) {
        app.db().finish_test(flow, good, total, app.now()).await?;
        if good == total {
            let row = connections::row(app, &caller.environment, connection).await?;
            providers::seen(app, &row).await?;
        }
    }
    Ok(())
}

/// The newest test of a connection, even after its link is gone.
///
/// # Errors
/// `PermissionDenied`, `ConnectionNotFound`.
pub async fn last_tested(app: &App, caller: &Caller, connection: &str) -> Result<Option<Tested>> {
    caller.require(Permission::ConnectorsRead)?;
    let row = connections::row(app, &caller.environment, connection).await?;
    latest(app, &row.id).await
}

async fn latest(app: &App, connection: &ConnectionId) -> Result<Option<Tested>> {
    Ok(app.db().find_latest_test(connection).await?.map(tested))
}

fn tested(row: TestRow) -> Tested {
    Tested {
        flow_id: row.flow_id,
        by: row.tested_by,
        at: row.created_at,
        result: row.finished_at.map(|_| (row.good, row.total)),
    }
}

/// The test of a link, and what it saw.
pub(super) async fn of_flow(app: &App, flow: &FlowId) -> Result<(Option<Tested>, Vec<Note>)> {
    let kept = app.db().find_test(flow).await?.map(tested);
    if kept.is_none() {
        return Ok((None, Vec::new()));
    }
    let notes = app.db().list_test_notes(flow).await?.into_iter().map(|row| Note {
        seen: Seen::deserialize(&row.detail).unwrap_or_default(),
        step: row.step,
        outcome: row.outcome,
        duration_ms: row.duration_ms,
        at: row.at,
    });
    Ok((kept, notes.collect()))
}

/// Notes what was seen. A note that cannot be written is no reason for a sign-in to fail.
async fn note(
    app: &App,
    flow: &FlowId,
    step: TrialStep,
    outcome: NoteOutcome,
    took: Option<std::time::Duration>,
    seen: &Seen,
) {
    let row = TestNoteRow {
        step: step.as_str().to_owned(),
        outcome,
        duration_ms: took.map(|took| i64::try_from(took.as_millis()).unwrap_or(i64::MAX)),
        detail: serde_json::to_value(seen).unwrap_or_default(),
        at: app.now(),
    };
    if let Err(error) = app.db().note_test(flow, &row).await {
        tracing::warn!(%error, flow.id = %flow, "a step of a test could not be noted");
    }
}
