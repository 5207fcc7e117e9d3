use std::time::Duration;

use keybearer_core::Timestamp;
use keybearer_core::ids::{AccountId, EnvironmentId, EventId, WebhookEndpointId};

use crate::columns::{DeliveryState, row};
use crate::dialect::{execute, find, list, scalar};
use crate::events::{self, NewEvent};
use crate::page::{Cursor, Keyed, Page, PageRequest};
use crate::sql::webhooks as sql;
use crate::webhooks::write_health;
use crate::{AuditRow, Db, EndpointHealth, Result};

/// How many finished deliveries one statement deletes.
const TIDY_BATCH: i64 = 5000;

row! {
    /// One event for one endpoint.
    pub struct DeliveryRow {
        /// The endpoint.
        endpoint_id: WebhookEndpointId,
        /// The event; it is the `webhook-id` of every try.
        event_id: EventId,
        /// The environment of both.
        environment_id: EnvironmentId,
        /// The account the event is about. Its events reach the endpoint in their order.
        account_id: Option<AccountId>,
        /// The number of the event among those of its account.
        sequence: i64,
        /// Where it stands.
        state: DeliveryState,
        /// What went wrong with the last try, or why we gave up.
        failure: Option<String>,
        /// How often it was tried in all.
        attempts: i64,
        /// How often it was tried since it was queued or replayed.
        tries: i64,
        /// When the first of these tries was.
        first_try_at: Option<Timestamp>,
        /// When the next one is due.
        next_try_at: Timestamp,
        /// When the event happened.
        created_at: Timestamp,
        /// When it was delivered or given up.
        finished_at: Option<Timestamp>,
        /// The type of the event.
        event_type: String,
        /// The HTTP status that came back at the last try.
        last_status: Option<i64>,
        /// How long the last try took.
        last_duration_ms: Option<i64>,
    }

    /// One try to deliver.
    pub struct WebhookAttemptRow {
        /// The endpoint.
        endpoint_id: WebhookEndpointId,
        /// The event.
        event_id: EventId,
        /// Counts the tries from 1.
        number: i64,
        /// When it began.
        started_at: Timestamp,
        /// How long it took.
        duration_ms: i64,
        /// The HTTP status that came back.
        status: Option<i64>,
        /// What went wrong, in our words.
        failure: Option<String>,
    }
}

/// What a try came to.
#[derive(Clone, Debug, PartialEq)]
pub struct TryResult {
    /// The try.
    pub attempt: WebhookAttemptRow,
    /// Where the delivery stands after it.
    pub state: DeliveryState,
    /// When the next try is due.
    pub next_try_at: Timestamp,
    /// When it ended, unless it is still pending.
    pub finished_at: Option<Timestamp>,
}

/// Which deliveries a list shows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DeliveryFilter {
    /// Only those in this state.
    pub state: Option<DeliveryState>,
}

impl Keyed for DeliveryRow {
    fn cursor(&self) -> Cursor {
        Cursor { created_at: self.created_at, id: self.event_id.to_string() }
    }
}

impl Db {
    /// The next deliveries of an endpoint that are due: of each account the first pending one only.
    ///
    /// # Errors
    /// Those of every operation.
    pub async fn list_due_deliveries(
        &self,
        endpoint: &WebhookEndpointId,
        now: Timestamp,
        limit: i64,
    ) -> Result<Vec<DeliveryRow>> {
        list!(read self, sql::DELIVERY_DUE, endpoint, now, limit)
    }

    /// Writes what tries came to, and what they say about the endpoint. A result of a try that is not the expected
    /// one changes nothing: another node had the endpoint meanwhile.
    ///
    /// `hasten` makes everything else due that waits for the endpoint.
    ///
    /// # Errors
    /// Those of every operation; then nothing is written.
    pub async fn finish_tries(
        &self,
        endpoint: &WebhookEndpointId,
        results: &[TryResult],
        health: &EndpointHealth,
        hasten: Option<Timestamp>,
    ) -> Result<()> {
        let mut tx = self.begin().await?;
        for result in results {
            let attempt = &result.attempt;
            let expected = execute!(tx &mut tx, sql::DELIVERY_RESULT, endpoint, attempt.event_id,
                attempt.number - 1, result.state, attempt.failure, attempt.started_at, result.next_try_at,
                result.finished_at)?;
            if expected == 1 {
                execute!(tx &mut tx, sql::ATTEMPT_INSERT, endpoint, attempt.event_id, attempt.number,
                    attempt.started_at, attempt.duration_ms, attempt.status, attempt.failure)?;
            }
        }
        write_health(&mut tx, endpoint, health).await?;
        if let Some(now) = hasten {
            execute!(tx &mut tx, sql::DELIVERY_HASTEN, endpoint, now)?;
        }
        tx.commit().await
    }

    /// Queues a sample event for one endpoint.
    ///
    /// # Errors
    /// Those of every operation.
    pub async fn add_sample(
        &self,
        environment: &EnvironmentId,
        endpoint: &WebhookEndpointId,
        event: &NewEvent,
        audit: &AuditRow,
    ) -> Result<()> {
        let mut tx = self.begin().await?;
        events::insert_alone(&mut tx, environment, event).await?;
        execute!(tx &mut tx, sql::DELIVERY_ONE, environment, endpoint, event.id, event.created_at)?;
        crate::audit::insert(&mut tx, audit).await?;
        tx.commit().await
    }

    /// One delivery.
    ///
    /// # Errors
    /// Those of every operation.
    pub async fn find_delivery(
        &self,
        environment: &EnvironmentId,
        endpoint: &WebhookEndpointId,
        event: &EventId,
    ) -> Result<Option<DeliveryRow>> {
        find!(read self, sql::DELIVERY_GET, environment, endpoint, event)
    }

    /// One page of an endpoint's deliveries, newest event first.
    ///
    /// # Errors
    /// Those of every operation.
    pub async fn list_deliveries(
        &self,
        environment: &EnvironmentId,
        endpoint: &WebhookEndpointId,
        filter: &DeliveryFilter,
        request: &PageRequest,
    ) -> Result<Page<DeliveryRow>> {
        let (at, id, backward) = request.bounds();
        let text = if backward { sql::DELIVERY_NEWER } else { sql::DELIVERY_OLDER };
        let rows: Vec<DeliveryRow> =
            list!(read self, text, environment, endpoint, filter.state, at, id, request.fetch())?;
        let total: Option<i64> =
            scalar!(read self, sql::DELIVERY_TOTAL, environment, endpoint, filter.state)?;
        Ok(request.page(rows, total.unwrap_or_default()))
    }

    /// The last hundred tries of a delivery, newest first.
    ///
    /// # Errors
    /// Those of every operation.
    pub async fn list_webhook_attempts(
        &self,
        endpoint: &WebhookEndpointId,
        event: &EventId,
    ) -> Result<Vec<WebhookAttemptRow>> {
        list!(read self, sql::ATTEMPT_LIST, endpoint, event)
    }

    /// Queues a delivery again that had ended; false when it is pending or there is none.
    ///
    /// # Errors
    /// Those of every operation.
    pub async fn replay_delivery(&self, row: &DeliveryRow, now: Timestamp, audit: &AuditRow) -> Result<bool> {
        let mut tx = self.begin().await?;
        let queued = execute!(tx &mut tx, sql::DELIVERY_REPLAY, row.environment_id, row.endpoint_id, row.event_id,
            now)?;
        if queued == 1 {
            crate::audit::insert(&mut tx, audit).await?;
            tx.commit().await?;
        }
        Ok(queued == 1)
    }

    /// Queues every event since `since` that the endpoint wants and did not take; with `all` also those that it
    /// took. Gives their number.
    ///
    /// # Errors
    /// Those of every operation.
    pub async fn replay_deliveries(
        &self,
        environment: &EnvironmentId,
        endpoint: &WebhookEndpointId,
        (since, now): (Timestamp, Timestamp),
        all: bool,
        audit: &AuditRow,
    ) -> Result<u64> {
        let which = if all { "all" } else { "failed" };
        let mut tx = self.begin().await?;
        let queued =
            execute!(tx &mut tx, sql::DELIVERY_REPLAY_SINCE, environment, endpoint, since, now, which)?;
        crate::audit::insert(&mut tx, audit).await?;
        tx.commit().await?;
        Ok(queued)
    }

    /// Gives up what waits for endpoints that are disabled, or that are paused for longer than `patience`; deletes
    /// deliveries that ended longer than `kept` ago, and those of deleted endpoints.
    ///
    /// # Errors
    /// Those of every operation.
    pub async fn tidy_deliveries(&self, now: Timestamp, patience: Duration, kept: Duration) -> Result<()> {
        execute!(write self, sql::DELIVERY_TIDY_DISABLED, "endpoint_disabled", now)?;
        execute!(write self, sql::DELIVERY_TIDY_KEPT, "paused_too_long", now, now.minus(patience))?;
        execute!(write self, sql::DELIVERY_TIDY_ORPHANS)?;
        while execute!(write self, sql::DELIVERY_TIDY, now.minus(kept), TIDY_BATCH)? > 0 {}
        Ok(())
    }
}
