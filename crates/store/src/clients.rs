use std::time::Duration;

use keybearer_core::Timestamp;
use keybearer_core::ids::{ClientId, ClientSecretId, EnvironmentId};

use crate::columns::{SecretState, row};
use crate::dialect::{Tx, execute, find, list, scalar};
use crate::page::{Cursor, Keyed, Page, PageRequest};
use crate::sql::clients as sql;
use crate::{Db, Result};

/// How often a use is noted at most.
const EVERY: Duration = Duration::from_secs(60);

row! {
    /// An API client: the credentials with which a program calls us.
    pub struct ClientRow {
        /// Its id, the `client_id` on the wire.
        id: ClientId,
        /// The environment it acts in.
        environment_id: EnvironmentId,
        /// What a person calls it.
        name: String,
        /// What it may do.
        permissions: Vec<String>,
        /// Whether it is refused.
        disabled: bool,
        /// When it was made.
        created_at: Timestamp,
        /// When it was last used, to the minute.
        last_used_at: Option<Timestamp>,
        /// Networks it may call from.
        networks: Vec<String>,
        /// Whether calls from elsewhere are refused.
        networks_enforced: bool,
        /// How long its access tokens live, when not as usual.
        token_seconds: Option<i64>,
        /// When it was last changed.
        updated_at: Timestamp,
        /// Where it was last used from.
        last_used_address: Option<String>,
    }

    /// One secret of an API client; the plain text is shown once and not stored.
    pub struct ClientSecretRow {
        /// Its id.
        id: ClientSecretId,
        /// The client it belongs to.
        client_id: ClientId,
        /// The hash that is compared.
        hash: String,
        /// The last characters, for people to tell secrets apart.
        suffix: String,
        /// Whether it is accepted.
        state: SecretState,
        /// When it was made.
        created_at: Timestamp,
        /// When it ends, if it does.
        expires_at: Option<Timestamp>,
        /// Who made it, as the audit trail names actors.
        created_by: Option<String>,
        /// When it was last changed.
        updated_at: Timestamp,
        /// When it last gave a token, to the minute.
        last_used_at: Option<Timestamp>,
        /// Where it last gave one to.
        last_used_address: Option<String>,
    }
}

impl Keyed for ClientRow {
    fn cursor(&self) -> Cursor {
        Cursor { created_at: self.created_at, id: self.id.to_string() }
    }
}

impl Db {
    /// Creates a client with its first secret.
    ///
    /// # Errors
    /// [`crate::StoreError::Reference`] when the environment is not there.
    pub async fn create_client(&self, row: &ClientRow, secret: &ClientSecretRow) -> Result<()> {
        let mut tx = self.begin().await?;
        execute!(tx &mut tx, sql::CLIENT_INSERT, row.id, row.environment_id, row.name, row.permissions,
            row.disabled, row.created_at, row.last_used_at, row.networks, row.networks_enforced, row.token_seconds,
            row.updated_at, row.last_used_address)?;
        insert_secret(&mut tx, secret).await?;
        tx.commit().await
    }

    /// The client of that id, in whatever environment.
    ///
    /// # Errors
    /// Those of every operation.
    pub async fn find_client(&self, id: &ClientId) -> Result<Option<ClientRow>> {
        find!(read self, sql::CLIENT_GET, id)
    }

    /// The clients of an environment, oldest first.
    ///
    /// # Errors
    /// Those of every operation.
    pub async fn list_clients(&self, environment: &EnvironmentId) -> Result<Vec<ClientRow>> {
        list!(read self, sql::CLIENT_LIST, environment)
    }

    /// One page of an environment's clients, newest first.
    ///
    /// # Errors
    /// Those of every operation.
    pub async fn page_clients(
        &self,
        environment: &EnvironmentId,
        request: &PageRequest,
    ) -> Result<Page<ClientRow>> {
        let (at, id, backward) = request.bounds();
        let text = if backward { sql::CLIENT_NEWER } else { sql::CLIENT_OLDER };
        let rows: Vec<ClientRow> = list!(read self, text, environment, at, id, request.fetch())?;
        let total: Option<i64> = scalar!(read self, sql::CLIENT_TOTAL, environment)?;
        Ok(request.page(rows, total.unwrap_or_default()))
    }

    /// Writes everything that may change; false when there is no such client.
    ///
    /// # Errors
    /// Those of every operation.
    pub async fn update_client(&self, row: &ClientRow) -> Result<bool> {
        let changed = execute!(write self, sql::CLIENT_UPDATE, row.environment_id, row.id, row.name,
            row.permissions, row.disabled, row.networks, row.networks_enforced, row.token_seconds, row.updated_at)?;
        Ok(changed == 1)
    }

    /// Notes that the client was used, and from where, at most once a minute.
    ///
    /// # Errors
    /// Those of every operation.
    pub async fn touch_client(&self, id: &ClientId, now: Timestamp, from: Option<&str>) -> Result<()> {
        let from = from.map(str::to_owned);
        execute!(write self, sql::CLIENT_TOUCH, id, now, now.minus(EVERY), from).map(|_| ())
    }

    /// Notes that the secret was used, and from where, at most once a minute.
    ///
    /// # Errors
    /// Those of every operation.
    pub async fn touch_client_secret(
        &self,
        id: &ClientSecretId,
        now: Timestamp,
        from: Option<&str>,
    ) -> Result<()> {
        let from = from.map(str::to_owned);
        execute!(write self, sql::SECRET_TOUCH, id, now, now.minus(EVERY), from).map(|_| ())
    }

    /// Deletes a client and its secrets; false when there is no such client.
    ///
    /// # Errors
    /// Those of every operation.
    pub async fn delete_client(&self, environment: &EnvironmentId, id: &ClientId) -> Result<bool> {
        Ok(execute!(write self, sql::CLIENT_DELETE, environment, id)? == 1)
    }

    /// Adds a secret to a client.
    ///
    /// # Errors
    /// [`crate::StoreError::Reference`] when the client is not there.
    pub async fn add_client_secret(&self, row: &ClientSecretRow) -> Result<()> {
        let mut tx = self.begin().await?;
        insert_secret(&mut tx, row).await?;
        tx.commit().await
    }

    /// The secrets of a client, oldest first.
    ///
    /// # Errors
    /// Those of every operation.
    pub async fn list_client_secrets(&self, client: &ClientId) -> Result<Vec<ClientSecretRow>> {
        list!(read self, sql::SECRET_LIST, client)
    }

    /// Writes state and end of a secret; false when the client has no such secret.
    ///
    /// # Errors
    /// Those of every operation.
    pub async fn update_client_secret(&self, row: &ClientSecretRow) -> Result<bool> {
        let changed = execute!(write self, sql::SECRET_STATE, row.client_id, row.id, row.state, row.expires_at, row.updated_at)?;
        Ok(changed == 1)
    }

    /// Deletes a secret; false when the client has no such secret.
    ///
    /// # Errors
    /// Those of every operation.
    pub async fn delete_client_secret(&self, client: &ClientId, id: &ClientSecretId) -> Result<bool> {
        Ok(execute!(write self, sql::SECRET_DELETE, client, id)? == 1)
    }
}

async fn insert_secret(tx: &mut Tx, row: &ClientSecretRow) -> Result<()> {
    execute!(tx tx, sql::SECRET_INSERT, row.id, row.client_id, row.hash, row.suffix, row.state, row.created_at,
        row.expires_at, row.created_by, row.updated_at, row.last_used_at, row.last_used_address)
    .map(|_| ())
}
