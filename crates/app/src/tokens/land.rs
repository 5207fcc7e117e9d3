//! Landing what a refresh brought: one transaction, repeated until it is written. Tokens are never thrown away.

use std::path::PathBuf;
use std::time::Duration;

use keybearer_connectors::engine::Granted;
use keybearer_core::{AccountStatus, Error, Result, SecretString, Timestamp};
use keybearer_store::{AccountRow, NewEvent, NewTokens, RefreshLogRow, StoreError};

use super::refresh::Turn;
use super::schedule::{self, Times};
use super::spill::SpilledRefresh;
use crate::events::{self, AccountEvent};
use crate::exchange::ExchangeError;
use crate::grant::{Grant, GrantPlace};
use crate::state::App;

/// The longest pause between two tries to write tokens down.
const SLOWEST_RETRY: Duration = Duration::from_secs(2);

/// Stores the tokens of a good answer.
pub(super) async fn tokens(app: &App, turn: Turn, granted: Granted) -> Result<()> {
    let mut grant = turn.account.grant.clone().unwrap_or_default();
    let set = &granted.tokens;
    grant.tokens.insert("access_token", set.access_token.clone());
    if let Some(refresh_token) = set.refresh_token.clone().filter(|_| !turn.policy.keeps_refresh_token) {
        grant.tokens.insert("refresh_token", refresh_token);
    }
    if let Some(id_token) = &set.id_token {
        grant.tokens.insert("id_token", id_token.clone());
    }
    grant.captured.extend(granted.values);
    grant.obtained_at = app.now();
    grant.access_expires_at = set.expires_at;
    grant.refresh_expires_at = refresh_end(app, &turn, set.refresh_expires_at, set.refresh_token.is_some());
    let scopes = set.scopes.clone().unwrap_or_else(|| turn.account.row.granted_scopes.clone());
    let (connection, row) = (&turn.account.connection.row, &turn.account.row);
    let after = AccountRow {
        status: AccountStatus::Active,
        access_expires_at: grant.access_expires_at,
        ..row.clone()
    };
    let mut all = vec![events::about(app, AccountEvent::TokenRefreshSucceeded, connection, &after)?];
    if row.status != AccountStatus::Active {
        all.push(events::moved(app, connection, row.status, &after)?);
    }
    store(app, &turn, &grant, scopes, &all, "refreshed").await
}

/// Stores the refresh token that was issued although a later step failed; the old one is void.
pub(super) async fn rotated_only(app: &App, turn: Turn, error: ExchangeError) -> Result<()> {
    let mut grant = turn.account.grant.clone().unwrap_or_default();
    let rotated: Option<SecretString> = error.rotated;
    if let Some(rotated) = rotated {
        grant.tokens.insert("refresh_token", rotated);
    }
    let scopes = turn.account.row.granted_scopes.clone();
    store(app, &turn, &grant, scopes, &[], "rotated_only").await?;
    Err(error.error)
}

fn refresh_end(app: &App, turn: &Turn, said: Option<Timestamp>, replaced: bool) -> Option<Timestamp> {
    let known_life = turn.policy.refresh_token_life.filter(|_| replaced).map(|life| app.now().plus(life));
    let idle = turn.policy.refresh_token_idle.map(|life| app.now().plus(life));
    let before = turn.account.grant.as_ref().and_then(|grant| grant.refresh_expires_at);
    said.or(known_life).or(idle).or(before.filter(|_| !replaced))
}

async fn store(
    app: &App,
    turn: &Turn,
    grant: &Grant,
    granted_scopes: Vec<String>,
    events: &[NewEvent],
    outcome: &str,
) -> Result<()> {
    let row = &turn.account.row;
    let times = Times {
        obtained_at: grant.obtained_at,
        access_expires_at: grant.access_expires_at,
        refresh_expires_at: grant.refresh_expires_at,
        last_used_at: row.last_used_at,
        connector_margin: turn.policy.margin,
    };
    let tokens = NewTokens {
        sealed: grant.seal(app, GrantPlace::from(row))?,
        access_expires_at: grant.access_expires_at,
        refresh_expires_at: grant.refresh_expires_at,
        next_refresh_at: schedule::next_refresh(
            times,
            app.now(),
            app.config().refresh.margin,
            app.entropy(),
        )?,
        granted_scopes,
        variables: row.variables.clone(),
        status: (AccountStatus::Active, row.reason),
    };
    let log = RefreshLogRow {
        id: turn.log_id.clone(),
        account_id: row.id.clone(),
        at: app.now(),
        outcome: outcome.to_owned(),
        reason: None,
        generation: row.generation,
        duration_ms: turn.duration_ms(),
    };
    let spilled = SpilledRefresh { lease: &turn.lease, tokens: &tokens, log: &log };
    write_until_done(app, spilled, events).await
}

/// Writes until the database takes it. The first failure also puts the sealed answer into a file, so that even a
/// process that ends now loses nothing.
async fn write_until_done(app: &App, refresh: SpilledRefresh<'_>, events: &[NewEvent]) -> Result<()> {
    let mut pause = Duration::from_millis(50);
    let mut file = None;
    loop {
        match app.db().finish_refresh(refresh.lease, refresh.tokens, events, refresh.log).await {
            Ok(Some(_)) => break,
            Ok(None) => {
                app.spill().remove(file).await;
                return fenced(refresh.lease.account_id.as_str(), refresh.lease.generation);
            }
            Err(StoreError::Unavailable { reason }) => {
                tracing::warn!(account.id = %refresh.lease.account_id, %reason, "tokens cannot be stored yet; trying again");
            }
            Err(error) => {
                spilled(app, &refresh).await;
                return Err(error.into());
            }
        }
        if file.is_none() {
            file = spilled(app, &refresh).await;
        }
        tokio::time::sleep(pause).await;
        pause = (pause * 2).min(SLOWEST_RETRY);
    }
    app.spill().remove(file).await;
    tracing::info!(account.id = %refresh.lease.account_id, duration_ms = refresh.log.duration_ms, "refreshed an account");
    Ok(())
}

/// The file that keeps the tokens, if the disk takes one. Its failure never ends the tries to store them.
async fn spilled(app: &App, refresh: &SpilledRefresh<'_>) -> Option<PathBuf> {
    match app.spill().write(refresh).await {
        Ok(file) => file,
        Err(error) => {
            tracing::error!(account.id = %refresh.lease.account_id, code = %error.code, "refreshed tokens are in memory only");
            None
        }
    }
}

/// Somebody wrote a newer grant while our request was under way (a new sign-in, a delete, a paused process). The
/// newer one stays.
fn fenced(account: &str, generation: i64) -> Result<(), Error> {
    tracing::warn!(
        account.id = account,
        generation,
        audit = "fenced_write",
        "a refresh came too late and was not stored"
    );
    Ok(())
}
