//! How far a developer's test of a connection got. Everything is read from what the flow left; nothing is asked.

use keybearer_connectors::engine::{RefreshKind, refresh_policy};
use keybearer_core::ids::FlowId;
use keybearer_core::{AccountStatus, Code, Error, FlowKind, FlowState, Result, Timestamp};
use keybearer_store::{AttemptRow, AttemptStatus, FlowRow};

use super::link::TEST_USER;
use super::trial::{self, Note, Tested, TrialStep};
use crate::access::{Caller, Permission};
use crate::accounts::{self, Account, Lookup, RefreshRecord};
use crate::connections;
use crate::grant::Grant;
use crate::state::App;
use crate::tokens::LoadedConnection;

/// Where a test stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TestStand {
    /// Nobody came back from the provider yet.
    Waiting,
    /// The person is back and the code is being exchanged.
    Exchanging,
    /// The last try failed; the link still works.
    Failed,
    /// The account is connected.
    Connected,
    /// The link ended, or a newer one took its place.
    Ended,
}

/// How far a test got.
#[derive(Clone, Debug)]
pub struct TestProgress {
    /// Names the test.
    pub flow_id: FlowId,
    /// Where it stands.
    pub stand: TestStand,
    /// When it began.
    pub created_at: Timestamp,
    /// When the link ends.
    pub expires_at: Timestamp,
    /// When it was finished.
    pub finished_at: Option<Timestamp>,
    /// Whether the provider sent the person back with a code.
    pub approved: bool,
    /// Why the last try failed: a code of ours, or the provider's error code.
    pub failure: Option<String>,
    /// Whether the failure came instead of a code.
    pub refused_by_provider: bool,
    /// The test account.
    pub account: Account,
    /// Whether there is a refresh token.
    pub has_refresh_token: bool,
    /// Whether the connector can refresh at all.
    pub refreshes: bool,
    /// The refresh that was tried after the sign-in.
    pub refresh: Option<RefreshRecord>,
    /// What the test saw at its steps.
    pub notes: Vec<Note>,
    /// The test as it is kept; absent for a link that was made over the API.
    pub kept: Option<Tested>,
    /// When the person came back from the provider.
    pub approved_at: Option<Timestamp>,
    /// The reference that the failing page showed.
    pub reference: Option<String>,
}

impl TestProgress {
    /// What was seen at a step.
    pub fn note(&self, step: TrialStep) -> Option<&Note> {
        self.notes.iter().find(|note| note.step == step.as_str())
    }
}

/// How far a test of the connection got.
///
/// # Errors
/// [`Code::FlowNotFound`] for everything that is no test of this connection; [`Code::PermissionDenied`],
/// [`Code::ConnectionNotFound`].
pub async fn test_progress(
    app: &App,
    caller: &Caller,
    connection: &str,
    flow: &FlowId,
) -> Result<TestProgress> {
    caller.require(Permission::ConnectorsRead)?;
    let row = connections::row(app, &caller.environment, connection).await?;
    let found = app.db().find_flow(flow).await?;
    let found = found.filter(|flow| flow.connection_id == row.id && flow.kind == FlowKind::Test);
    progress(app, caller, found.ok_or_else(unknown)?).await
}

/// The newest test of the connection, if there is one.
///
/// # Errors
/// [`Code::PermissionDenied`], [`Code::ConnectionNotFound`].
pub async fn latest_test(app: &App, caller: &Caller, connection: &str) -> Result<Option<TestProgress>> {
    caller.require(Permission::ConnectorsRead)?;
    let row = connections::row(app, &caller.environment, connection).await?;
    let Some(account) = app.db().find_account_of(&row.id, TEST_USER, "", "").await? else {
        return Ok(None);
    };
    let latest = app.db().find_latest_flow(&account.id).await?;
    match latest.filter(|flow| flow.kind == FlowKind::Test) {
        Some(flow) => progress(app, caller, flow).await.map(Some),
        None => Ok(None),
    }
}

async fn progress(app: &App, caller: &Caller, flow: FlowRow) -> Result<TestProgress> {
    let attempts = app.db().list_attempts(&flow.id).await?;
    let id = flow.account_id.clone().ok_or_else(unknown)?;
    let row = app.db().find_account(&id).await?.ok_or_else(unknown)?;
    let connection = app.db().find_connection(&flow.connection_id).await?.ok_or_else(unknown)?;
    let loaded = LoadedConnection::of(app, connection).await?;
    let grant = Grant::open(app, &row).ok().flatten();
    let lookup = Lookup::id(id.as_str());
    // a test needs no further rights than to look at the connection
    let trusted = Caller::trusted(caller.environment.clone(), caller.actor.clone(), caller.reference.clone());
    let account = accounts::get(app, &trusted, &lookup).await?;
    let history = accounts::history(app, &trusted, &lookup, 20).await?;
    let (kept, notes) = trial::of_flow(app, &flow.id).await?;
    let last = attempts.last();
    let stand = stand(&flow, last, account.status, app.now());
    let failure = last.and_then(|attempt| attempt.failure.clone());
    // a link that was stopped or ran out says nothing about the provider
    let refused = flow.failure.clone().filter(|_| failure.is_none() && flow.state != FlowState::Failed);
    Ok(TestProgress {
        notes,
        kept,
        approved_at: last.map(|attempt| attempt.created_at),
        reference: last.and_then(|attempt| attempt.reference.clone()),
        flow_id: flow.id,
        approved: last.is_some(),
        refused_by_provider: refused.is_some(),
        failure: failure.or(refused).filter(|_| stand != TestStand::Connected),
        stand,
        created_at: flow.created_at,
        expires_at: flow.expires_at,
        finished_at: flow.finished_at,
        has_refresh_token: grant.is_some_and(|grant| grant.token("refresh_token").is_some()),
        refreshes: refresh_policy(loaded.method()?).kind != RefreshKind::None,
        refresh: history.into_iter().find(|record| flow.finished_at.is_some_and(|end| record.at > end)),
        account,
    })
}

fn stand(flow: &FlowRow, last: Option<&AttemptRow>, status: AccountStatus, now: Timestamp) -> TestStand {
    match flow.state {
        FlowState::Done if status == AccountStatus::Active => TestStand::Connected,
        FlowState::Done | FlowState::Failed => TestStand::Ended,
        _ if last.is_some_and(|attempt| attempt.status == AttemptStatus::Exchanging) => TestStand::Exchanging,
        _ if flow.superseded || flow.expires_at <= now => TestStand::Ended,
        _ if flow.failure.is_some()
            || last.is_some_and(|attempt| attempt.status == AttemptStatus::Failed) =>
        {
            TestStand::Failed
        }
        _ => TestStand::Waiting,
    }
}

fn unknown() -> Error {
    Error::new(Code::FlowNotFound, "there is no such test of this connection")
}
