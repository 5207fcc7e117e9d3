use keybearer_core::Timestamp;
use keybearer_core::ids::{DataKeyId, EnvironmentId};
use serde_json::Value;

use crate::columns::{Sealed, row};
use crate::dialect::{Tx, execute, find, list, scalar};
use crate::sql::{environments, sealed as sql};
use crate::{Db, Result};

/// A column whose values the vault sealed. A test holds the list against the schema.
#[derive(Clone, Copy, Debug)]
pub struct SealedColumn {
    /// The table.
    pub table: &'static str,
    /// The column.
    pub column: &'static str,
    page: &'static str,
    swap: &'static str,
    under: &'static str,
    elsewhere: &'static str,
}

/// Every column with sealed values. A new one goes here and into `sql/sealed.rs`, or its values would stay under a
/// key that is about to be destroyed.
pub const SEALED_COLUMNS: &[SealedColumn] = &[
    SealedColumn {
        table: "signing_key",
        column: "sealed_private",
        page: sql::SIGNING_KEY_PAGE,
        swap: sql::SIGNING_KEY_SWAP,
        under: sql::SIGNING_KEY_UNDER,
        elsewhere: sql::SIGNING_KEY_ELSEWHERE,
    },
    SealedColumn {
        table: "connection_credential",
        column: "sealed",
        page: sql::CREDENTIAL_PAGE,
        swap: sql::CREDENTIAL_SWAP,
        under: sql::CREDENTIAL_UNDER,
        elsewhere: sql::CREDENTIAL_ELSEWHERE,
    },
    SealedColumn {
        table: "connection_credential",
        column: "earlier_sealed",
        page: sql::EARLIER_PAGE,
        swap: sql::EARLIER_SWAP,
        under: sql::EARLIER_UNDER,
        elsewhere: sql::EARLIER_ELSEWHERE,
    },
    SealedColumn {
        table: "account",
        column: "sealed_grant",
        page: sql::ACCOUNT_PAGE,
        swap: sql::ACCOUNT_SWAP,
        under: sql::ACCOUNT_UNDER,
        elsewhere: sql::ACCOUNT_ELSEWHERE,
    },
    SealedColumn {
        table: "flow",
        column: "sealed_input",
        page: sql::FLOW_PAGE,
        swap: sql::FLOW_SWAP,
        under: sql::FLOW_UNDER,
        elsewhere: sql::FLOW_ELSEWHERE,
    },
    SealedColumn {
        table: "flow_attempt",
        column: "sealed",
        page: sql::ATTEMPT_PAGE,
        swap: sql::ATTEMPT_SWAP,
        under: sql::ATTEMPT_UNDER,
        elsewhere: sql::ATTEMPT_ELSEWHERE,
    },
    SealedColumn {
        table: "webhook_secret",
        column: "sealed",
        page: sql::WEBHOOK_SECRET_PAGE,
        swap: sql::WEBHOOK_SECRET_SWAP,
        under: sql::WEBHOOK_SECRET_UNDER,
        elsewhere: sql::WEBHOOK_SECRET_ELSEWHERE,
    },
];

row! {
    /// One sealed value and what it is bound to besides its row.
    pub struct SealedCell {
        /// The primary key of its row.
        row_id: String,
        /// The value.
        sealed: Sealed,
        /// The first bound value, if it has one.
        binding_1: Option<String>,
        /// The second bound value, if it has one.
        binding_2: Option<String>,
    }

    /// How far the move of an environment's values to its primary data key has come.
    pub struct ReencryptionRow {
        /// The environment.
        environment_id: EnvironmentId,
        /// The key that the values move to.
        key_id: DataKeyId,
        /// Position in [`SEALED_COLUMNS`].
        step: i64,
        /// The last row of that column that was looked at.
        last_row: String,
        /// How many values have moved.
        moved: i64,
        /// How many values of which table do not open.
        failed: Value,
        /// When it began.
        started_at: Timestamp,
        /// When it last came forward.
        updated_at: Timestamp,
        /// When it ended.
        finished_at: Option<Timestamp>,
    }
}

/// Which values of an environment are wanted.
#[derive(Clone, Copy, Debug)]
pub struct SealedRange<'a> {
    /// The environment.
    pub environment: &'a EnvironmentId,
    /// Rows after this one.
    pub after: &'a str,
    /// Only values that do not begin so; see `Keyring::prefix` of the vault.
    pub not_under: &'a Sealed,
    /// How many at most.
    pub limit: i64,
}

/// A value that takes the place of exactly one other.
#[derive(Clone, Debug)]
pub struct SealedMove {
    /// The row.
    pub row_id: String,
    /// The value that must still be there.
    pub from: Sealed,
    /// The new value.
    pub to: Sealed,
}

impl Db {
    /// Values of one column, in the order of their rows.
    ///
    /// # Errors
    /// Those of every operation.
    pub async fn list_sealed(
        &self,
        column: &SealedColumn,
        range: SealedRange<'_>,
    ) -> Result<Vec<SealedCell>> {
        list!(read self, column.page, range.environment, range.after, range.not_under, length(range.not_under),
            range.limit)
    }

    /// How many values of an environment begin with `prefix`, which names a data key.
    ///
    /// # Errors
    /// Those of every operation.
    pub async fn count_sealed_under(&self, environment: &EnvironmentId, prefix: &Sealed) -> Result<i64> {
        let mut total = 0_i64;
        for column in SEALED_COLUMNS {
            let count: Option<i64> = scalar!(read self, column.under, environment, prefix, length(prefix))?;
            total = total.saturating_add(count.unwrap_or_default());
        }
        Ok(total)
    }

    /// How many values of an environment begin with something else than `prefix`.
    ///
    /// # Errors
    /// Those of every operation.
    pub async fn count_sealed_elsewhere(&self, environment: &EnvironmentId, prefix: &Sealed) -> Result<i64> {
        let mut total = 0_i64;
        for column in SEALED_COLUMNS {
            let count: Option<i64> =
                scalar!(read self, column.elsewhere, environment, prefix, length(prefix))?;
            total = total.saturating_add(count.unwrap_or_default());
        }
        Ok(total)
    }

    /// The last move of an environment.
    ///
    /// # Errors
    /// Those of every operation.
    pub async fn find_reencryption(&self, environment: &EnvironmentId) -> Result<Option<ReencryptionRow>> {
        find!(read self, sql::REENCRYPTION_GET, environment)
    }

    /// The moves that have not ended.
    ///
    /// # Errors
    /// Those of every operation.
    pub async fn unfinished_reencryptions(&self) -> Result<Vec<ReencryptionRow>> {
        list!(read self, sql::REENCRYPTION_UNFINISHED)
    }

    /// Begins a move; one to the same key that is under way goes on instead, and then it is false.
    ///
    /// # Errors
    /// Those of every operation.
    pub async fn begin_reencryption(
        &self,
        environment: &EnvironmentId,
        key: &DataKeyId,
        now: Timestamp,
    ) -> Result<bool> {
        Ok(execute!(write self, sql::REENCRYPTION_BEGIN, environment, key, now)? == 1)
    }

    /// Writes one page of a move together with how far it has come: a kill leaves both or neither. A value that was
    /// replaced meanwhile stays as it is. Gives how many were written.
    ///
    /// # Errors
    /// Those of every operation; then nothing is written.
    pub async fn step_reencryption(
        &self,
        column: Option<&SealedColumn>,
        moves: &[SealedMove],
        progress: &ReencryptionRow,
    ) -> Result<i64> {
        let mut tx = self.begin().await?;
        let mut moved = 0_i64;
        if let Some(column) = column {
            for change in moves {
                let changed = execute!(tx &mut tx, column.swap, change.row_id, change.from, change.to)?;
                moved = moved.saturating_add(i64::try_from(changed).unwrap_or(i64::MAX));
            }
        }
        execute!(tx &mut tx, sql::REENCRYPTION_STEP, progress.environment_id, progress.key_id, progress.step,
            progress.last_row, moved, progress.failed, progress.updated_at, progress.finished_at)?;
        tx.commit().await?;
        Ok(moved)
    }

    /// Deletes a data key unless a value lies under it; gives how many do.
    ///
    /// # Errors
    /// Those of every operation.
    pub async fn destroy_data_key(
        &self,
        environment: &EnvironmentId,
        id: &DataKeyId,
        prefix: &Sealed,
    ) -> Result<i64> {
        let mut tx = self.begin().await?;
        let used = used_in(&mut tx, environment, prefix).await?;
        if used == 0 {
            execute!(tx &mut tx, environments::DATA_KEY_DELETE, environment, id)?;
            tx.commit().await?;
        }
        Ok(used)
    }
}

async fn used_in(tx: &mut Tx, environment: &EnvironmentId, prefix: &Sealed) -> Result<i64> {
    let mut total = 0_i64;
    for column in SEALED_COLUMNS {
        let count: Option<i64> = scalar!(tx tx, column.under, environment, prefix, length(prefix))?;
        total = total.saturating_add(count.unwrap_or_default());
    }
    Ok(total)
}

fn length(prefix: &Sealed) -> i64 {
    i64::try_from(prefix.len()).unwrap_or(i64::MAX)
}
