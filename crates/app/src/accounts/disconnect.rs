//! Ending accounts: here always, and at the provider as far as it lets us.

use std::time::Duration;

use keybearer_connectors::engine;
use keybearer_core::{AccountStatus, Code, Error, Result, StatusReason};
use keybearer_egress::Limits;
use keybearer_oauth::failure::Answer;
use keybearer_oauth::revoke::{self, Revocation};
use keybearer_store::{AccountChange, AccountRow, ConnectionRow, GrantChange};
use serde_json::json;

use super::types::{Account, Lookup, RevokeOutcome};
use super::{lookup, view};
use crate::access::{Actor, Caller, Permission};
use crate::audit;
use crate::events::{self, AccountEvent};
use crate::exchange::MAX_ANSWER;
use crate::state::App;
use crate::tokens::{LoadedAccount, LoadedConnection};

/// How long a provider has for a revocation.
const REVOKE_TIMEOUT: Duration = Duration::from_secs(10);

/// How many accounts of a deleted organization are revoked at the same time.
const AT_ONCE: usize = 8;

/// An account that was disconnected.
#[derive(Clone, Debug, PartialEq)]
pub struct Disconnected {
    /// The account now.
    pub account: Account,
    /// What came of the revocation at the provider.
    pub outcome: RevokeOutcome,
}

/// Wipes the credential of an account and keeps its row. Then the provider is asked to revoke the grant (RFC 7009);
/// the answer is stored and returned as it is. The wipe does not depend on it.
///
/// # Errors
/// `PermissionDenied`, `ConnectionNotFound`, `AccountNotFound`.
pub async fn disconnect(app: &App, caller: &Caller, lookup: &Lookup) -> Result<Disconnected> {
    caller.require(Permission::AccountsRevoke)?;
    let (connection, row) = lookup::resolve(app, &caller.environment, lookup).await?;
    end(app, caller, connection, row, "account.disconnected").await
}

/// Like [`disconnect`], for a grant that the provider can revoke.
///
/// # Errors
/// Those of [`disconnect`]; [`Code::FailedPrecondition`] when there is no grant or the connector cannot revoke.
pub async fn revoke(app: &App, caller: &Caller, lookup: &Lookup) -> Result<Disconnected> {
    caller.require(Permission::AccountsRevoke)?;
    let (connection, row) = lookup::resolve(app, &caller.environment, lookup).await?;
    if row.sealed_grant.is_none() {
        return Err(Error::new(Code::FailedPrecondition, "the account has no grant that could be revoked"));
    }
    let loaded = LoadedConnection::of(app, connection).await?;
    if loaded.method()?.revoke.is_none() {
        return Err(Error::new(Code::FailedPrecondition, "the connector offers no revocation")
            .with_help("disconnect the account, and let its user remove the app at the provider"));
    }
    end(app, caller, loaded.row, row, "account.revoked").await
}

/// Deletes an account with everything sealed, then asks the provider to revoke what it held. A refresh that is under
/// way writes nothing any more.
///
/// # Errors
/// Those of [`disconnect`].
pub async fn delete(app: &App, caller: &Caller, lookup: &Lookup) -> Result<RevokeOutcome> {
    caller.require(Permission::AccountsRevoke)?;
    let (connection, row) = lookup::resolve(app, &caller.environment, lookup).await?;
    let event = events::about(app, AccountEvent::Deleted, &connection, &row)?;
    let detail = json!({"connection": connection.id, "status": row.status});
    let line = audit::row(app, caller, "account.deleted", row.id.as_str(), detail)?;
    let gone =
        app.db().remove_account(&row.id, &[event], Some(&line)).await?.ok_or_else(lookup::not_found)?;
    let (app, caller) = (app.clone(), caller.clone());
    finished(tokio::spawn(async move {
        let (id, had_grant) = (gone.id.clone(), gone.sealed_grant.is_some());
        let outcome = at_provider(&app, gone).await;
        if had_grant {
            let detail = json!({"outcome": outcome.as_str()});
            audit::record(&app, &caller, "account.revocation", id.as_str(), detail).await?;
        }
        Ok(outcome)
    }))
    .await
}

/// Wipes, then revokes. The second part goes on even if nobody waits for it any more.
async fn end(
    app: &App,
    caller: &Caller,
    connection: ConnectionRow,
    row: AccountRow,
    action: &'static str,
) -> Result<Disconnected> {
    let changed = app
        .db()
        .change_account(&row.id, app.now(), |row| wipe(app, caller, &connection, row, action))
        .await?
        .ok_or_else(lookup::not_found)?;
    let (app, caller) = (app.clone(), caller.clone());
    finished(tokio::spawn(async move {
        let before = changed.before;
        if before.sealed_grant.is_none() {
            let account = view::show(&app, &connection, changed.after).await?;
            let outcome = account.revoke_outcome.unwrap_or(RevokeOutcome::NothingToRevoke);
            return Ok(Disconnected { account, outcome });
        }
        let outcome = at_provider(&app, before).await;
        let after = record(&app, &caller, &changed.after, outcome).await?;
        Ok(Disconnected { account: view::show(&app, &connection, after).await?, outcome })
    }))
    .await
}

async fn finished<T>(work: tokio::task::JoinHandle<Result<T>>) -> Result<T> {
    work.await.map_err(|_| Error::internal("the revocation was interrupted"))?
}

fn wipe(
    app: &App,
    caller: &Caller,
    connection: &ConnectionRow,
    row: &AccountRow,
    action: &str,
) -> Result<AccountChange> {
    let reason = match caller.actor {
        Actor::User | Actor::Session(_) => StatusReason::DisconnectedByUser,
        Actor::Client(_) | Actor::Member(_) | Actor::Operator | Actor::System => {
            StatusReason::DisconnectedByDeveloper
        }
    };
    if row.status == AccountStatus::Disconnected && row.sealed_grant.is_none() {
        return Ok(AccountChange::default());
    }
    let detail = json!({"connection": connection.id, "old_status": row.status});
    let begun = row.sealed_grant.as_ref().map(|_| RevokeOutcome::Unknown.as_str().to_owned());
    let mut after = row.clone();
    (after.status, after.access_expires_at) = (AccountStatus::Disconnected, None);
    Ok(AccountChange {
        status: Some((AccountStatus::Disconnected, reason)),
        grant: Some(GrantChange::Clear),
        granted_scopes: Some(Vec::new()),
        revoke_outcome: Some(begun),
        events: vec![events::moved(app, connection, row.status, &after)?],
        audit: Some(audit::row(app, caller, action, row.id.as_str(), detail)?),
        ..AccountChange::default()
    })
}

/// Keeps the outcome, unless the account has a newer grant by now.
async fn record(
    app: &App,
    caller: &Caller,
    wiped: &AccountRow,
    outcome: RevokeOutcome,
) -> Result<AccountRow> {
    let changed = app
        .db()
        .change_account(&wiped.id, app.now(), |row| {
            if row.generation != wiped.generation {
                return Ok(AccountChange::default());
            }
            let detail = json!({"outcome": outcome.as_str()});
            Ok::<_, Error>(AccountChange {
                revoke_outcome: Some(Some(outcome.as_str().to_owned())),
                audit: Some(audit::row(app, caller, "account.revocation", row.id.as_str(), detail)?),
                ..AccountChange::default()
            })
        })
        .await?;
    Ok(changed.map_or_else(|| wiped.clone(), |changed| changed.after))
}

/// Asks providers to revoke what deleted accounts held, some at a time, and notes each outcome.
pub(crate) async fn revoke_deleted(app: &App, caller: &Caller, gone: Vec<AccountRow>) -> Result<()> {
    let mut holders = gone.into_iter().filter(|row| row.sealed_grant.is_some()).peekable();
    while holders.peek().is_some() {
        let mut asked = tokio::task::JoinSet::new();
        for row in holders.by_ref().take(AT_ONCE) {
            let (app, id) = (app.clone(), row.id.clone());
            asked.spawn(async move { (id, at_provider(&app, row).await) });
        }
        while let Some(answer) = asked.join_next().await {
            let (id, outcome) = answer.map_err(|_| Error::internal("a revocation was interrupted"))?;
            let detail = json!({"outcome": outcome.as_str()});
            audit::record(app, caller, "account.revocation", id.as_str(), detail).await?;
        }
    }
    Ok(())
}

/// Asks the provider to revoke what `row` holds. Nothing is retried; every outcome has a name.
async fn at_provider(app: &App, row: AccountRow) -> RevokeOutcome {
    if row.sealed_grant.is_none() {
        return RevokeOutcome::NothingToRevoke;
    }
    let id = row.id.clone();
    match ask(app, row).await {
        Ok(outcome) => outcome,
        Err(error) => {
            tracing::warn!(account.id = %id, code = %error.code, "a grant could not be revoked at the provider");
            RevokeOutcome::Failed
        }
    }
}

async fn ask(app: &App, row: AccountRow) -> Result<RevokeOutcome> {
    let account = LoadedAccount::of(app, row).await?;
    if account.is_consent_only() {
        return Ok(RevokeOutcome::NothingToRevoke);
    }
    if account.connection.method()?.revoke.is_none() {
        return Ok(RevokeOutcome::NotOffered);
    }
    let bindings = account.bindings()?;
    let request = engine::revoke_request(&account.context(app, &bindings)?)?;
    let Some(request) = request else {
        return Ok(RevokeOutcome::NothingToRevoke);
    };
    let limits = Limits { timeout: REVOKE_TIMEOUT, max_body: MAX_ANSWER };
    let Ok(response) = app.egress().send(request, limits).await else {
        return Ok(RevokeOutcome::NotReachable);
    };
    Ok(match revoke::read(&Answer::of(&response, app.now())) {
        Revocation::Revoked => RevokeOutcome::Revoked,
        Revocation::Unsupported => RevokeOutcome::NotOffered,
        Revocation::ClientRejected | Revocation::Failed { .. } => RevokeOutcome::Failed,
        Revocation::Later { .. } => RevokeOutcome::NotReachable,
    })
}
