use keybearer_core::Timestamp;
use keybearer_core::ids::{EnvironmentId, WebhookEndpointId, WebhookSecretId};

use crate::columns::{EndpointState, Sealed, row};
use crate::dialect::{Tx, execute, find, list, scalar};
use crate::page::{Cursor, Keyed, Page, PageRequest};
use crate::sql::webhooks as sql;
use crate::{AuditRow, Db, Result};

row! {
    /// An address that events are sent to.
    pub struct EndpointRow {
        /// Its id.
        id: WebhookEndpointId,
        /// The environment whose events it gets.
        environment_id: EnvironmentId,
        /// The address.
        url: String,
        /// What a person calls it.
        description: String,
        /// The types of events it gets; empty for all.
        event_types: Vec<String>,
        /// Whether it is sent to.
        state: EndpointState,
        /// Why we gave up on it.
        disabled_reason: Option<String>,
        /// Failed tries in a row, over all deliveries.
        failure_count: i64,
        /// When the first of them was.
        failing_since: Option<Timestamp>,
        /// Nothing is sent before this time.
        retry_at: Option<Timestamp>,
        /// When it last took an event.
        last_success_at: Option<Timestamp>,
        /// When it was made.
        created_at: Timestamp,
        /// When a person last changed it, or we gave up on it.
        updated_at: Timestamp,
    }

    /// A secret that signs what is sent to an endpoint.
    pub struct WebhookSecretRow {
        /// Its id.
        id: WebhookSecretId,
        /// The environment it belongs to.
        environment_id: EnvironmentId,
        /// The endpoint it belongs to.
        endpoint_id: WebhookEndpointId,
        /// The text that verifiers take, under the vault.
        sealed: Sealed,
        /// When it was made.
        created_at: Timestamp,
        /// When it stops signing, if it does.
        expires_at: Option<Timestamp>,
    }
}

/// What the deliveries say about an endpoint.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct EndpointHealth {
    /// Failed tries in a row, over all deliveries.
    pub failure_count: i64,
    /// When the first of them was.
    pub failing_since: Option<Timestamp>,
    /// Nothing is sent before this time.
    pub retry_at: Option<Timestamp>,
    /// When it last took an event.
    pub last_success_at: Option<Timestamp>,
}

impl Keyed for EndpointRow {
    fn cursor(&self) -> Cursor {
        Cursor { created_at: self.created_at, id: self.id.to_string() }
    }
}

impl Db {
    /// Creates an endpoint with its first secret.
    ///
    /// # Errors
    /// [`crate::StoreError::Reference`] when the environment is not there.
    pub async fn create_endpoint(
        &self,
        row: &EndpointRow,
        secret: &WebhookSecretRow,
        audit: &AuditRow,
    ) -> Result<()> {
        let mut tx = self.begin().await?;
        execute!(tx &mut tx, sql::ENDPOINT_INSERT, row.id, row.environment_id, row.url, row.description,
            row.event_types, row.state, row.disabled_reason, row.failure_count, row.failing_since, row.retry_at,
            row.last_success_at, row.created_at, row.updated_at)?;
        insert_secret(&mut tx, secret).await?;
        crate::audit::insert(&mut tx, audit).await?;
        tx.commit().await
    }

    /// The endpoint of that id in the environment.
    ///
    /// # Errors
    /// Those of every operation.
    pub async fn find_endpoint(
        &self,
        environment: &EnvironmentId,
        id: &WebhookEndpointId,
    ) -> Result<Option<EndpointRow>> {
        find!(read self, sql::ENDPOINT_GET, environment, id)
    }

    /// The endpoint of that id as it is now, for the worker that sends to it.
    ///
    /// # Errors
    /// Those of every operation.
    pub async fn find_live_endpoint(&self, id: &WebhookEndpointId) -> Result<Option<EndpointRow>> {
        find!(read self, sql::ENDPOINT_LIVE, id)
    }

    /// One page of an environment's endpoints, newest first.
    ///
    /// # Errors
    /// Those of every operation.
    pub async fn list_endpoints(
        &self,
        environment: &EnvironmentId,
        request: &PageRequest,
    ) -> Result<Page<EndpointRow>> {
        let (at, id, backward) = request.bounds();
        let text = if backward { sql::ENDPOINT_NEWER } else { sql::ENDPOINT_OLDER };
        let rows: Vec<EndpointRow> = list!(read self, text, environment, at, id, request.fetch())?;
        let total: Option<i64> = scalar!(read self, sql::ENDPOINT_TOTAL, environment)?;
        Ok(request.page(rows, total.unwrap_or_default()))
    }

    /// Writes address, description, types and state; its failures are forgotten. False when it is gone or was
    /// changed since `seen`, its `updated_at`.
    ///
    /// # Errors
    /// Those of every operation.
    pub async fn update_endpoint(
        &self,
        row: &EndpointRow,
        seen: Timestamp,
        audit: &AuditRow,
    ) -> Result<bool> {
        let mut tx = self.begin().await?;
        let changed = execute!(tx &mut tx, sql::ENDPOINT_UPDATE, row.environment_id, row.id, row.url,
            row.description, row.event_types, row.state, row.updated_at, seen)?;
        if changed == 1 {
            crate::audit::insert(&mut tx, audit).await?;
            tx.commit().await?;
        }
        Ok(changed == 1)
    }

    /// Deletes an endpoint with its secrets and its delivery log; false when there is no such endpoint.
    ///
    /// # Errors
    /// Those of every operation.
    pub async fn delete_endpoint(
        &self,
        environment: &EnvironmentId,
        id: &WebhookEndpointId,
        audit: &AuditRow,
    ) -> Result<bool> {
        let mut tx = self.begin().await?;
        let deleted = execute!(tx &mut tx, sql::ENDPOINT_DELETE, environment, id)?;
        if deleted == 1 {
            execute!(tx &mut tx, sql::DELIVERY_DELETE, environment, id)?;
            crate::audit::insert(&mut tx, audit).await?;
            tx.commit().await?;
        }
        Ok(deleted == 1)
    }

    /// Gives up on an active endpoint, and on everything that waits for it; false when it is not active.
    ///
    /// # Errors
    /// Those of every operation.
    pub async fn disable_endpoint(
        &self,
        id: &WebhookEndpointId,
        reason: &str,
        now: Timestamp,
        audit: &AuditRow,
    ) -> Result<bool> {
        let mut tx = self.begin().await?;
        let disabled = execute!(tx &mut tx, sql::ENDPOINT_DISABLE, id, reason, now)?;
        if disabled == 1 {
            execute!(tx &mut tx, sql::DELIVERY_GIVE_UP, id, "endpoint_disabled", now)?;
            crate::audit::insert(&mut tx, audit).await?;
            tx.commit().await?;
        }
        Ok(disabled == 1)
    }

    /// Active endpoints that something can be sent to now.
    ///
    /// # Errors
    /// Those of every operation.
    pub async fn list_ready_endpoints(&self, now: Timestamp) -> Result<Vec<WebhookEndpointId>> {
        let rows: Vec<(String,)> = list!(read self, sql::ENDPOINT_READY, now)?;
        Ok(rows.into_iter().map(|(id,)| WebhookEndpointId::from_stored(id)).collect())
    }

    /// Adds a secret and ends the former ones at `until`, unless they end before.
    ///
    /// # Errors
    /// [`crate::StoreError::Reference`] when the endpoint is gone.
    pub async fn rotate_webhook_secret(
        &self,
        secret: &WebhookSecretRow,
        until: Timestamp,
        audit: &AuditRow,
    ) -> Result<()> {
        let mut tx = self.begin().await?;
        execute!(tx &mut tx, sql::SECRET_END, secret.endpoint_id, until)?;
        insert_secret(&mut tx, secret).await?;
        crate::audit::insert(&mut tx, audit).await?;
        tx.commit().await
    }

    /// The secrets of an endpoint that sign at `now`, newest first.
    ///
    /// # Errors
    /// Those of every operation.
    pub async fn list_webhook_secrets(
        &self,
        id: &WebhookEndpointId,
        now: Timestamp,
    ) -> Result<Vec<WebhookSecretRow>> {
        list!(read self, sql::SECRET_LIST, id, now)
    }

    /// Deletes the secrets that ended.
    ///
    /// # Errors
    /// Those of every operation.
    pub async fn delete_ended_webhook_secrets(&self, now: Timestamp) -> Result<u64> {
        execute!(write self, sql::SECRET_TIDY, now)
    }
}

/// Writes what the deliveries say about an endpoint.
pub(crate) async fn write_health(tx: &mut Tx, id: &WebhookEndpointId, health: &EndpointHealth) -> Result<()> {
    execute!(tx tx, sql::ENDPOINT_HEALTH, id, health.failure_count, health.failing_since, health.retry_at,
        health.last_success_at)
    .map(|_| ())
}

async fn insert_secret(tx: &mut Tx, row: &WebhookSecretRow) -> Result<()> {
    execute!(tx tx, sql::SECRET_INSERT, row.id, row.environment_id, row.endpoint_id, row.sealed, row.created_at,
        row.expires_at)
    .map(|_| ())
}
