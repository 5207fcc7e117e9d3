use keybearer_core::ids::{ConnectionId, CredentialId, EnvironmentId};
use keybearer_core::{ConnectionState, CredentialSource, Timestamp};
use serde_json::Value;

use crate::columns::{AuthMode, row};
use crate::dialect::{Tx, execute, find, list, scalar};
use crate::page::{Cursor, Keyed, Page, PageRequest};
use crate::sql::connections as sql;
use crate::{CredentialRow, Db, Result, StoreError};

row! {
    /// A developer's configuration of a connector.
    pub struct ConnectionRow {
        /// Its id, part of its redirect URI.
        id: ConnectionId,
        /// The environment it belongs to.
        environment_id: EnvironmentId,
        /// Unique in its environment; the `key_id` of the wire.
        name: String,
        /// Slug of the connector.
        connector: String,
        /// Which of the connector's auth methods.
        method: String,
        /// Draft, active or paused.
        state: ConnectionState,
        /// What the developer must look at, for example `client_rejected`.
        attention: Option<String>,
        /// Since when.
        attention_at: Option<Timestamp>,
        /// What a person calls it; may be empty.
        label: String,
        /// What users read on the connect page; may be empty.
        blurb_for_users: String,
        /// Whose OAuth app it uses.
        credential_source: CredentialSource,
        /// The credential that new grants are made with.
        credential_id: Option<CredentialId>,
        /// Connection fields without secrets, extra authorize parameters and overrides, as an object.
        config: Value,
        /// The scope selection, as the application shapes it.
        scopes: Value,
        /// Whose credential its accounts use.
        auth_mode: AuthMode,
        /// Whether the proxy serves it.
        proxy_enabled: bool,
        /// Rises with each change; an update names the one it saw.
        version: i64,
        /// When it was made.
        created_at: Timestamp,
        /// When it was last changed.
        updated_at: Timestamp,
    }
}

/// Which connections a list shows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ConnectionFilter {
    /// Only this connector's.
    pub connector: Option<String>,
    /// Only those in this state.
    pub state: Option<ConnectionState>,
    /// Only those whose name contains this text, whatever its case.
    pub query: Option<String>,
}

impl Keyed for ConnectionRow {
    fn cursor(&self) -> Cursor {
        Cursor { created_at: self.created_at, id: self.id.to_string() }
    }
}

impl Db {
    /// Creates a connection, with its credential when it has one.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] on `connection` when the name is taken in the environment.
    pub async fn create_connection(
        &self,
        row: &ConnectionRow,
        credential: Option<&CredentialRow>,
    ) -> Result<()> {
        let mut tx = self.begin().await?;
        insert(&mut tx, row).await?;
        if let Some(credential) = credential {
            crate::credentials::insert(&mut tx, credential).await?;
        }
        tx.commit().await
    }

    /// The connection of that id, in whatever environment: the row says which.
    ///
    /// # Errors
    /// Those of every operation.
    pub async fn find_connection(&self, id: &ConnectionId) -> Result<Option<ConnectionRow>> {
        find!(read self, sql::CONNECTION_GET, id)
    }

    /// The connection of that name; case decides.
    ///
    /// # Errors
    /// Those of every operation.
    pub async fn find_connection_by_name(
        &self,
        environment: &EnvironmentId,
        name: &str,
    ) -> Result<Option<ConnectionRow>> {
        find!(read self, sql::CONNECTION_BY_NAME, environment, name)
    }

    /// One page of an environment's connections, newest first.
    ///
    /// # Errors
    /// Those of every operation.
    pub async fn list_connections(
        &self,
        environment: &EnvironmentId,
        filter: &ConnectionFilter,
        request: &PageRequest,
    ) -> Result<Page<ConnectionRow>> {
        let query = filter.query.as_deref().map(like);
        let (at, id, backward) = request.bounds();
        let text = if backward { sql::CONNECTION_NEWER } else { sql::CONNECTION_OLDER };
        let rows: Vec<ConnectionRow> = list!(read self, text, environment, filter.connector, filter.state, query,
            at, id, request.fetch())?;
        let total: Option<i64> =
            scalar!(read self, sql::CONNECTION_TOTAL, environment, filter.connector, filter.state, query)?;
        Ok(request.page(rows, total.unwrap_or_default()))
    }

    /// Writes name, method, state, label, blurb, config, scopes, auth mode and the proxy switch, if `row.version`
    /// is still the stored one. False when it is not, or there is no such connection.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] on `connection` when the new name is taken.
    pub async fn update_connection(&self, row: &ConnectionRow) -> Result<bool> {
        let changed = execute!(write self, sql::CONNECTION_UPDATE, row.environment_id, row.id, row.version,
            row.name, row.method, row.state, row.label, row.blurb_for_users, row.config, row.scopes,
            row.auth_mode, row.proxy_enabled, row.updated_at)?;
        Ok(changed == 1)
    }

    /// Moves a connection to another state; false when it is there already or does not exist.
    ///
    /// # Errors
    /// Those of every operation.
    pub async fn set_connection_state(
        &self,
        environment: &EnvironmentId,
        id: &ConnectionId,
        state: ConnectionState,
        now: Timestamp,
    ) -> Result<bool> {
        Ok(execute!(write self, sql::CONNECTION_STATE, environment, id, state, now)? == 1)
    }

    /// Flags that the developer must look (`Some`), or that all is well (`None`). True when that is news.
    ///
    /// # Errors
    /// Those of every operation.
    pub async fn flag_connection(
        &self,
        id: &ConnectionId,
        attention: Option<&str>,
        now: Timestamp,
    ) -> Result<bool> {
        let changed = match attention {
            Some(attention) => execute!(write self, sql::CONNECTION_ATTENTION, id, attention, now)?,
            None => execute!(write self, sql::CONNECTION_CALM, id)?,
        };
        Ok(changed == 1)
    }

    /// How many accounts a connection has.
    ///
    /// # Errors
    /// Those of every operation.
    pub async fn count_connection_accounts(&self, id: &ConnectionId) -> Result<i64> {
        Ok(scalar!(read self, sql::CONNECTION_ACCOUNTS, id)?.unwrap_or_default())
    }

    /// Deletes a connection with its credentials and flows, and with `force` also its accounts.
    /// False when there is no such connection.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] on `account` when it has accounts and `force` is off.
    pub async fn delete_connection(
        &self,
        environment: &EnvironmentId,
        id: &ConnectionId,
        force: bool,
    ) -> Result<bool> {
        let mut tx = self.begin().await?;
        let row: Option<ConnectionRow> = find!(tx &mut tx, sql::CONNECTION_LOCK, environment, id)?;
        if row.is_none() {
            return Ok(false);
        }
        let accounts: Option<i64> = scalar!(tx &mut tx, sql::CONNECTION_ACCOUNTS, id)?;
        if accounts.unwrap_or_default() > 0 && !force {
            return Err(StoreError::Conflict { what: "account" });
        }
        execute!(tx &mut tx, sql::CONNECTION_DELETE, environment, id)?;
        tx.commit().await?;
        Ok(true)
    }
}

pub(crate) async fn insert(tx: &mut Tx, row: &ConnectionRow) -> Result<()> {
    execute!(tx &mut *tx, sql::CONNECTION_INSERT, row.id, row.environment_id, row.name, row.connector,
        row.method, row.state, row.attention, row.attention_at, row.label, row.blurb_for_users,
        row.credential_source, row.credential_id, row.config, row.scopes, row.auth_mode, row.proxy_enabled,
        row.version, row.created_at, row.updated_at)?;
    crate::custom_connectors::note_new(tx, &row.environment_id, &row.id, &row.connector).await
}

/// A pattern that finds `text` anywhere in lower-cased text; its own wildcards are plain characters.
pub(crate) fn like(text: &str) -> String {
    let mut pattern = String::from("%");
    for character in text.to_lowercase().chars() {
        if matches!(character, '%' | '_' | '\\') {
            pattern.push('\\');
        }
        pattern.push(character);
    }
    pattern.push('%');
    pattern
}
