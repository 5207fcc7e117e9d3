use keybearer_core::Timestamp;
use keybearer_core::ids::{ConnectionId, EnvironmentId, OrganizationId};
use serde_json::Value;

use crate::columns::row;
use crate::dialect::{execute, find, list, scalar};
use crate::events::{self, NewEvent};
use crate::page::{Cursor, Keyed, Page, PageRequest};
use crate::sql::{accounts, connections, organizations as sql};
use crate::{AccountRow, AuditRow, ConnectionRow, Db, Result, StoreError};

row! {
    /// An organization that accounts can be scoped to.
    pub struct OrganizationRow {
        /// Its id.
        id: OrganizationId,
        /// The environment it belongs to.
        environment_id: EnvironmentId,
        /// What people call it.
        display_name: String,
        /// Where the developer keeps it; our data does not move.
        region: String,
        /// The developer's own id for it; unique in its environment.
        external_id: Option<String>,
        /// A short name for addresses; unique in its environment.
        slug: Option<String>,
        /// Its picture.
        logo_url: Option<String>,
        /// The developer's notes, as an object of texts.
        metadata: Value,
        /// When it was made.
        created_at: Timestamp,
        /// When it was last changed.
        updated_at: Timestamp,
    }
}

impl Keyed for OrganizationRow {
    fn cursor(&self) -> Cursor {
        Cursor { created_at: self.created_at, id: self.id.to_string() }
    }
}

impl Db {
    /// Creates an organization with a line of the audit trail.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] on `organization` when its external id or slug is taken.
    pub async fn add_organization(&self, row: &OrganizationRow, audit: &AuditRow) -> Result<()> {
        let mut tx = self.begin().await?;
        execute!(tx &mut tx, sql::ORGANIZATION_INSERT, row.id, row.environment_id, row.display_name, row.region,
            row.external_id, row.slug, row.logo_url, row.metadata, row.created_at, row.updated_at)?;
        crate::audit::insert(&mut tx, audit).await?;
        tx.commit().await
    }

    /// The organization of an id.
    ///
    /// # Errors
    /// Those of every operation.
    pub async fn find_organization(
        &self,
        environment: &EnvironmentId,
        id: &OrganizationId,
    ) -> Result<Option<OrganizationRow>> {
        find!(read self, sql::ORGANIZATION_GET, environment, id)
    }

    /// The organization of the developer's own id.
    ///
    /// # Errors
    /// Those of every operation.
    pub async fn find_organization_by_external_id(
        &self,
        environment: &EnvironmentId,
        external_id: &str,
    ) -> Result<Option<OrganizationRow>> {
        find!(read self, sql::ORGANIZATION_BY_EXTERNAL_ID, environment, external_id)
    }

    /// One page of an environment's organizations, newest first; only the one of `external_id` when that is given.
    ///
    /// # Errors
    /// Those of every operation.
    pub async fn list_organizations(
        &self,
        environment: &EnvironmentId,
        external_id: Option<&str>,
        request: &PageRequest,
    ) -> Result<Page<OrganizationRow>> {
        let (at, id, backward) = request.bounds();
        let text = if backward { sql::ORGANIZATION_NEWER } else { sql::ORGANIZATION_OLDER };
        let rows: Vec<OrganizationRow> =
            list!(read self, text, environment, external_id, at, id, request.fetch())?;
        let total: Option<i64> = scalar!(read self, sql::ORGANIZATION_TOTAL, environment, external_id)?;
        Ok(request.page(rows, total.unwrap_or_default()))
    }

    /// Changes an organization: `decide` sees it while no other writer can reach it and gives what it is to be, with a
    /// line of the audit trail. `None` when there is none; an error of `decide` changes nothing and comes back.
    ///
    /// # Errors
    /// What `decide` gives; [`StoreError::Conflict`] on `organization` when its external id or slug is taken.
    pub async fn change_organization<E, F>(
        &self,
        environment: &EnvironmentId,
        id: &OrganizationId,
        now: Timestamp,
        decide: F,
    ) -> Result<Option<OrganizationRow>, E>
    where
        E: From<StoreError>,
        F: FnOnce(OrganizationRow) -> Result<(OrganizationRow, AuditRow), E> + Send,
    {
        let mut tx = self.begin().await?;
        let seen: Option<OrganizationRow> = find!(tx &mut tx, sql::ORGANIZATION_LOCK, environment, id)?;
        let Some(seen) = seen else { return Ok(None) };
        let (row, audit) = decide(seen)?;
        let row = OrganizationRow { updated_at: now, ..row };
        execute!(tx &mut tx, sql::ORGANIZATION_WRITE, environment, id, row.display_name, row.external_id, row.slug,
            row.logo_url, row.metadata, row.updated_at)?;
        crate::audit::insert(&mut tx, &audit).await?;
        tx.commit().await?;
        Ok(Some(row))
    }

    /// Deletes an organization with all accounts that are scoped to it and everything sealed in them. `events` gives
    /// the events of each account, `audit` the line about all. `None` when there is none. Gives the accounts as they
    /// were.
    ///
    /// # Errors
    /// What `events` and `audit` give.
    pub async fn remove_organization<E, F, A>(
        &self,
        environment: &EnvironmentId,
        id: &OrganizationId,
        events: F,
        audit: A,
    ) -> Result<Option<Vec<AccountRow>>, E>
    where
        E: From<StoreError>,
        F: Fn(&ConnectionRow, &AccountRow) -> Result<Vec<NewEvent>, E> + Send + Sync,
        A: FnOnce(&[AccountRow]) -> Result<AuditRow, E> + Send,
    {
        let mut tx = self.begin().await?;
        let seen: Option<OrganizationRow> = find!(tx &mut tx, sql::ORGANIZATION_LOCK, environment, id)?;
        if seen.is_none() {
            return Ok(None);
        }
        let found: Vec<AccountRow> = list!(tx &mut tx, sql::ORGANIZATION_ACCOUNTS, environment, id)?;
        let mut gone = Vec::with_capacity(found.len());
        for found in found {
            // locked one by one: a refresh that is under way has landed or finds no row any more
            let row: Option<AccountRow> = find!(tx &mut tx, accounts::ACCOUNT_LOCK, found.id)?;
            let Some(row) = row else { continue };
            let connection: Option<ConnectionRow> =
                find!(tx &mut tx, connections::CONNECTION_GET, row.connection_id)?;
            let Some(connection) = connection else { continue };
            let events = events(&connection, &row)?;
            let last = row.event_sequence.saturating_add(events::count(&events));
            events::insert(&mut tx, environment, Some((&row.id, last)), &events).await?;
            execute!(tx &mut tx, accounts::ACCOUNT_DELETE, row.id)?;
            gone.push(row);
        }
        execute!(tx &mut tx, sql::CONTEXT_FORGET, environment, id)?;
        execute!(tx &mut tx, sql::ORGANIZATION_DELETE, environment, id)?;
        crate::audit::insert(&mut tx, &audit(&gone)?).await?;
        tx.commit().await?;
        Ok(Some(gone))
    }

    /// The context of a connection for one organization; `None` when it has none of its own.
    ///
    /// # Errors
    /// Those of every operation.
    pub async fn find_connection_context(
        &self,
        connection: &ConnectionId,
        organization_id: &str,
    ) -> Result<Option<Value>> {
        let row: Option<ContextRow> = find!(read self, sql::CONTEXT_GET, connection, organization_id)?;
        Ok(row.map(|row| row.context))
    }

    /// Writes the context of a connection for one organization, with a line of the audit trail.
    ///
    /// # Errors
    /// [`StoreError::Reference`] when the connection is gone.
    pub async fn set_connection_context(
        &self,
        connection: &ConnectionId,
        organization_id: &str,
        context: &Value,
        now: Timestamp,
        audit: &AuditRow,
    ) -> Result<()> {
        let mut tx = self.begin().await?;
        execute!(tx &mut tx, sql::CONTEXT_SET, connection, organization_id, context, now)?;
        crate::audit::insert(&mut tx, audit).await?;
        tx.commit().await
    }
}

row! {
    /// A context.
    pub struct ContextRow {
        /// The values, as an object.
        context: Value,
    }
}
