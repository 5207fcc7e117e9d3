use keybearer_core::Timestamp;
use keybearer_core::ids::{AccountId, CallLogId, ConnectionId, EnvironmentId};

use crate::columns::{CallOutcome, row};
use crate::dialect::{find, list, scalar};
use crate::page::{Cursor, Keyed, Page, PageRequest};
use crate::sql::calls as sql;
use crate::{Db, Result};

/// Which calls a list or a sum is about; empty means all.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CallQuery {
    /// Calls that began then or later.
    pub from: Timestamp,
    /// Calls that began before; the far end when `None`.
    pub until: Option<Timestamp>,
    /// How they ended.
    pub outcomes: Vec<String>,
    /// Slugs of connectors.
    pub connectors: Vec<String>,
    /// Where they came in.
    pub sources: Vec<String>,
    /// Error codes; `http_404` for what a provider answered.
    pub error_codes: Vec<String>,
    /// Only this connection's.
    pub connection_id: Option<ConnectionId>,
    /// Only this account's.
    pub account_id: Option<AccountId>,
    /// Only those of accounts of this user, as they are now.
    pub identifier: Option<String>,
    /// Only those of this agent run.
    pub agent_run_id: Option<String>,
    /// A part of the connection's name.
    pub connection_name: Option<String>,
}

row! {
    /// One call as the tool-call log shows it.
    pub struct LoggedCall {
        /// Its id.
        id: CallLogId,
        /// The environment it ran in.
        environment_id: EnvironmentId,
        /// Where it came in, for example `PROXY`.
        source: String,
        /// The connection, when it got that far.
        connection_id: Option<ConnectionId>,
        /// The account, when it got that far.
        account_id: Option<AccountId>,
        /// How long it took.
        duration_ms: i64,
        /// When it began.
        started_at: Timestamp,
        /// How it ended.
        outcome: CallOutcome,
        /// The connector's slug.
        connector: Option<String>,
        /// The connection's name at that time.
        connection_name: Option<String>,
        /// The tool.
        tool_name: Option<String>,
        /// The agent run that the caller named.
        agent_run_id: Option<String>,
        /// What went wrong in more words, where the environment keeps them.
        error_message: Option<String>,
        /// The HTTP status that was answered.
        status: Option<i64>,
        /// Our code, or `http_404` for what a provider answered.
        error_code: Option<String>,
        /// The account's user, while there is the account.
        identifier: Option<String>,
        /// The account's organization; empty for none.
        organization_id: Option<String>,
        /// The account's scoped user; empty for none.
        user_id: Option<String>,
    }

    /// How many calls of one slot of time ended so.
    pub struct SlotCount {
        /// Number of the slot, from 0.
        slot: i64,
        /// How they ended.
        outcome: CallOutcome,
        /// How many.
        calls: i64,
    }

    /// How many calls of one connector ended so.
    pub struct CallCount {
        /// The slug; empty when no call got that far.
        connector: String,
        /// How they ended.
        outcome: CallOutcome,
        /// How many.
        calls: i64,
    }

    /// How many calls ended with one error code.
    pub struct CodeCount {
        /// The code.
        error_code: Option<String>,
        /// How many.
        calls: i64,
    }
}

impl Keyed for LoggedCall {
    fn cursor(&self) -> Cursor {
        Cursor { created_at: self.started_at, id: self.id.to_string() }
    }
}

/// Runs a statement whose first twelve values are the filter.
macro_rules! filtered {
    ($kind:ident, $db:expr, $text:expr, $environment:expr, $query:expr $(, $value:expr)*) => {
        $kind!(read $db, $text, $environment, $query.from, $query.until.unwrap_or(Timestamp::from_micros(i64::MAX)),
            barred(&$query.outcomes), barred(&$query.connectors), barred(&$query.sources),
            barred(&$query.error_codes), $query.connection_id, $query.account_id, $query.identifier,
            $query.agent_run_id, part(&$query.connection_name) $(, $value)*)
    };
}

impl Db {
    /// One call of an environment.
    ///
    /// # Errors
    /// Those of every operation.
    pub async fn find_call(&self, environment: &EnvironmentId, id: &CallLogId) -> Result<Option<LoggedCall>> {
        find!(read self, sql::LOGGED_GET, environment, id)
    }

    /// One page of calls, newest first.
    ///
    /// # Errors
    /// Those of every operation.
    pub async fn page_calls(
        &self,
        environment: &EnvironmentId,
        query: &CallQuery,
        request: &PageRequest,
    ) -> Result<Page<LoggedCall>> {
        let (at, id, backward) = request.bounds();
        let text = if backward { sql::LOGGED_NEWER } else { sql::LOGGED_OLDER };
        let rows: Vec<LoggedCall> = filtered!(list, self, text, environment, query, at, id, request.fetch())?;
        let total: Option<i64> = filtered!(scalar, self, sql::LOGGED_TOTAL, environment, query)?;
        Ok(request.page(rows, total.unwrap_or_default()))
    }

    /// Calls by slot of time and outcome. The first slot begins at `origin`; each is `width_micros` long.
    ///
    /// # Errors
    /// Those of every operation.
    pub async fn count_calls_by_slot(
        &self,
        environment: &EnvironmentId,
        query: &CallQuery,
        origin: Timestamp,
        width_micros: i64,
    ) -> Result<Vec<SlotCount>> {
        filtered!(list, self, sql::BY_SLOT, environment, query, origin, width_micros)
    }

    /// Calls by connector and outcome.
    ///
    /// # Errors
    /// Those of every operation.
    pub async fn count_calls_by_connector(
        &self,
        environment: &EnvironmentId,
        query: &CallQuery,
    ) -> Result<Vec<CallCount>> {
        filtered!(list, self, sql::BY_CONNECTOR, environment, query)
    }

    /// The most frequent error codes.
    ///
    /// # Errors
    /// Those of every operation.
    pub async fn count_calls_by_code(
        &self,
        environment: &EnvironmentId,
        query: &CallQuery,
        limit: i64,
    ) -> Result<Vec<CodeCount>> {
        filtered!(list, self, sql::BY_CODE, environment, query, limit)
    }
}

/// The words between bars; `None` for none. No word of ours holds a bar, so one that does matches nothing.
fn barred(words: &[String]) -> Option<String> {
    let words = words.iter().map(|word| word.replace('|', "\u{fffd}"));
    (words.len() > 0).then(|| format!("|{}|", words.collect::<Vec<_>>().join("|")))
}

fn part(text: &Option<String>) -> Option<String> {
    let text = text.as_ref()?.to_ascii_lowercase();
    let escaped = text.replace('\\', "\\\\").replace('%', "\\%").replace('_', "\\_");
    Some(format!("%{escaped}%"))
}
