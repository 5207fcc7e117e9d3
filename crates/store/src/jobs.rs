use std::time::Duration;

use crate::dialect::execute;
use crate::sql::{logs as sql, refresh};
use crate::{Db, Result};

impl Db {
    /// Takes or renews the lease on a background job. True when it is ours for `time` by the database's clock.
    ///
    /// # Errors
    /// Those of every operation.
    pub async fn take_job(&self, name: &str, owner: &str, time: Duration) -> Result<bool> {
        Ok(execute!(write self, sql::JOB_TAKE, name, owner, micros(time))? == 1)
    }

    /// Gives the lease on a job back; false when it was not ours any more.
    ///
    /// # Errors
    /// Those of every operation.
    pub async fn release_job(&self, name: &str, owner: &str) -> Result<bool> {
        Ok(execute!(write self, sql::JOB_RELEASE, name, owner)? == 1)
    }

    /// Ends every lease of owners whose name begins with `owner_prefix`: a node that starts calls it for its own
    /// name, so that what it left behind when it died is recovered at once. The intents stay.
    ///
    /// # Errors
    /// Those of every operation.
    pub async fn end_leases_of(&self, owner_prefix: &str) -> Result<u64> {
        let ended = execute!(write self, refresh::END_LEASES, owner_prefix)?;
        execute!(write self, refresh::END_JOB_LEASES, owner_prefix)?;
        Ok(ended)
    }
}

pub(crate) fn micros(time: Duration) -> i64 {
    i64::try_from(time.as_micros()).unwrap_or(i64::MAX)
}
