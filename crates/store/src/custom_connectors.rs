use keybearer_core::Timestamp;
use keybearer_core::ids::{ConnectionId, EnvironmentId, ProviderId};
use serde_json::{Value, json};

use crate::columns::row;
use crate::dialect::{Tx, execute, find, list, scalar};
use crate::page::{Cursor, Keyed, Page, PageRequest};
use crate::sql::custom_connectors as sql;
use crate::{AuditRow, Db, Result, StoreError};

/// What the identifier of a custom connector holds and no slug of the catalogue does.
const MARK: char = ':';

row! {
    /// A connector that an environment made over the API.
    pub struct CustomConnectorRow {
        /// Its id.
        id: ProviderId,
        /// The environment it belongs to.
        environment_id: EnvironmentId,
        /// What connections name it by.
        identifier: String,
        /// What people call it.
        display_name: String,
        /// What it is.
        description: String,
        /// Address of its picture, or empty.
        icon_src: String,
        /// What proxied calls go below.
        proxy_url: String,
        /// Whether it may be called through the proxy.
        proxy_enabled: bool,
        /// The auth patterns as they were given.
        auth_patterns: Value,
        /// The developer's own pairs.
        metadata: Value,
        /// Rises with each change.
        version: i64,
        /// When it was made.
        created_at: Timestamp,
        /// When it was last changed.
        updated_at: Timestamp,
    }

    /// A connection that uses a custom connector.
    pub struct CustomConnectorUse {
        /// Name of the connection.
        name: String,
        /// Its auth method.
        method: String,
        /// How many accounts it has.
        accounts: i64,
    }

    /// A connection whose connector has another version than it was last looked at with.
    pub struct DefinitionBehind {
        /// The connection.
        connection_id: ConnectionId,
        /// Identifier of the connector.
        identifier: String,
        /// The version that it was last looked at with.
        seen: i64,
        /// The version of now.
        version: i64,
    }

    /// How much a custom connector is used.
    pub struct CustomConnectorTally {
        /// Its identifier.
        identifier: String,
        /// How many connections use it, drafts included.
        connections: i64,
        /// How many accounts they have.
        accounts: i64,
    }
}

impl Keyed for CustomConnectorRow {
    fn cursor(&self) -> Cursor {
        Cursor { created_at: self.created_at, id: self.id.as_str().to_owned() }
    }
}

impl Db {
    /// Creates a custom connector with a line of the audit trail. False when the environment has `most` already.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] on `custom_connector` when the identifier is taken.
    pub async fn add_custom_connector(
        &self,
        row: &CustomConnectorRow,
        most: i64,
        audit: &AuditRow,
    ) -> Result<bool> {
        let mut tx = self.begin().await?;
        execute!(tx &mut tx, sql::CUSTOM_INSERT, row.id, row.environment_id, row.identifier, row.display_name,
            row.description, row.icon_src, row.proxy_url, row.proxy_enabled, row.auth_patterns, row.metadata,
            row.version, row.created_at, row.updated_at)?;
        let total: Option<i64> = scalar!(tx &mut tx, sql::CUSTOM_TOTAL, row.environment_id)?;
        if total.unwrap_or_default() > most {
            return Ok(false);
        }
        crate::audit::insert(&mut tx, audit).await?;
        tx.commit().await?;
        Ok(true)
    }

    /// The custom connector of that identifier.
    ///
    /// # Errors
    /// Those of every operation.
    pub async fn find_custom_connector(
        &self,
        environment: &EnvironmentId,
        identifier: &str,
    ) -> Result<Option<CustomConnectorRow>> {
        find!(read self, sql::CUSTOM_GET, environment, identifier)
    }

    /// One page of an environment's custom connectors, newest first.
    ///
    /// # Errors
    /// Those of every operation.
    pub async fn list_custom_connectors(
        &self,
        environment: &EnvironmentId,
        request: &PageRequest,
    ) -> Result<Page<CustomConnectorRow>> {
        let (at, id, backward) = request.bounds();
        let text = if backward { sql::CUSTOM_NEWER } else { sql::CUSTOM_OLDER };
        let rows: Vec<CustomConnectorRow> = list!(read self, text, environment, at, id, request.fetch())?;
        let total: Option<i64> = scalar!(read self, sql::CUSTOM_TOTAL, environment)?;
        Ok(request.page(rows, total.unwrap_or_default()))
    }

    /// The connections that use a custom connector, by name.
    ///
    /// # Errors
    /// Those of every operation.
    pub async fn custom_connector_uses(
        &self,
        environment: &EnvironmentId,
        identifier: &str,
    ) -> Result<Vec<CustomConnectorUse>> {
        list!(read self, sql::CUSTOM_USES, environment, identifier)
    }

    /// How much the custom connectors of an environment are used. Those that nobody uses are not in it.
    ///
    /// # Errors
    /// Those of every operation.
    pub async fn custom_connector_tally(
        &self,
        environment: &EnvironmentId,
    ) -> Result<Vec<CustomConnectorTally>> {
        list!(read self, sql::CUSTOM_TALLY, environment)
    }

    /// Changes a custom connector: `decide` sees it and the connections that use it, while no other can be made.
    /// Id, environment, identifier and times are not taken from what it gives. `None` when there is none.
    ///
    /// # Errors
    /// What `decide` gives; then nothing is changed.
    pub async fn change_custom_connector<E, F>(
        &self,
        environment: &EnvironmentId,
        identifier: &str,
        now: Timestamp,
        decide: F,
    ) -> Result<Option<CustomConnectorRow>, E>
    where
        E: From<StoreError>,
        F: FnOnce(&CustomConnectorRow, &[CustomConnectorUse]) -> Result<(CustomConnectorRow, AuditRow), E>
            + Send,
    {
        let mut tx = self.begin().await?;
        let Some((seen, uses)) = see(&mut tx, environment, identifier).await? else {
            return Ok(None);
        };
        let (row, audit) = decide(&seen, &uses)?;
        let (seen_version, earlier) = (seen.version, definition(&seen));
        let row = CustomConnectorRow {
            id: seen.id,
            environment_id: seen.environment_id,
            identifier: seen.identifier,
            created_at: seen.created_at,
            version: seen.version.saturating_add(1),
            updated_at: now,
            ..row
        };
        execute!(tx &mut tx, sql::CUSTOM_WRITE, row.id, row.display_name, row.description, row.icon_src,
            row.proxy_url, row.proxy_enabled, row.auth_patterns, row.metadata, row.version, row.updated_at)?;
        execute!(tx &mut tx, sql::CUSTOM_KEEP, row.id, seen_version, earlier, now)?;
        execute!(tx &mut tx, sql::CUSTOM_FORGET, environment)?;
        crate::audit::insert(&mut tx, &audit).await?;
        tx.commit().await?;
        Ok(Some(row))
    }

    /// Deletes a custom connector unless `decide`, which sees the connections that use it, refuses. False when there
    /// is none.
    ///
    /// # Errors
    /// What `decide` gives; then nothing is deleted.
    pub async fn remove_custom_connector<E, F>(
        &self,
        environment: &EnvironmentId,
        identifier: &str,
        decide: F,
    ) -> Result<bool, E>
    where
        E: From<StoreError>,
        F: FnOnce(&CustomConnectorRow, &[CustomConnectorUse]) -> Result<AuditRow, E> + Send,
    {
        let mut tx = self.begin().await?;
        let Some((seen, uses)) = see(&mut tx, environment, identifier).await? else {
            return Ok(false);
        };
        let audit = decide(&seen, &uses)?;
        execute!(tx &mut tx, sql::CUSTOM_DELETE, seen.id)?;
        crate::audit::insert(&mut tx, &audit).await?;
        tx.commit().await?;
        Ok(true)
    }
}

impl Db {
    /// The connections of an environment whose connector has another version than they were last looked at with.
    ///
    /// # Errors
    /// Those of every operation.
    pub async fn definitions_behind(&self, environment: &EnvironmentId) -> Result<Vec<DefinitionBehind>> {
        list!(read self, sql::CUSTOM_BEHIND, environment)
    }

    /// What an earlier version said, as the file of the command line has it.
    ///
    /// # Errors
    /// Those of every operation.
    pub async fn find_earlier_definition(
        &self,
        environment: &EnvironmentId,
        identifier: &str,
        version: i64,
    ) -> Result<Option<Value>> {
        let text: Option<String> = scalar!(read self, sql::CUSTOM_EARLIER, environment, identifier, version)?;
        Ok(text.and_then(|text| serde_json::from_str(&text).ok()))
    }

    /// Notes that a connection was looked at with the version of now.
    ///
    /// # Errors
    /// Those of every operation.
    pub async fn note_definition(&self, environment: &EnvironmentId, id: &ConnectionId) -> Result<()> {
        let mut tx = self.begin().await?;
        execute!(tx &mut tx, sql::CUSTOM_SEEN, environment, id)?;
        execute!(tx &mut tx, sql::CUSTOM_FORGET, environment)?;
        tx.commit().await
    }

    /// Notes that somebody reviewed a version, with a line of the audit trail. False when it is not the one of now, or
    /// was seen already.
    ///
    /// # Errors
    /// Those of every operation.
    pub async fn review_definition(
        &self,
        environment: &EnvironmentId,
        id: &ConnectionId,
        version: i64,
        audit: &AuditRow,
    ) -> Result<bool> {
        let mut tx = self.begin().await?;
        if execute!(tx &mut tx, sql::CUSTOM_REVIEWED, environment, id, version)? == 0 {
            return Ok(false);
        }
        execute!(tx &mut tx, sql::CUSTOM_FORGET, environment)?;
        crate::audit::insert(&mut tx, audit).await?;
        tx.commit().await?;
        Ok(true)
    }
}

/// A row as the file of the command line has it.
fn definition(row: &CustomConnectorRow) -> Value {
    json!({
        "display_name": row.display_name,
        "description": row.description,
        "proxy_url": row.proxy_url,
        "proxy_enabled": row.proxy_enabled,
        "auth_patterns": row.auth_patterns,
        "icon_src": row.icon_src,
        "metadata": row.metadata,
    })
}

/// A new connection was made with the version of now.
pub(crate) async fn note_new(
    tx: &mut Tx,
    environment: &EnvironmentId,
    connection: &ConnectionId,
    connector: &str,
) -> Result<()> {
    if connector.contains(MARK) {
        execute!(tx tx, sql::CUSTOM_SEEN, environment, connection)?;
    }
    Ok(())
}

async fn see(
    tx: &mut Tx,
    environment: &EnvironmentId,
    identifier: &str,
) -> Result<Option<(CustomConnectorRow, Vec<CustomConnectorUse>)>> {
    let row: Option<CustomConnectorRow> = find!(tx &mut *tx, sql::CUSTOM_LOCK, environment, identifier)?;
    let Some(row) = row else { return Ok(None) };
    let uses = list!(tx &mut *tx, sql::CUSTOM_USES, environment, identifier)?;
    Ok(Some((row, uses)))
}

/// Keeps a connector from being deleted or changed until the transaction that makes a connection of it ends.
///
/// # Errors
/// [`StoreError::Reference`] when a custom connector is gone.
pub(crate) async fn hold(tx: &mut Tx, environment: &EnvironmentId, connector: &str) -> Result<()> {
    if !connector.contains(MARK) {
        return Ok(());
    }
    let held: Option<CustomConnectorRow> = find!(tx &mut *tx, sql::CUSTOM_LOCK, environment, connector)?;
    held.map(drop).ok_or(StoreError::Reference { what: "connection" })
}
