//! One refresh of one account: lease, call, store. The order is the protocol of `reliability.md` §1.

use std::time::Duration;

use keybearer_connectors::Bindings;
use keybearer_connectors::engine::{
    Grant as EngineGrant, Granted, RefreshKind, RefreshPolicy, mint_grant, refresh_policy,
};
use keybearer_core::ids::{AccountId, EventId};
use keybearer_core::{Code, Error, RefreshClass, RefreshState, Result, random_token};
use keybearer_oauth::failure::Failure;
use keybearer_store::{Lease, Leased};

use super::load::LoadedAccount;
use super::{earlier, fail, fresh, land};
use crate::exchange::{self, ExchangeError};
use crate::state::App;

/// How long to wait between two looks at a lease that somebody else holds.
const POLL: Duration = Duration::from_millis(100);
/// How long to wait before a second request, where one makes sense.
const SECOND_LOOK: Duration = Duration::from_millis(300);

/// Why a refresh was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wish {
    /// The token ends soon; if somebody else refreshed it meanwhile, nothing is to be done.
    IfDue,
    /// The provider refused the token of the generation that was seen.
    Replace,
}

/// A refresh that holds the lease.
pub(super) struct Turn {
    pub lease: Lease,
    pub leased: Leased,
    pub account: LoadedAccount,
    pub policy: RefreshPolicy,
    pub bindings: Bindings,
    /// Names the line in the refresh log.
    pub log_id: String,
    pub started: tokio::time::Instant,
}

/// Refreshes the account unless that was done since `generation` was seen.
pub(crate) async fn run(app: &App, id: &AccountId, generation: i64, wish: Wish) -> Result<()> {
    let ends = tokio::time::Instant::now() + app.config().refresh.wait;
    loop {
        let account = LoadedAccount::read(app, id).await?;
        account.require_usable()?;
        let moved_on = account.row.generation != generation;
        if !fresh::is_due(&account, app.now())? && (moved_on || wish == Wish::IfDue) {
            return Ok(());
        }
        let policy = refresh_policy(account.connection.method()?);
        if !can_refresh(&account, &policy) {
            return fail::nothing_to_refresh_with(app, &account).await;
        }
        if let Some(turn) = take_turn(app, account, policy).await? {
            return attempt(app, turn).await;
        }
        // never refresh without the lease: whoever has it writes a new generation, and we look again
        if tokio::time::Instant::now() >= ends {
            return Err(fresh::in_progress());
        }
        tokio::time::sleep(POLL).await;
    }
}

fn can_refresh(account: &LoadedAccount, policy: &RefreshPolicy) -> bool {
    let has = |name: &str| account.grant.as_ref().is_some_and(|grant| grant.token(name).is_some());
    match policy.kind {
        RefreshKind::RefreshToken => has("refresh_token"),
        RefreshKind::AccessToken => has("access_token"),
        RefreshKind::App | RefreshKind::Mint => true,
        RefreshKind::None => false,
    }
}

/// Takes the lease: the durable intent, written before anything is sent.
pub(super) async fn take_turn(
    app: &App,
    account: LoadedAccount,
    policy: RefreshPolicy,
) -> Result<Option<Turn>> {
    let lease = Lease {
        account_id: account.row.id.clone(),
        generation: account.row.generation,
        owner: format!("{}:{}", app.node(), random_token(app.entropy(), 8)?),
    };
    let Some(leased) = app.db().lease_account(&lease, app.config().refresh.lease).await? else {
        return Ok(None);
    };
    let bindings = account.bindings()?;
    let log_id = app.id(EventId::from_number)?.to_string();
    Ok(Some(Turn { lease, leased, account, policy, bindings, log_id, started: tokio::time::Instant::now() }))
}

/// Sends the request and lands its outcome. The caller runs in a task of its own, so nobody cancels this.
pub(super) async fn attempt(app: &App, mut turn: Turn) -> Result<()> {
    match send(app, &mut turn).await {
        Ok(granted) => land::tokens(app, turn, granted).await,
        Err(error) if error.rotated.is_some() => land::rotated_only(app, turn, error).await,
        Err(error) => fail::record(app, turn, error).await,
    }
}

/// Sends with the present client secret; where the provider refuses the client and the secret before it is still kept,
/// also with that one. A provider looks at the client before it looks at the token, so nothing is spent.
async fn send(app: &App, turn: &mut Turn) -> Result<Granted, ExchangeError> {
    let refused = match tries(app, turn).await {
        Err(error) if matches!(error.failure, Some(Failure::ClientRejected { .. })) => error,
        done => {
            if done.is_ok() {
                earlier::new_one_works(app, &turn.account).await;
            }
            return done;
        }
    };
    let Some(bindings) = earlier::bindings(app, &turn.account).await else { return Err(refused) };
    turn.bindings = bindings;
    let done = tries(app, turn).await;
    if done.is_ok() {
        earlier::new_one_is_refused(app, &turn.account).await;
    }
    done
}

async fn tries(app: &App, turn: &mut Turn) -> Result<Granted, ExchangeError> {
    let ends = tokio::time::Instant::now() + app.config().refresh.deadline;
    let mut second = true;
    loop {
        let left = ends.saturating_duration_since(tokio::time::Instant::now());
        let error = match call(app, turn, left).await {
            Ok(granted) => return Ok(granted),
            Err(error) => error,
        };
        let again = second && error.rotated.is_none() && deserves_second(app, turn, error.failure);
        if !again || left <= SECOND_LOOK * 2 {
            return Err(error);
        }
        second = false;
        if matches!(error.failure, Some(Failure::Uncertain { .. })) {
            // whatever the second answer is, the first request may have spent the token
            turn.leased.previous = RefreshState::Uncertain;
        }
        tokio::time::sleep(SECOND_LOOK).await;
    }
}

async fn call(app: &App, turn: &Turn, deadline: Duration) -> Result<Granted, ExchangeError> {
    let prepared = turn.account.context(app, &turn.bindings).and_then(|context| {
        let wanted = &turn.account.row.wanted_scopes;
        let grant = match turn.policy.kind {
            RefreshKind::Mint => mint_grant(context.method, wanted),
            _ => Some(EngineGrant::Refresh),
        };
        let missing = || Error::new(Code::ConnectionIncomplete, "this auth method has no token call");
        Ok((context, grant.ok_or_else(missing)?))
    });
    match prepared {
        Ok((context, grant)) => exchange::run(app, &context, &grant, deadline).await,
        Err(error) => Err(ExchangeError { failure: None, error, rotated: None }),
    }
}

/// Whether one more request with the same refresh token can help and cannot harm.
fn deserves_second(app: &App, turn: &Turn, failure: Option<Failure>) -> bool {
    let class = turn.policy.class;
    match failure {
        Some(Failure::NotSent) => true,
        // at a strict provider the token may be spent; while the access token lives, waiting costs nothing
        Some(Failure::Uncertain { .. }) => match class {
            RefreshClass::Static | RefreshClass::GraceSame | RefreshClass::GraceReissue => true,
            RefreshClass::StrictSingle | RefreshClass::StrictFamily => {
                !fresh::is_alive(&turn.account, app.now())
            }
        },
        // a second opinion before the account needs its user, except where asking twice revokes everything
        Some(Failure::InvalidGrant) => {
            class != RefreshClass::StrictFamily
                && turn.policy.kind == RefreshKind::RefreshToken
                && turn.leased.previous == RefreshState::Idle
        }
        _ => false,
    }
}

impl Turn {
    /// How long the provider took so far, in milliseconds.
    pub fn duration_ms(&self) -> i64 {
        i64::try_from(self.started.elapsed().as_millis()).unwrap_or(i64::MAX)
    }
}
