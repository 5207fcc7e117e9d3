use keybearer_core::Timestamp;
use keybearer_core::ids::EnvironmentId;

use crate::columns::row;
use crate::dialect::{execute, find, known_schema, scalar};
use crate::sql::system as sql;
use crate::{Db, Result};

/// How many lines one statement deletes.
const BATCH: i64 = 5000;

row! {
    /// How much of something waits.
    pub struct Backlog {
        /// How many.
        waiting: i64,
        /// When the oldest of them was due.
        oldest: Option<Timestamp>,
    }
}

impl Db {
    /// The version of the schema that the database has, and the newest that this program knows.
    ///
    /// # Errors
    /// Those of every operation.
    pub async fn schema_versions(&self) -> Result<(i64, i64)> {
        let found: Option<i64> = scalar!(read self, sql::SCHEMA_VERSION)?;
        Ok((found.unwrap_or_default(), known_schema()))
    }

    /// Deliveries that were due before `now`, at endpoints that take them.
    ///
    /// # Errors
    /// Those of every operation.
    pub async fn deliveries_due(&self, environment: &EnvironmentId, now: Timestamp) -> Result<Backlog> {
        backlog(find!(read self, sql::DELIVERIES_DUE, environment, now)?)
    }

    /// Deletes the calls of an environment from before `before`; gives their number.
    ///
    /// # Errors
    /// Those of every operation.
    pub async fn delete_calls_of(&self, environment: &EnvironmentId, before: Timestamp) -> Result<u64> {
        let mut deleted = 0;
        loop {
            let some = execute!(write self, sql::CALLS_DELETE_OLD_OF, environment, before, BATCH)?;
            deleted += some;
            if some < u64::try_from(BATCH).unwrap_or_default() {
                return Ok(deleted);
            }
        }
    }

    /// Refreshes that were due before `now`.
    ///
    /// # Errors
    /// Those of every operation.
    pub async fn refreshes_due(&self, environment: &EnvironmentId, now: Timestamp) -> Result<Backlog> {
        backlog(find!(read self, sql::REFRESHES_DUE, environment, now)?)
    }

    /// Accounts whose refreshes fail since before `now`.
    ///
    /// # Errors
    /// Those of every operation.
    pub async fn refreshes_failing(&self, environment: &EnvironmentId, now: Timestamp) -> Result<Backlog> {
        backlog(find!(read self, sql::REFRESHES_FAILING, environment, now)?)
    }
}

fn backlog(found: Option<Backlog>) -> Result<Backlog> {
    Ok(found.unwrap_or(Backlog { waiting: 0, oldest: None }))
}
