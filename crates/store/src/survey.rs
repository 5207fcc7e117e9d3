//! The list of accounts as people filter it, at the size at which that is no longer trivial.

use keybearer_core::ids::{AccountId, ConnectionId, EnvironmentId};
use keybearer_core::{AccountStatus, Timestamp};

use crate::accounts::AccountRow;
use crate::connections::like;
use crate::dialect::{execute, list, on, scalar};
use crate::page::{Page, PageRequest, Position};
use crate::sql::survey as sql;
use crate::{Db, Result, StoreError};

/// Which narrow set of accounts is walked through.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Walk {
    /// All of the environment.
    #[default]
    All,
    /// Those of one user.
    Person(String),
    /// Those whose last refresh failed.
    Failing,
    /// Those whose granted scopes differ from the wanted ones as texts.
    ScopeGap,
}

/// Which accounts the list shows. Empty means all.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SurveyFilter {
    /// The set it begins with.
    pub walk: Walk,
    /// Only those of these connections; an empty list matches nothing.
    pub connections: Option<Vec<ConnectionId>>,
    /// Only those in this state.
    pub status: Option<AccountStatus>,
    /// Only those whose user or identity contains this text, whatever its case.
    pub query: Option<String>,
    /// Only this one.
    pub id: Option<AccountId>,
    /// Only those that nothing used since this day (days since 1970 UTC).
    pub unused_since: Option<i64>,
    /// Only those whose refresh token ends from the first time to before the second.
    pub ends: Option<(Timestamp, Timestamp)>,
}

/// Runs a statement whose first eight values are the filter.
macro_rules! filtered {
    ($kind:ident, $mode:ident $db:expr, $text:expr, $environment:expr, $filter:expr $(, $value:expr)*) => {
        $kind!($mode $db, $text, $environment, barred($filter), $filter.status,
            $filter.query.as_deref().map(like), $filter.id, $filter.unused_since,
            $filter.ends.map(|(from, _)| from), $filter.ends.map(|(_, until)| until) $(, $value)*)
    };
}

impl Db {
    /// One page of the accounts that fit, newest first. Its total stops at `most`.
    ///
    /// # Errors
    /// Those of every operation.
    pub async fn survey_accounts(
        &self,
        environment: &EnvironmentId,
        filter: &SurveyFilter,
        request: &PageRequest,
        most: i64,
    ) -> Result<Page<AccountRow>> {
        let (at, id, backward) = request.bounds();
        let (older, newer, _) = texts(&filter.walk);
        let text = if backward { newer } else { older };
        let rows: Vec<AccountRow> = match &filter.walk {
            Walk::Person(person) => {
                filtered!(list, read self, text, environment, filter, at, id, request.fetch(), person)?
            }
            _ => filtered!(list, read self, text, environment, filter, at, id, request.fetch())?,
        };
        let mut page = request.page(rows, 0);
        // a list of one page is counted already
        let whole = request.position == Position::Start && page.next.is_none();
        page.total = match i64::try_from(page.rows.len()) {
            Ok(rows) if whole => rows.min(most),
            _ => self.count_surveyed(environment, filter, most).await?,
        };
        Ok(page)
    }

    /// How many accounts fit, as far as `most`.
    ///
    /// # Errors
    /// Those of every operation.
    pub async fn count_surveyed(
        &self,
        environment: &EnvironmentId,
        filter: &SurveyFilter,
        most: i64,
    ) -> Result<i64> {
        let (_, _, count) = texts(&filter.walk);
        let total: Option<i64> = match &filter.walk {
            Walk::Person(person) => filtered!(scalar, read self, count, environment, filter, most, person)?,
            _ => filtered!(scalar, read self, count, environment, filter, most)?,
        };
        Ok(total.unwrap_or_default())
    }

    /// The accounts of one user on all connections, newest first.
    ///
    /// # Errors
    /// Those of every operation.
    pub async fn list_accounts_of_person(
        &self,
        environment: &EnvironmentId,
        identifier: &str,
        limit: i64,
    ) -> Result<Vec<AccountRow>> {
        list!(read self, sql::PERSON_ALL, environment, identifier, limit)
    }

    /// Removes what is kept about an account that is gone: its calls, and its events but those of the type `last`. Gives
    /// the number of events and of calls.
    ///
    /// # Errors
    /// Those of every operation; then nothing is removed.
    pub async fn erase_traces(
        &self,
        environment: &EnvironmentId,
        account: &AccountId,
        last: &str,
    ) -> Result<(u64, u64)> {
        let mut tx = self.begin().await?;
        let events = execute!(tx &mut tx, sql::PERSON_EVENTS, environment, account, last)?;
        execute!(tx &mut tx, sql::PERSON_DELIVERIES, environment, account)?;
        let calls = execute!(tx &mut tx, sql::PERSON_CALLS, environment, account)?;
        tx.commit().await?;
        Ok((events, calls))
    }

    /// How the database goes about the first page and the count of a filter, as it tells it. PostgreSQL is asked not to
    /// read whole tables where there is another way, so that the size of a test does not decide.
    ///
    /// # Errors
    /// Those of every operation.
    pub async fn explain_survey(
        &self,
        environment: &EnvironmentId,
        filter: &SurveyFilter,
    ) -> Result<Vec<String>> {
        let (older, _, count) = texts(&filter.walk);
        let mut told = Vec::new();
        for (text, limits) in [(older, 3), (count, 1)] {
            let text = match self.kind() {
                "sqlite" => format!("EXPLAIN QUERY PLAN {text}"),
                _ => format!("EXPLAIN {text}"),
            };
            told.extend(self.plan(text, environment, filter, limits).await?);
        }
        Ok(told)
    }

    async fn plan(
        &self,
        text: String,
        environment: &EnvironmentId,
        filter: &SurveyFilter,
        limits: usize,
    ) -> Result<Vec<String>> {
        use sqlx::Row as _;
        let mut tx = self.begin().await?;
        let column = if self.kind() == "sqlite" { 3_usize } else { 0 };
        if column == 0 {
            execute!(tx &mut tx, "SET LOCAL enable_seqscan = off")?;
        }
        let text = sqlx::AssertSqlSafe(text);
        let bounds = PageRequest::first(50);
        let (at, id, _) = bounds.bounds();
        let person = match &filter.walk {
            Walk::Person(person) => Some(person.as_str()),
            _ => None,
        };
        let rows: Vec<String> = on!(tx &mut tx, |connection| {
            let mut query = sqlx::query(text)
                .bind(crate::columns::Bind::raw(environment))
                .bind(barred(filter))
                .bind(crate::columns::Bind::raw(&filter.status))
                .bind(filter.query.as_deref().map(like))
                .bind(crate::columns::Bind::raw(&filter.id))
                .bind(filter.unused_since)
                .bind(filter.ends.map(|(from, _)| from.micros()))
                .bind(filter.ends.map(|(_, until)| until.micros()));
            if limits == 3 {
                query = query.bind(at.micros()).bind(id);
            }
            query = query.bind(51_i64);
            if let Some(person) = person {
                query = query.bind(person);
            }
            let rows = query.fetch_all(connection).await.map_err(StoreError::from)?;
            rows.iter().map(|row| row.try_get::<String, usize>(column).map_err(StoreError::from)).collect::<Result<_>>()?
        });
        Ok(rows)
    }
}

/// The statements of a walk: later pages, earlier ones, the count.
fn texts(walk: &Walk) -> (&'static str, &'static str, &'static str) {
    match walk {
        Walk::All => (sql::ALL_OLDER, sql::ALL_NEWER, sql::ALL_COUNT),
        Walk::Person(_) => (sql::PERSON_OLDER, sql::PERSON_NEWER, sql::PERSON_COUNT),
        Walk::Failing => (sql::FAILING_OLDER, sql::FAILING_NEWER, sql::FAILING_COUNT),
        Walk::ScopeGap => (sql::GAP_OLDER, sql::GAP_NEWER, sql::GAP_COUNT),
    }
}

/// The ids between bars.
fn barred(filter: &SurveyFilter) -> Option<String> {
    let ids = filter.connections.as_ref()?;
    let ids: Vec<&str> = ids.iter().map(ConnectionId::as_str).collect();
    Some(format!("|{}|", ids.join("|")))
}
