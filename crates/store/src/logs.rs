use keybearer_core::Timestamp;
use keybearer_core::ids::{AccountId, CallLogId, ConnectionId, EnvironmentId};

use crate::columns::{CallOutcome, row};
use crate::dialect::{Tx, execute, list, scalar};
use crate::page::{Cursor, Keyed, Page, PageRequest};
use crate::sql::{logs as sql, refresh};
use crate::{Db, Result};

row! {
    /// One call through the proxy, a tool or the API.
    pub struct CallRow {
        /// Its id.
        id: CallLogId,
        /// The environment it ran in.
        environment_id: EnvironmentId,
        /// The reference a person quotes.
        reference: String,
        /// Where it came in, for example `PROXY`.
        source: String,
        /// The connection, when it got that far.
        connection_id: Option<ConnectionId>,
        /// The account, when it got that far.
        account_id: Option<AccountId>,
        /// The HTTP method.
        method: String,
        /// The path without the query.
        path: String,
        /// The HTTP status that was answered.
        status: Option<i64>,
        /// Our code, when it failed.
        error_code: Option<String>,
        /// How long it took.
        duration_ms: i64,
        /// When it began.
        started_at: Timestamp,
        /// How it ended.
        outcome: CallOutcome,
        /// The connector's slug, when it got that far.
        connector: Option<String>,
        /// The connection's name at that time, when it got that far.
        connection_name: Option<String>,
        /// The tool, when one was called.
        tool_name: Option<String>,
        /// The agent run that the caller named.
        agent_run_id: Option<String>,
        /// What went wrong in more words, where the environment keeps them.
        error_message: Option<String>,
        /// The provider's part of the time; `None` when nothing was sent to it.
        provider_ms: Option<i64>,
    }

    /// One attempt to refresh an account.
    pub struct RefreshLogRow {
        /// Any unique text; use an event id.
        id: String,
        /// The account.
        account_id: AccountId,
        /// When it ended.
        at: Timestamp,
        /// What came of it, for example `refreshed`, `transient`, `uncertain`, `expired`, `fenced`.
        outcome: String,
        /// Why, in our words.
        reason: Option<String>,
        /// The generation it began with.
        generation: i64,
        /// How long the provider took.
        duration_ms: i64,
    }
}

/// Which calls a list shows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CallFilter {
    /// Only this connection's.
    pub connection_id: Option<ConnectionId>,
    /// Only this account's.
    pub account_id: Option<AccountId>,
}

impl Keyed for CallRow {
    fn cursor(&self) -> Cursor {
        Cursor { created_at: self.started_at, id: self.id.to_string() }
    }
}

impl Db {
    /// Adds calls to the log in one transaction.
    ///
    /// # Errors
    /// Those of every operation; then none of them is written.
    pub async fn append_calls(&self, rows: &[CallRow]) -> Result<()> {
        let mut tx = self.begin().await?;
        for row in rows {
            execute!(tx &mut tx, sql::CALL_INSERT, row.id, row.environment_id, row.reference, row.source,
                row.connection_id, row.account_id, row.method, row.path, row.status, row.error_code,
                row.duration_ms, row.started_at, row.outcome, row.connector, row.connection_name, row.tool_name,
                row.agent_run_id, row.error_message, row.provider_ms)?;
        }
        tx.commit().await
    }

    /// The calls of one reference.
    ///
    /// # Errors
    /// Those of every operation.
    pub async fn find_calls(&self, environment: &EnvironmentId, reference: &str) -> Result<Vec<CallRow>> {
        list!(read self, sql::CALL_BY_REFERENCE, environment, reference)
    }

    /// One page of the call log, newest first.
    ///
    /// # Errors
    /// Those of every operation.
    pub async fn list_calls(
        &self,
        environment: &EnvironmentId,
        filter: &CallFilter,
        request: &PageRequest,
    ) -> Result<Page<CallRow>> {
        let (at, id, backward) = request.bounds();
        let text = if backward { sql::CALL_NEWER } else { sql::CALL_OLDER };
        let rows: Vec<CallRow> = list!(read self, text, environment, filter.connection_id, filter.account_id, at,
            id, request.fetch())?;
        let total: Option<i64> =
            scalar!(read self, sql::CALL_TOTAL, environment, filter.connection_id, filter.account_id)?;
        Ok(request.page(rows, total.unwrap_or_default()))
    }

    /// Deletes calls that began before `before`; gives their number.
    ///
    /// # Errors
    /// Those of every operation.
    pub async fn delete_calls(&self, before: Timestamp) -> Result<u64> {
        execute!(write self, sql::CALL_DELETE_OLD, before)
    }

    /// Adds a line about a refresh that changed nothing, for example a fenced one. The others are written with
    /// the change.
    ///
    /// # Errors
    /// [`crate::StoreError::Reference`] when the account is gone.
    pub async fn append_refresh_log(&self, row: &RefreshLogRow) -> Result<()> {
        let mut tx = self.begin().await?;
        insert_refresh_log(&mut tx, row).await?;
        tx.commit().await
    }

    /// The last refreshes of an account, newest first.
    ///
    /// # Errors
    /// Those of every operation.
    pub async fn list_refresh_log(&self, account: &AccountId, limit: i64) -> Result<Vec<RefreshLogRow>> {
        list!(read self, refresh::REFRESH_LOG_LIST, account, limit)
    }
}

pub(crate) async fn insert_refresh_log(tx: &mut Tx, row: &RefreshLogRow) -> Result<()> {
    execute!(tx tx, refresh::REFRESH_LOG_INSERT, row.id, row.account_id, row.at, row.outcome, row.reason,
        row.generation, row.duration_ms)
    .map(|_| ())
}
