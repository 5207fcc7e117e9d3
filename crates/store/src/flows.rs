use keybearer_core::ids::{AccountId, ConnectionId, EnvironmentId, FlowId};
use keybearer_core::{FlowKind, FlowState, Timestamp};
use serde_json::Value;

use crate::change::FlowEnd;
use crate::columns::{AttemptStatus, Sealed, row};
use crate::dialect::{Tx, execute, find, list, scalar};
use crate::events::{self, NewEvent};
use crate::sql::{accounts, flows as sql};
use crate::{Db, Result, StoreError};

row! {
    /// One connect link and what came of it.
    pub struct FlowRow {
        /// Its id.
        id: FlowId,
        /// The environment it belongs to.
        environment_id: EnvironmentId,
        /// The connection it connects to.
        connection_id: ConnectionId,
        /// The account it connects; `None` when a developer tests the connection.
        account_id: Option<AccountId>,
        /// What it is for.
        kind: FlowKind,
        /// SHA-256 of the link's token, hexadecimal.
        token_hash: String,
        /// Where it stands.
        state: FlowState,
        /// The app's own `state`, given back at the end.
        app_state: Option<String>,
        /// Where the browser goes to be verified.
        user_verify_url: Option<String>,
        /// The scopes chosen with the link or on the page.
        scope_selection: Option<Value>,
        /// What the user typed before the provider, under the vault.
        sealed_input: Option<Sealed>,
        /// When the link ends.
        expires_at: Timestamp,
        /// When the link was made.
        created_at: Timestamp,
        /// When it was done or failed for good.
        finished_at: Option<Timestamp>,
        /// Why it failed, or why the last attempt did.
        failure: Option<String>,
        /// Whether a newer link of the account took its place.
        superseded: bool,
        /// The language of its pages, where its maker named one.
        locale: Option<String>,
        /// Where its pages lead back to.
        return_url: Option<String>,
        /// What its maker noted; the user does not see it.
        note: Option<String>,
    }

    /// One trip to the provider within a flow.
    pub struct AttemptRow {
        /// SHA-256 of the `state` that the provider gets, hexadecimal.
        state_hash: String,
        /// The flow it belongs to.
        flow_id: FlowId,
        /// The environment it belongs to.
        environment_id: EnvironmentId,
        /// Where it stands.
        status: AttemptStatus,
        /// Code, verifier inputs, request-token secret: under the vault; gone when the attempt ends.
        sealed: Option<Sealed>,
        /// SHA-256 of the `auth_request_id` that the app verifies with, hexadecimal.
        auth_request_hash: Option<String>,
        /// How many verify calls did not fit.
        misses: i64,
        /// Why it failed.
        failure: Option<String>,
        /// The reference that the page showed.
        reference: Option<String>,
        /// When it began.
        created_at: Timestamp,
        /// When it last moved.
        updated_at: Timestamp,
    }
}

impl Db {
    /// Writes a new link and supersedes the account's older open ones, with events about the account.
    ///
    /// # Errors
    /// [`StoreError::Reference`] when connection or account are gone.
    pub async fn create_flow(&self, row: &FlowRow, events: &[NewEvent]) -> Result<()> {
        let mut tx = self.begin().await?;
        if let Some(account) = &row.account_id {
            let sequence = next_sequence(&mut tx, account, events).await?;
            events::insert(&mut tx, &row.environment_id, Some((account, sequence)), events).await?;
            execute!(tx &mut tx, sql::FLOW_SUPERSEDE, account, row.id, true)?;
        }
        execute!(tx &mut tx, sql::FLOW_INSERT, row.id, row.environment_id, row.connection_id, row.account_id,
            row.kind, row.token_hash, row.state, row.app_state, row.user_verify_url, row.scope_selection,
            row.sealed_input, row.expires_at, row.created_at, row.finished_at, row.failure, row.superseded, row.locale,
            row.return_url, row.note)?;
        tx.commit().await
    }

    /// The flow of that id.
    ///
    /// # Errors
    /// Those of every operation.
    pub async fn find_flow(&self, id: &FlowId) -> Result<Option<FlowRow>> {
        find!(read self, sql::FLOW_GET, id)
    }

    /// The flow of a link, by the SHA-256 of its token. Open, expired, used: the row tells.
    ///
    /// # Errors
    /// Those of every operation.
    pub async fn find_flow_by_token(&self, token_hash: &str) -> Result<Option<FlowRow>> {
        find!(read self, sql::FLOW_BY_TOKEN, token_hash)
    }

    /// The newest flow of an account.
    ///
    /// # Errors
    /// Those of every operation.
    pub async fn find_latest_flow(&self, account: &AccountId) -> Result<Option<FlowRow>> {
        find!(read self, sql::FLOW_LATEST, account)
    }

    /// Notes where an open flow stands; false when it is finished, superseded or not there.
    ///
    /// # Errors
    /// Those of every operation.
    pub async fn set_flow_state(&self, id: &FlowId, state: FlowState) -> Result<bool> {
        Ok(execute!(write self, sql::FLOW_STATE, id, state, true)? == 1)
    }

    /// Keeps what the user gave before going to the provider; false when the flow is finished.
    ///
    /// # Errors
    /// Those of every operation.
    pub async fn set_flow_input(
        &self,
        id: &FlowId,
        sealed_input: Option<&Sealed>,
        scope_selection: Option<&Value>,
    ) -> Result<bool> {
        Ok(execute!(write self, sql::FLOW_INPUT, id, sealed_input, scope_selection)? == 1)
    }

    /// Notes why the last attempt failed; the link stays open for another. False when the flow is finished.
    ///
    /// # Errors
    /// Those of every operation.
    pub async fn set_flow_failure(&self, id: &FlowId, failure: Option<&str>) -> Result<bool> {
        Ok(execute!(write self, sql::FLOW_FAILURE, id, failure)? == 1)
    }

    /// Ends a flow and its attempt without touching an account. True for the one caller that ended it.
    /// To end it together with the grant it brought, use [`crate::AccountChange::flow`].
    ///
    /// # Errors
    /// Those of every operation.
    pub async fn finish_flow(&self, end: &FlowEnd, now: Timestamp) -> Result<bool> {
        let mut tx = self.begin().await?;
        if !end_flow(&mut tx, end, now).await? {
            return Ok(false);
        }
        tx.commit().await?;
        Ok(true)
    }

    /// Writes an attempt. True for exactly one of all callers with the same `state_hash`.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] on `flow_attempt` when the auth request id is taken,
    /// [`StoreError::Reference`] when the flow is gone.
    pub async fn insert_attempt(&self, row: &AttemptRow) -> Result<bool> {
        let inserted = execute!(write self, sql::ATTEMPT_INSERT, row.state_hash, row.flow_id, row.environment_id,
            row.status, row.sealed, row.auth_request_hash, row.misses, row.failure, row.reference,
            row.created_at, row.updated_at)?;
        Ok(inserted == 1)
    }

    /// The attempt of a `state`, by its SHA-256.
    ///
    /// # Errors
    /// Those of every operation.
    pub async fn find_attempt(&self, state_hash: &str) -> Result<Option<AttemptRow>> {
        find!(read self, sql::ATTEMPT_GET, state_hash)
    }

    /// The attempt that a verify call names, by the SHA-256 of its `auth_request_id`.
    ///
    /// # Errors
    /// Those of every operation.
    pub async fn find_attempt_by_auth_request(&self, auth_request_hash: &str) -> Result<Option<AttemptRow>> {
        find!(read self, sql::ATTEMPT_BY_AUTH_REQUEST, auth_request_hash)
    }

    /// The attempts of an environment in a status that began after `since`, newest first.
    ///
    /// # Errors
    /// Those of every operation.
    pub async fn list_waiting_attempts(
        &self,
        environment: &EnvironmentId,
        status: AttemptStatus,
        since: Timestamp,
        most: i64,
    ) -> Result<Vec<AttemptRow>> {
        list!(read self, sql::ATTEMPT_WAITING, environment, status, since, most)
    }

    /// The attempts of a flow, oldest first.
    ///
    /// # Errors
    /// Those of every operation.
    pub async fn list_attempts(&self, flow: &FlowId) -> Result<Vec<AttemptRow>> {
        list!(read self, sql::ATTEMPT_LIST, flow)
    }

    /// Moves an attempt from one status to another. True for exactly one of all callers.
    ///
    /// # Errors
    /// Those of every operation.
    pub async fn move_attempt(
        &self,
        state_hash: &str,
        from: AttemptStatus,
        to: AttemptStatus,
        now: Timestamp,
    ) -> Result<bool> {
        Ok(execute!(write self, sql::ATTEMPT_MOVE, state_hash, from, to, now)? == 1)
    }

    /// Moves an attempt from `from` to `row.status` and replaces what it holds (sealed part, auth request hash).
    /// True for exactly one of all callers.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] on `flow_attempt` when the auth request id is taken.
    pub async fn receive_attempt(&self, row: &AttemptRow, from: AttemptStatus) -> Result<bool> {
        let changed = execute!(write self, sql::ATTEMPT_RECEIVE, row.state_hash, from, row.status, row.sealed,
            row.auth_request_hash, row.updated_at)?;
        Ok(changed == 1)
    }

    /// Ends one attempt and wipes its code; the flow stays open. True for the one caller that ended it.
    ///
    /// # Errors
    /// Those of every operation.
    pub async fn fail_attempt(
        &self,
        state_hash: &str,
        failure: &str,
        reference: Option<&str>,
        now: Timestamp,
    ) -> Result<bool> {
        let failed = AttemptStatus::Failed;
        Ok(execute!(write self, sql::ATTEMPT_FINISH, state_hash, failed, failure, reference, now)? == 1)
    }

    /// Counts a verify call that did not fit; `None` when the attempt does not wait for one (any more).
    ///
    /// # Errors
    /// Those of every operation.
    pub async fn count_miss(&self, state_hash: &str, now: Timestamp) -> Result<Option<i64>> {
        scalar!(write self, sql::ATTEMPT_MISS, state_hash, now)
    }

    /// Attempts that were exchanging before `before` and were never heard of again.
    ///
    /// # Errors
    /// Those of every operation.
    pub async fn list_stale_attempts(&self, before: Timestamp, limit: i64) -> Result<Vec<AttemptRow>> {
        list!(read self, sql::ATTEMPT_STALE, before, limit)
    }

    /// Ends open flows whose time was over before `before` and wipes their codes and input; gives their number.
    /// An attempt that is exchanging is left to its end.
    ///
    /// # Errors
    /// Those of every operation.
    pub async fn expire_flows(&self, before: Timestamp, now: Timestamp) -> Result<u64> {
        let mut tx = self.begin().await?;
        let expired = execute!(tx &mut tx, sql::FLOW_EXPIRE, now, before)?;
        execute!(tx &mut tx, sql::ATTEMPT_EXPIRE, now, before)?;
        tx.commit().await?;
        Ok(expired)
    }

    /// Deletes flows that ended before `before`, with their attempts; gives their number.
    ///
    /// # Errors
    /// Those of every operation.
    pub async fn delete_flows(&self, before: Timestamp) -> Result<u64> {
        execute!(write self, sql::FLOW_DELETE_OLD, before)
    }
}

/// Ends a flow and its attempt; false when somebody else did before.
pub(crate) async fn end_flow(tx: &mut Tx, end: &FlowEnd, now: Timestamp) -> Result<bool> {
    if execute!(tx &mut *tx, sql::FLOW_FINISH, end.flow_id, end.state, end.failure, now)? == 0 {
        return Ok(false);
    }
    if let Some(state_hash) = &end.attempt {
        let status = if end.state == FlowState::Done { AttemptStatus::Done } else { AttemptStatus::Failed };
        let ended = execute!(tx &mut *tx, sql::ATTEMPT_FINISH, state_hash, status, end.failure, end.reference,
            now)?;
        if ended == 0 {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Locks the account and reserves sequence numbers; gives the last of them.
async fn next_sequence(tx: &mut Tx, account: &AccountId, events: &[NewEvent]) -> Result<i64> {
    let sequence: Option<i64> = scalar!(tx tx, accounts::ACCOUNT_SEQUENCE, account, events::count(events))?;
    sequence.ok_or(StoreError::Reference { what: "account" })
}
