//! A refresh that brought no tokens: what it means for the account, the connection, and the next try
//! (`reliability.md` §3).

use keybearer_connectors::engine::{RefreshKind, refresh_policy};
use keybearer_core::{
    AccountStatus, Code, Error, RefreshClass, RefreshState, Result, StatusReason, Timestamp,
};
use keybearer_oauth::failure::Failure;
use keybearer_store::{AccountChange, Failure as StoredFailure, NewEvent, RefreshLogRow};

use super::load::LoadedAccount;
use super::refresh::Turn;
use super::{fresh, schedule};
use crate::events;
use crate::exchange::ExchangeError;
use crate::state::App;

/// Failures in a row after which a passing failure is told to the developer once.
const DEGRADED_AFTER: i64 = 10;

/// Records the failure and says it to the waiters.
pub(super) async fn record(app: &App, turn: Turn, error: ExchangeError) -> Result<()> {
    tracing::warn!(
        account.id = %turn.lease.account_id, connection.id = %turn.account.connection.row.id,
        code = %error.error.code, detail = %error.error.detail, "a refresh brought no tokens"
    );
    match error.failure {
        Some(Failure::InvalidGrant) => refused(app, turn).await,
        Some(Failure::ClientRejected { .. }) => {
            flag(app, &turn, "client_rejected").await?;
            passing(app, &turn, &error, RefreshState::Idle).await?;
            Err(error.error)
        }
        Some(Failure::ConnectorFault { .. }) | None => {
            flag(app, &turn, "connector_fault").await?;
            // an answer that makes no sense may still have spent the token
            let state = if error.failure.is_some() { RefreshState::Uncertain } else { turn.leased.previous };
            passing(app, &turn, &error, settled(&turn, state)).await?;
            Err(error.error)
        }
        Some(Failure::Uncertain { .. }) => {
            passing(app, &turn, &error, settled(&turn, RefreshState::Uncertain)).await?;
            Err(error.error)
        }
        Some(Failure::NotSent | Failure::RateLimited { .. } | Failure::Unavailable { .. }) => {
            passing(app, &turn, &error, turn.leased.previous).await?;
            Err(error.error)
        }
    }
}

/// Where nothing can be spent, nothing is in doubt.
fn settled(turn: &Turn, state: RefreshState) -> RefreshState {
    match turn.policy.kind {
        RefreshKind::RefreshToken => state,
        RefreshKind::AccessToken | RefreshKind::App | RefreshKind::Mint | RefreshKind::None => {
            RefreshState::Idle
        }
    }
}

/// The provider refused the grant. If the row moved on meanwhile, somebody else's tokens count.
async fn refused(app: &App, turn: Turn) -> Result<()> {
    let reason = match (turn.policy.kind, turn.leased.previous) {
        (RefreshKind::Mint, _) => StatusReason::CredentialRejected,
        (_, RefreshState::Idle) => StatusReason::RevokedOrExpired,
        (_, RefreshState::InFlight | RefreshState::Uncertain) => StatusReason::RefreshInterrupted,
    };
    expire(app, &turn, reason).await
}

/// Moves the account to EXPIRED with its events, unless we were fenced.
pub(super) async fn expire(app: &App, turn: &Turn, reason: StatusReason) -> Result<()> {
    let (connection, row) = (&turn.account.connection.row, &turn.account.row);
    let events = [
        events::failed(app, connection, row, reason.as_str())?,
        events::status_updated(app, connection, row, AccountStatus::Expired)?,
    ];
    let failure = StoredFailure::Terminal { status: AccountStatus::Expired, reason };
    let log = log(app, turn, "expired", reason.as_str());
    match app.db().fail_refresh(&turn.lease, &failure, &events, &log).await? {
        Some(_) => Err(needs_sign_in(&turn.account, reason)),
        None => Ok(()),
    }
}

async fn passing(app: &App, turn: &Turn, error: &ExchangeError, state: RefreshState) -> Result<()> {
    let row = &turn.account.row;
    let asked = match error.failure {
        Some(Failure::RateLimited { retry_after } | Failure::Unavailable { retry_after }) => retry_after,
        _ => None,
    };
    let failure =
        StoredFailure::Transient { next_refresh_at: Some(next_try(app, turn, asked, state)?), state };
    let degraded = row.failure_count + 1 == DEGRADED_AFTER;
    let events: Vec<NewEvent> = match degraded {
        true => vec![events::failed(app, &turn.account.connection.row, row, error.error.code.as_str())?],
        false => Vec::new(),
    };
    let outcome = if state == RefreshState::Uncertain { "uncertain" } else { "transient" };
    let log = log(app, turn, outcome, error.error.code.as_str());
    app.db().fail_refresh(&turn.lease, &failure, &events, &log).await?;
    Ok(())
}

/// When to ask again. While the access token lives and its refresh token may be spent, that is at the end of the
/// access token: asking a strict provider again could revoke what still works.
fn next_try(
    app: &App,
    turn: &Turn,
    asked: Option<std::time::Duration>,
    state: RefreshState,
) -> Result<Timestamp> {
    let strict = matches!(turn.policy.class, RefreshClass::StrictSingle | RefreshClass::StrictFamily);
    let end = turn.account.row.access_expires_at.filter(|end| *end > app.now());
    match end.filter(|_| strict && state == RefreshState::Uncertain) {
        Some(end) => Ok(end),
        None => schedule::retry(turn.account.row.failure_count, asked, app.now(), app.entropy()),
    }
}

/// Puts the connection into "needs attention"; its accounts keep their state.
async fn flag(app: &App, turn: &Turn, attention: &str) -> Result<()> {
    let connection = &turn.account.connection.row;
    // a refusal of the former app says nothing about the one in use
    if turn.account.row.credential_id == connection.credential_id || turn.account.row.credential_id.is_none()
    {
        app.db().flag_connection(&connection.id, Some(attention), app.now()).await?;
    }
    Ok(())
}

fn log(app: &App, turn: &Turn, outcome: &str, reason: &str) -> RefreshLogRow {
    RefreshLogRow {
        id: turn.log_id.clone(),
        account_id: turn.lease.account_id.clone(),
        at: app.now(),
        outcome: outcome.to_owned(),
        reason: Some(reason.to_owned()),
        generation: turn.lease.generation,
        duration_ms: turn.duration_ms(),
    }
}

/// There is nothing to refresh with: fine while the token lives, the end when it does not. A key that a user brought
/// has no end that we could know.
pub(super) async fn nothing_to_refresh_with(app: &App, account: &LoadedAccount) -> Result<()> {
    let rejected = account.grant.as_ref().is_none_or(|grant| grant.access_expires_at.is_none());
    let has_token = account.grant.as_ref().is_some_and(|grant| grant.token("access_token").is_some());
    let is_key = !has_token && refresh_policy(account.connection.method()?).kind == RefreshKind::None;
    if is_key || (fresh::is_alive(account, app.now()) && rejected) {
        // no end is known and the provider refused the token: only its answer can tell, and the caller has it
        return Err(Error::new(Code::FailedPrecondition, "this credential cannot be refreshed"));
    }
    if fresh::is_alive(account, app.now()) {
        return Ok(());
    }
    let (reason, now) = (StatusReason::NoRefreshToken, app.now());
    let generation = account.row.generation;
    app.db()
        .change_account(&account.row.id, now, |row| -> Result<AccountChange> {
            if row.generation != generation || row.status != AccountStatus::Active {
                return Ok(AccountChange::default());
            }
            let connection = &account.connection.row;
            Ok(AccountChange {
                status: Some((AccountStatus::Expired, reason)),
                events: vec![
                    events::failed(app, connection, row, reason.as_str())?,
                    events::status_updated(app, connection, row, AccountStatus::Expired)?,
                ],
                ..AccountChange::default()
            })
        })
        .await?;
    Err(needs_sign_in(account, reason))
}

/// What the caller hears when the user must come again.
pub(super) fn needs_sign_in(account: &LoadedAccount, reason: StatusReason) -> Error {
    let detail = match reason {
        StatusReason::NoRefreshToken => "the access token ended and the provider issued no refresh token",
        StatusReason::RefreshInterrupted => {
            "a refresh was interrupted and the provider does not take the token again"
        }
        StatusReason::CredentialRejected => "the provider does not accept the user's credential any more",
        _ => "the provider refused the refresh token",
    };
    let name = &account.connection.connector.display_name;
    Error::new(Code::AccountNeedsSignIn, format!("{name}: {detail} ({reason})"))
        .with_help(account.link_help())
}
