//! After a start: refreshes that an ended process left in flight are settled before they can fool anybody.

use keybearer_connectors::engine::{RefreshKind, refresh_policy};
use keybearer_core::{RefreshClass, RefreshState, Result, StatusReason};
use keybearer_store::AccountRow;

use super::load::LoadedAccount;
use super::refresh::{self, Turn};
use super::{fail, fresh};
use crate::state::App;

/// How many unsettled accounts are read at once.
const BATCH: i64 = 200;

/// Settles every refresh whose worker is gone; gives how many. Replays what was spilled first.
///
/// # Errors
/// [`keybearer_core::Code::DatabaseUnavailable`].
pub(crate) async fn recover(app: &App) -> Result<usize> {
    let mut settled = app.spill().replay(app).await?;
    let mut seen = std::collections::BTreeSet::new();
    loop {
        let rows = app.db().list_unsettled_refreshes(BATCH).await?;
        let fresh_rows: Vec<AccountRow> =
            rows.into_iter().filter(|row| seen.insert(row.id.clone())).collect();
        if fresh_rows.is_empty() {
            return Ok(settled);
        }
        for row in fresh_rows {
            let id = row.id.clone();
            match settle(app, row).await {
                Ok(()) => settled += 1,
                Err(error) => {
                    tracing::warn!(account.id = %id, code = %error.code, "an interrupted refresh is settled later")
                }
            }
        }
    }
}

/// Decides one account: ask again once where that can save it, otherwise flag it.
async fn settle(app: &App, row: AccountRow) -> Result<()> {
    let account = LoadedAccount::of(app, row).await?;
    let policy = refresh_policy(account.connection.method()?);
    let now = app.now();
    if account.row.refresh_state == RefreshState::Uncertain && fresh::is_alive(&account, now) {
        // known to be in doubt, and the access token still works: wait for its end
        return Ok(());
    }
    let Some(turn) = refresh::take_turn(app, account, policy).await? else {
        return Ok(());
    };
    if policy.kind == RefreshKind::RefreshToken && !may_ask_again(app, &turn) {
        return fail::expire(app, &turn, StatusReason::RefreshInterrupted).await.or_else(|_| Ok(()));
    }
    match refresh::attempt(app, turn).await {
        Ok(()) => Ok(()),
        // the account was flagged with its reason: settled
        Err(error) if error.code == keybearer_core::Code::AccountNeedsSignIn => Ok(()),
        Err(error) => Err(error),
    }
}

/// Whether the refresh token may be sent again: always where nothing is spent, inside the grace window where the
/// provider has one, and once at a strict provider, for the request may never have left.
fn may_ask_again(app: &App, turn: &Turn) -> bool {
    match turn.policy.class {
        RefreshClass::Static | RefreshClass::StrictSingle | RefreshClass::StrictFamily => true,
        RefreshClass::GraceSame | RefreshClass::GraceReissue => {
            let since = turn.leased.row.in_flight_since;
            let age = since.map(|since| app.now().since(since)).unwrap_or_default();
            // past the window it is a strict provider like any other: one try
            turn.policy.grace.is_none_or(|grace| age <= grace)
                || turn.leased.previous == RefreshState::InFlight
        }
    }
}
