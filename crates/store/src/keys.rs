use keybearer_core::Timestamp;
use keybearer_core::ids::{DataKeyId, EnvironmentId, SigningKeyId};
use serde_json::Value;

use crate::columns::{DataKeyState, Sealed, SigningKeyState, row};
use crate::dialect::{Tx, execute, list, scalar};
use crate::sql::environments as sql;
use crate::{Db, Result};

row! {
    /// A key that seals an environment's secrets, wrapped by the root key.
    pub struct DataKeyRow {
        /// Its id, which every blob it sealed carries.
        id: DataKeyId,
        /// The environment it belongs to.
        environment_id: EnvironmentId,
        /// The key under the root key.
        wrapped: Sealed,
        /// Whether it seals or only opens.
        state: DataKeyState,
        /// When it was made.
        created_at: Timestamp,
        /// Its number within the environment.
        version: i64,
        /// When it last became the primary one.
        activated_at: Option<Timestamp>,
        /// When another key took its place.
        rotated_at: Option<Timestamp>,
    }

    /// A key that signs access tokens.
    pub struct SigningKeyRow {
        /// Its id, the `kid` of what it signs.
        id: SigningKeyId,
        /// The environment it belongs to.
        environment_id: EnvironmentId,
        /// The private half under the environment's data key.
        sealed_private: Sealed,
        /// The public half as the JWKS shows it.
        public_jwk: Value,
        /// Whether it signs, verifies or neither.
        state: SigningKeyState,
        /// When it was made.
        created_at: Timestamp,
        /// When a retiring one stops verifying.
        retire_at: Option<Timestamp>,
        /// When it begins to sign; it is published before. At once when absent.
        signs_from: Option<Timestamp>,
    }
}

impl Db {
    /// Every data key of every environment, oldest first.
    ///
    /// # Errors
    /// Those of every operation.
    pub async fn list_data_keys(&self) -> Result<Vec<DataKeyRow>> {
        list!(read self, sql::DATA_KEY_LIST)
    }

    /// Adds a data key under the next version of its environment, which it gives.
    ///
    /// # Errors
    /// [`crate::StoreError::Conflict`] on `data_key` when it is a second primary one, or another writer took the
    /// version.
    pub async fn add_data_key(&self, row: &DataKeyRow) -> Result<i64> {
        let mut tx = self.begin().await?;
        let next: Option<i64> = scalar!(tx &mut tx, sql::DATA_KEY_NEXT, row.environment_id)?;
        let row = DataKeyRow { version: next.unwrap_or(1), ..row.clone() };
        insert_data_key(&mut tx, &row).await?;
        tx.commit().await?;
        Ok(row.version)
    }

    /// Makes a staged key the one that seals; the former becomes deprecated. False when there is no such key.
    ///
    /// # Errors
    /// Those of every operation.
    pub async fn promote_data_key(
        &self,
        environment: &EnvironmentId,
        id: &DataKeyId,
        now: Timestamp,
    ) -> Result<bool> {
        let mut tx = self.begin().await?;
        execute!(tx &mut tx, sql::DATA_KEY_DEMOTE, environment, now)?;
        if execute!(tx &mut tx, sql::DATA_KEY_PROMOTE, environment, id, now)? == 0 {
            return Ok(false);
        }
        tx.commit().await?;
        Ok(true)
    }

    /// Replaces the wrapping of every data key and the key check, as a rotation of the root key does: all, or
    /// nothing.
    ///
    /// # Errors
    /// Those of every operation.
    pub async fn rewrap_data_keys(&self, wrapped: &[(DataKeyId, Sealed)], key_check: &Sealed) -> Result<()> {
        let mut tx = self.begin().await?;
        for (id, wrapped) in wrapped {
            execute!(tx &mut tx, sql::DATA_KEY_REWRAP, id, wrapped)?;
        }
        execute!(tx &mut tx, sql::INSTALLATION_KEY_CHECK, key_check)?;
        tx.commit().await
    }

    /// The signing keys of an environment that sign or verify, oldest first.
    ///
    /// # Errors
    /// Those of every operation.
    pub async fn list_signing_keys(&self, environment: &EnvironmentId) -> Result<Vec<SigningKeyRow>> {
        list!(read self, sql::SIGNING_KEY_LIST, environment)
    }

    /// Adds a new active signing key; the former verifies until `former_until`.
    ///
    /// # Errors
    /// Those of every operation.
    pub async fn rotate_signing_key(&self, row: &SigningKeyRow, former_until: Timestamp) -> Result<()> {
        let mut tx = self.begin().await?;
        execute!(tx &mut tx, sql::SIGNING_KEY_RETIRE_ACTIVE, row.environment_id, former_until)?;
        insert_signing_key(&mut tx, row).await?;
        tx.commit().await
    }

    /// Retires the signing keys whose time has come; gives their number.
    ///
    /// # Errors
    /// Those of every operation.
    pub async fn retire_signing_keys(&self, now: Timestamp) -> Result<u64> {
        execute!(write self, sql::SIGNING_KEY_RETIRE_DUE, now)
    }
}

pub(crate) async fn insert_data_key(tx: &mut Tx, row: &DataKeyRow) -> Result<()> {
    execute!(tx tx, sql::DATA_KEY_INSERT, row.id, row.environment_id, row.wrapped, row.state, row.created_at,
        row.version, row.activated_at, row.rotated_at)
    .map(|_| ())
}

pub(crate) async fn insert_signing_key(tx: &mut Tx, row: &SigningKeyRow) -> Result<()> {
    execute!(tx tx, sql::SIGNING_KEY_INSERT, row.id, row.environment_id, row.sealed_private, row.public_jwk,
        row.state, row.created_at, row.retire_at, row.signs_from)
    .map(|_| ())
}
