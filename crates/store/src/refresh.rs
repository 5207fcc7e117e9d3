use std::time::Duration;

use keybearer_core::ids::AccountId;
use keybearer_core::{AccountStatus, RefreshState, StatusReason, Timestamp};
use serde_json::Value;

use crate::columns::Sealed;
use crate::dialect::{Tx, execute, find, list};
use crate::events::{self, NewEvent};
use crate::sql::{accounts, refresh as sql};
use crate::{AccountRow, Db, RefreshLogRow, Result};

/// The right to refresh one account: what every write of the refresh protocol names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lease {
    /// The account.
    pub account_id: AccountId,
    /// The generation that was seen.
    pub generation: i64,
    /// Who refreshes: unique for each worker of each process.
    pub owner: String,
}

/// A lease that was won.
#[derive(Clone, Debug, PartialEq)]
pub struct Leased {
    /// Where the row stood: anything but [`RefreshState::Idle`] means that an earlier request may have left.
    pub previous: RefreshState,
    /// The row now: in flight, ours. `in_flight_since` keeps the time of the earliest request in doubt.
    pub row: AccountRow,
}

/// What a provider answered to a refresh.
#[derive(Clone, Debug, PartialEq)]
pub struct NewTokens {
    /// The tokens under the vault.
    pub sealed: Sealed,
    /// When the access token ends.
    pub access_expires_at: Option<Timestamp>,
    /// When the refresh token ends.
    pub refresh_expires_at: Option<Timestamp>,
    /// When the background job refreshes it again.
    pub next_refresh_at: Option<Timestamp>,
    /// What is granted now.
    pub granted_scopes: Vec<String>,
    /// Fields and captured values now.
    pub variables: Value,
    /// The state now, and why; usually ACTIVE and the reason it had.
    pub status: (AccountStatus, StatusReason),
}

/// A refresh that brought no tokens.
#[derive(Clone, Debug, PartialEq)]
pub enum Failure {
    /// It may work later; the account keeps its state.
    Transient {
        /// When to try again.
        next_refresh_at: Option<Timestamp>,
        /// [`RefreshState::Idle`] when the provider cannot have acted, [`RefreshState::Uncertain`] when it may
        /// have.
        state: RefreshState,
    },
    /// The account needs its user.
    Terminal {
        /// Usually EXPIRED.
        status: AccountStatus,
        /// Why.
        reason: StatusReason,
    },
}

impl Db {
    /// Takes the lease on an account and records the intent to refresh, durably, before any request leaves.
    /// `None` when somebody else holds it, or the generation has moved on.
    ///
    /// The database's clock decides; `time` must be longer than the deadline of the request.
    ///
    /// # Errors
    /// [`crate::StoreError::Unavailable`] when the database cannot take the write: then no request may leave.
    pub async fn lease_account(&self, lease: &Lease, time: Duration) -> Result<Option<Leased>> {
        let mut tx = self.begin().await?;
        let before: Option<AccountRow> = find!(tx &mut tx, accounts::ACCOUNT_LOCK, lease.account_id)?;
        let Some(before) = before else { return Ok(None) };
        let row: Option<AccountRow> = find!(tx &mut tx, sql::LEASE, lease.account_id, lease.generation, lease.owner,
            crate::jobs::micros(time))?;
        let Some(row) = row else { return Ok(None) };
        tx.commit().await?;
        Ok(Some(Leased { previous: before.refresh_state, row }))
    }

    /// Stores what a refresh brought, with its events and its line in the refresh log, and ends the lease.
    /// `None` when this worker was fenced: the generation or the lease is not its own any more.
    ///
    /// # Errors
    /// [`crate::StoreError::Unavailable`] when the database cannot take the write: keep the tokens and try again.
    pub async fn finish_refresh(
        &self,
        lease: &Lease,
        tokens: &NewTokens,
        events: &[NewEvent],
        log: &RefreshLogRow,
    ) -> Result<Option<AccountRow>> {
        let mut tx = self.begin().await?;
        let (status, reason) = tokens.status;
        let row = find!(tx &mut tx, sql::FINISH, lease.account_id, lease.generation, lease.owner, tokens.sealed,
            tokens.access_expires_at, tokens.refresh_expires_at, tokens.next_refresh_at, tokens.granted_scopes,
            tokens.variables, status, reason, log.at, events::count(events))?;
        settle(tx, row, events, log).await
    }

    /// Gives a lease back when nothing was sent, or its outcome is as unclear as before. `state` is what the row
    /// says from then on: [`Leased::previous`]. False when the lease was not ours any more.
    ///
    /// # Errors
    /// Those of every operation.
    pub async fn release_lease(&self, lease: &Lease, state: RefreshState) -> Result<bool> {
        Ok(execute!(write self, sql::RELEASE, lease.account_id, lease.owner, state)? == 1)
    }

    /// Records a refresh that brought no tokens, and ends the lease. `None` when this worker was fenced.
    ///
    /// A terminal failure writes its events only when the state changes, so that they go out once.
    ///
    /// # Errors
    /// Those of every operation.
    pub async fn fail_refresh(
        &self,
        lease: &Lease,
        failure: &Failure,
        events: &[NewEvent],
        log: &RefreshLogRow,
    ) -> Result<Option<AccountRow>> {
        let mut tx = self.begin().await?;
        let before: Option<AccountRow> = find!(tx &mut tx, accounts::ACCOUNT_LOCK, lease.account_id)?;
        let Some(before) = before else { return Ok(None) };
        match failure {
            Failure::Transient { next_refresh_at, state } => {
                let row = find!(tx &mut tx, sql::FAIL_TRANSIENT, lease.account_id, lease.generation, lease.owner,
                    state, log.at, log.reason, next_refresh_at, events::count(events))?;
                settle(tx, row, events, log).await
            }
            Failure::Terminal { status, reason } => {
                let events = if before.status == *status { &[] } else { events };
                let row = find!(tx &mut tx, sql::FAIL_TERMINAL, lease.account_id, lease.generation, lease.owner,
                    status, reason, log.at, log.reason, events::count(events))?;
                settle(tx, row, events, log).await
            }
        }
    }

    /// Records that a request may have reached the provider and its answer was lost; ends the lease.
    /// `None` when this worker was fenced.
    ///
    /// # Errors
    /// Those of every operation.
    pub async fn mark_uncertain(
        &self,
        lease: &Lease,
        next_refresh_at: Option<Timestamp>,
        log: &RefreshLogRow,
    ) -> Result<Option<AccountRow>> {
        let failure = Failure::Transient { next_refresh_at, state: RefreshState::Uncertain };
        self.fail_refresh(lease, &failure, &[], log).await
    }

    /// Moves the next refresh of an account, if its generation is still that; false otherwise.
    ///
    /// # Errors
    /// Those of every operation.
    pub async fn reschedule_refresh(
        &self,
        id: &AccountId,
        generation: i64,
        next_refresh_at: Option<Timestamp>,
    ) -> Result<bool> {
        Ok(execute!(write self, sql::RESCHEDULE, id, generation, next_refresh_at)? == 1)
    }

    /// Accounts that nobody holds and whose last refresh was in flight or uncertain: what recovery looks at.
    ///
    /// # Errors
    /// Those of every operation.
    pub async fn list_unsettled_refreshes(&self, limit: i64) -> Result<Vec<AccountRow>> {
        list!(read self, sql::UNSETTLED, limit)
    }

    /// Active accounts whose time to be refreshed has come and that nobody refreshes, the most urgent first.
    /// The lease decides who does it.
    ///
    /// # Errors
    /// Those of every operation.
    pub async fn list_due_refreshes(&self, now: Timestamp, limit: i64) -> Result<Vec<AccountRow>> {
        list!(read self, sql::DUE, now, limit)
    }
}

/// Writes events and log of an attempt that was not fenced, and commits.
async fn settle(
    mut tx: Tx,
    row: Option<AccountRow>,
    events: &[NewEvent],
    log: &RefreshLogRow,
) -> Result<Option<AccountRow>> {
    let Some(row) = row else { return Ok(None) };
    let last = Some((&row.id, row.event_sequence));
    events::insert(&mut tx, &row.environment_id, last, events).await?;
    crate::logs::insert_refresh_log(&mut tx, log).await?;
    tx.commit().await?;
    Ok(Some(row))
}
