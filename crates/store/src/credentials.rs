use keybearer_core::ids::{ConnectionId, CredentialId, EnvironmentId};
use keybearer_core::{CredentialSource, Timestamp};

use crate::columns::{Sealed, row};
use crate::dialect::{Tx, execute, find, list};
use crate::sql::connections as sql;
use crate::{Db, Result, StoreError};

row! {
    /// One OAuth app (or other developer credential) of a connection. Accounts point at the one that their grant
    /// was made with, and refresh with it, also after the connection has moved on.
    pub struct CredentialRow {
        /// Its id.
        id: CredentialId,
        /// The environment it belongs to.
        environment_id: EnvironmentId,
        /// The connection it belongs to.
        connection_id: ConnectionId,
        /// Whose it is.
        source: CredentialSource,
        /// The client id at the provider; not a secret.
        client_id: Option<String>,
        /// The last characters of the secret.
        client_secret_suffix: Option<String>,
        /// The secret parts; `None` when the operator's configuration holds them.
        sealed: Option<Sealed>,
        /// When it was made.
        created_at: Timestamp,
        /// When the connection moved on to another one.
        replaced_at: Option<Timestamp>,
        /// The secret parts before the present ones, while both are tried.
        earlier_sealed: Option<Sealed>,
        /// Until when; `None` with an earlier secret means until somebody removes it.
        earlier_until: Option<Timestamp>,
        /// When the present secret was stored.
        secret_set_at: Option<Timestamp>,
        /// Who stored it.
        secret_set_by: Option<String>,
        /// When it ends at the provider, if somebody said so.
        secret_ends_at: Option<Timestamp>,
    }

    /// A secret that ends.
    pub struct EndingSecret {
        /// Name of the connection.
        name: String,
        /// Its id.
        connection_id: ConnectionId,
        /// When the secret ends.
        ends_at: Timestamp,
    }
}

impl Db {
    /// Adds a credential and makes it the one for new grants. The former stays for the accounts that point at
    /// it; without any, it is deleted. The connection's attention flag ends.
    ///
    /// # Errors
    /// [`StoreError::Reference`] when the connection is not there.
    pub async fn replace_credential(&self, row: &CredentialRow) -> Result<()> {
        let mut tx = self.begin().await?;
        // the connection first, as everywhere: two writers that lock in two orders would wait for each other
        let used = execute!(tx &mut tx, sql::CONNECTION_USE_CREDENTIAL, row.connection_id, row.id, row.source,
            row.created_at, row.environment_id)?;
        if used == 0 {
            return Err(StoreError::Reference { what: "connection" });
        }
        insert(&mut tx, row).await?;
        execute!(tx &mut tx, sql::CREDENTIAL_REPLACED, row.connection_id, row.id, row.created_at)?;
        execute!(tx &mut tx, sql::CREDENTIAL_PRUNE, row.connection_id)?;
        tx.commit().await
    }

    /// Destroys earlier secrets whose time is over; gives their number.
    ///
    /// # Errors
    /// Those of every operation.
    pub async fn forget_earlier_secrets(&self, now: Timestamp) -> Result<u64> {
        execute!(write self, sql::CREDENTIAL_FORGET_ENDED, now)
    }

    /// The secrets of an environment's connections that end before `before`, the first to end first.
    ///
    /// # Errors
    /// Those of every operation.
    pub async fn list_ending_secrets(
        &self,
        environment: &EnvironmentId,
        before: Timestamp,
    ) -> Result<Vec<EndingSecret>> {
        list!(read self, sql::CREDENTIAL_ENDING, environment, before)
    }

    /// The credential of that id.
    ///
    /// # Errors
    /// Those of every operation.
    pub async fn find_credential(&self, id: &CredentialId) -> Result<Option<CredentialRow>> {
        find!(read self, sql::CREDENTIAL_GET, id)
    }

    /// The credentials of a connection, oldest first.
    ///
    /// # Errors
    /// Those of every operation.
    pub async fn list_credentials(&self, connection: &ConnectionId) -> Result<Vec<CredentialRow>> {
        list!(read self, sql::CREDENTIAL_LIST, connection)
    }

    /// Deletes replaced credentials that no account points at; gives their number.
    ///
    /// # Errors
    /// Those of every operation.
    pub async fn prune_credentials(&self, connection: &ConnectionId) -> Result<u64> {
        execute!(write self, sql::CREDENTIAL_PRUNE, connection)
    }
}

pub(crate) async fn insert(tx: &mut Tx, row: &CredentialRow) -> Result<()> {
    execute!(tx tx, sql::CREDENTIAL_INSERT, row.id, row.environment_id, row.connection_id, row.source,
        row.client_id, row.client_secret_suffix, row.sealed, row.created_at, row.replaced_at, row.earlier_sealed,
        row.earlier_until, row.secret_set_at, row.secret_set_by, row.secret_ends_at)
    .map(|_| ())
}
