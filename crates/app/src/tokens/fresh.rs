//! A token that can be put into a call, refreshed first where that is due.

use std::time::Duration;

use keybearer_connectors::engine::{RefreshKind, refresh_policy};
use keybearer_core::ids::AccountId;
use keybearer_core::{AccountStatus, Code, Error, Result, Timestamp};

use super::load::LoadedAccount;
use super::refresh::{self, Wish};
use super::schedule;
use super::shared::{Outcome, SharedError};
use crate::access::{Caller, Permission};
use crate::state::App;

/// The shortest time between two refreshes that callers ask for.
const MIN_INTERVAL: Duration = Duration::from_secs(10);

/// What a refresh on request came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RefreshOutcome {
    /// Whether the provider was asked; false when the credential needs no refresh.
    pub refreshed: bool,
    /// When the access token ends now.
    pub access_expires_at: Option<Timestamp>,
    /// How often the stored grant has changed.
    pub generation: i64,
}

/// The account with a token that is good for a call. A passing failure is not seen while the old token lives.
///
/// # Errors
/// [`Code::AccountNeedsSignIn`], [`Code::AccountNotConnected`], [`Code::PendingVerification`],
/// [`Code::ConnectionPaused`], [`Code::RefreshInProgress`], [`Code::ProviderUnavailable`] and the other outcomes
/// of a refresh.
pub(crate) async fn fresh(app: &App, id: &AccountId) -> Result<LoadedAccount> {
    let account = LoadedAccount::read(app, id).await?;
    account.require_usable()?;
    if account.is_consent_only() {
        return shared(app, account).await;
    }
    ready(app, account).await
}

/// The account whose credential serves all accounts of the connection, for one whose user agreed.
async fn shared(app: &App, asked: LoadedAccount) -> Result<LoadedAccount> {
    let nobody = || {
        let detail = "nobody has authorized the credential that all accounts of the connection use";
        Error::new(Code::AccountNotConnected, detail)
            .with_help("authorize it: POST /api/v1/connected_accounts/org_wide/authorize")
    };
    let row = app.db().find_org_wide_account(&asked.row.connection_id).await?.ok_or_else(nobody)?;
    let lender = LoadedAccount::of(app, row).await?;
    if lender.row.status == AccountStatus::PendingAuth {
        return Err(nobody());
    }
    lender.require_usable()?;
    let lender = ready(app, lender).await?;
    Ok(LoadedAccount { on_behalf_of: Some(asked.row.id), ..lender })
}

async fn ready(app: &App, account: LoadedAccount) -> Result<LoadedAccount> {
    if !is_due(&account, app.now())? {
        return Ok(account);
    }
    match join(app, &account, Wish::IfDue).await {
        Ok(()) => reload(app, &account.row.id).await,
        Err(failed) if failed.is_passing() && is_alive(&account, app.now()) => Ok(account),
        Err(failed) => Err(failed.into()),
    }
}

/// Like [`fresh`], after the provider refused the token of `seen`: it is exchanged unless somebody else did so.
///
/// # Errors
/// Those of [`fresh`].
pub(crate) async fn renew(app: &App, seen: &LoadedAccount) -> Result<LoadedAccount> {
    join(app, seen, Wish::Replace).await.map_err(Error::from)?;
    let account = reload(app, &seen.row.id).await?;
    Ok(LoadedAccount { on_behalf_of: seen.on_behalf_of.clone(), ..account })
}

/// Refreshes an account because somebody asked for it.
///
/// # Errors
/// [`Code::PermissionDenied`], [`Code::AccountNotFound`], [`Code::RateLimited`] when it was refreshed a moment
/// ago, and those of a refresh.
pub async fn refresh_now(app: &App, caller: &Caller, id: &AccountId) -> Result<RefreshOutcome> {
    caller.require(Permission::AccountsWrite)?;
    let row = app.db().find_account(id).await?.filter(|row| row.environment_id == caller.environment);
    let row = row.ok_or_else(|| Error::new(Code::AccountNotFound, "there is no such account"))?;
    let account = LoadedAccount::of(app, row).await?;
    account.require_usable()?;
    if account.is_consent_only() || refresh_policy(account.connection.method()?).kind == RefreshKind::None {
        return Ok(outcome(&account, false));
    }
    let age = account.grant.as_ref().map(|grant| app.now().since(grant.obtained_at));
    if let Some(wait) = age.and_then(|age| MIN_INTERVAL.checked_sub(age)).filter(|wait| !wait.is_zero()) {
        let seconds = u32::try_from(wait.as_secs()).unwrap_or(10).max(1);
        return Err(
            Error::new(Code::RateLimited, "the account was refreshed a moment ago").with_retry_after(seconds)
        );
    }
    renew(app, &account).await.map(|account| outcome(&account, true))
}

async fn reload(app: &App, id: &AccountId) -> Result<LoadedAccount> {
    let account = LoadedAccount::read(app, id).await?;
    account.require_usable()?;
    Ok(account)
}

fn outcome(account: &LoadedAccount, refreshed: bool) -> RefreshOutcome {
    RefreshOutcome {
        refreshed,
        access_expires_at: account.row.access_expires_at,
        generation: account.row.generation,
    }
}

/// Shares one refresh of the account among all callers of this process.
async fn join(app: &App, account: &LoadedAccount, wish: Wish) -> Outcome {
    let (worker, id, generation) = (app.clone(), account.row.id.clone(), account.row.generation);
    let work =
        || async move { refresh::run(&worker, &id, generation, wish).await.map_err(SharedError::from) };
    let joined = app.flights().join(account.row.id.clone(), work);
    match tokio::time::timeout(app.config().refresh.wait, joined).await {
        Ok(Ok(outcome)) => outcome,
        Ok(Err(error)) => Err(error.into()),
        Err(_) => Err(in_progress().into()),
    }
}

/// Somebody else is refreshing and took longer than we wait.
pub(super) fn in_progress() -> Error {
    Error::new(Code::RefreshInProgress, "another worker is refreshing the token").with_retry_after(2)
}

/// Whether the token has so little life left that it must be exchanged before a call.
pub(super) fn is_due(account: &LoadedAccount, now: Timestamp) -> Result<bool> {
    let policy = refresh_policy(account.connection.method()?);
    let has_token = account.grant.as_ref().is_some_and(|grant| grant.token("access_token").is_some());
    if policy.kind == RefreshKind::Mint && !has_token {
        return Ok(true);
    }
    let Some(grant) = &account.grant else {
        return Ok(false);
    };
    let Some(end) = grant.access_expires_at else {
        return Ok(false);
    };
    Ok(end.since(now) <= schedule::least_remaining(end.since(grant.obtained_at)))
}

/// Whether the token can still be used, due or not.
pub(super) fn is_alive(account: &LoadedAccount, now: Timestamp) -> bool {
    let Some(grant) = &account.grant else { return false };
    grant.token("access_token").is_some() && grant.access_expires_at.is_none_or(|end| end > now)
}
