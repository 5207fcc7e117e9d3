use keybearer_core::ids::EnvironmentId;
use keybearer_core::{EnvironmentKind, Timestamp, VerifyMode};
use serde_json::Value;

use crate::columns::{Sealed, row};
use crate::dialect::{execute, find, list, scalar};
use crate::sql::environments as sql;
use crate::{DataKeyRow, Db, Result, SigningKeyRow, StoreError};

row! {
    /// What is true for the whole installation; there is one.
    pub struct InstallationRow {
        /// Also kept outside the database; a difference means that this is a copy.
        epoch: String,
        /// A known text under the root key: a wrong key is noticed at the start.
        key_check: Sealed,
        /// When the database was made.
        created_at: Timestamp,
    }

    /// A tenant of the deployment.
    pub struct EnvironmentRow {
        /// Its id.
        id: EnvironmentId,
        /// Unique name.
        name: String,
        /// What it is for.
        kind: EnvironmentKind,
        /// What users read on the pages.
        app_name: String,
        /// How the person behind a consent is confirmed.
        verify_mode: VerifyMode,
        /// Everything else, as an object.
        settings: Value,
        /// When it was made.
        created_at: Timestamp,
        /// When it was last changed.
        updated_at: Timestamp,
    }
}

impl Db {
    /// The database's own time, the one that leases are measured with.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] when the database does not answer.
    pub async fn db_now(&self) -> Result<Timestamp> {
        let micros: Option<i64> = scalar!(read self, sql::NOW)?;
        micros.map(Timestamp::from_micros).ok_or_else(|| StoreError::other("clock"))
    }

    /// Whether the database answers.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] when it does not.
    pub async fn ping(&self) -> Result<()> {
        self.db_now().await.map(|_| ())
    }

    /// The installation; `None` in a new database.
    ///
    /// # Errors
    /// Those of every operation: see [`StoreError`].
    pub async fn find_installation(&self) -> Result<Option<InstallationRow>> {
        find!(read self, sql::INSTALLATION_GET)
    }

    /// Writes the installation of a new database.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] when there is one.
    pub async fn create_installation(&self, row: &InstallationRow) -> Result<()> {
        execute!(write self, sql::INSTALLATION_INSERT, row.epoch, row.key_check, row.created_at).map(|_| ())
    }

    /// Begins a new epoch, as `adopt` does.
    ///
    /// # Errors
    /// Those of every operation.
    pub async fn set_epoch(&self, epoch: &str) -> Result<()> {
        execute!(write self, sql::INSTALLATION_EPOCH, epoch).map(|_| ())
    }

    /// Replaces the key-check value, as a rotation of the root key does.
    ///
    /// # Errors
    /// Those of every operation.
    pub async fn set_key_check(&self, key_check: &Sealed) -> Result<()> {
        execute!(write self, sql::INSTALLATION_KEY_CHECK, key_check).map(|_| ())
    }

    /// Creates an environment together with its first keys, or nothing of the three.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] on `environment` when the name is taken.
    pub async fn create_environment(
        &self,
        row: &EnvironmentRow,
        data_key: &DataKeyRow,
        signing_key: &SigningKeyRow,
    ) -> Result<()> {
        let mut tx = self.begin().await?;
        execute!(tx &mut tx, sql::ENVIRONMENT_INSERT, row.id, row.name, row.kind, row.app_name, row.verify_mode,
            row.settings, row.created_at, row.updated_at)?;
        crate::keys::insert_data_key(&mut tx, data_key).await?;
        crate::keys::insert_signing_key(&mut tx, signing_key).await?;
        tx.commit().await
    }

    /// The environment of that id.
    ///
    /// # Errors
    /// Those of every operation.
    pub async fn find_environment(&self, id: &EnvironmentId) -> Result<Option<EnvironmentRow>> {
        find!(read self, sql::ENVIRONMENT_GET, id)
    }

    /// All environments, oldest first.
    ///
    /// # Errors
    /// Those of every operation.
    pub async fn list_environments(&self) -> Result<Vec<EnvironmentRow>> {
        list!(read self, sql::ENVIRONMENT_LIST)
    }

    /// Writes name, kind, app name, verify mode and settings; false when there is no such environment.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] on `environment` when the name is taken.
    pub async fn update_environment(&self, row: &EnvironmentRow) -> Result<bool> {
        let changed = execute!(write self, sql::ENVIRONMENT_UPDATE, row.id, row.name, row.kind, row.app_name,
            row.verify_mode, row.settings, row.updated_at)?;
        Ok(changed == 1)
    }

    /// What became of the first steps of an environment; `None` without such an environment.
    ///
    /// # Errors
    /// Those of every operation.
    pub async fn first_steps(&self, id: &EnvironmentId) -> Result<Option<String>> {
        scalar!(read self, sql::ENVIRONMENT_FIRST_STEPS, id)
    }

    /// Writes what became of the first steps; false when it is that already, or is not `from` any more.
    ///
    /// # Errors
    /// Those of every operation.
    pub async fn set_first_steps(&self, id: &EnvironmentId, from: Option<&str>, to: &str) -> Result<bool> {
        Ok(execute!(write self, sql::ENVIRONMENT_SET_FIRST_STEPS, id, to, from)? == 1)
    }
}
