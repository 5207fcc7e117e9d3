use keybearer_core::Timestamp;
use keybearer_core::ids::{AccountId, ConnectionId, EnvironmentId, EventId};
use serde_json::Value;

use crate::columns::row;
use crate::dialect::{Tx, execute, find, list, scalar};
use crate::page::{Cursor, Keyed, Page, PageRequest};
use crate::sql::{logs as sql, webhooks};
use crate::{Db, Result};

row! {
    /// An event of the outbox, written in the transaction of the change it reports.
    pub struct EventRow {
        /// Its id; stays the same however often it is delivered.
        id: EventId,
        /// The environment it belongs to.
        environment_id: EnvironmentId,
        /// The account it is about.
        account_id: Option<AccountId>,
        /// Counts the events of one account from 1, without gaps.
        sequence: i64,
        /// The type, for example `connected_account.status_updated`.
        event_type: String,
        /// The `data` of the envelope.
        payload: Value,
        /// When it happened.
        created_at: Timestamp,
        /// The organization of the account.
        organization_id: Option<String>,
        /// The connection of the account.
        connection_id: Option<ConnectionId>,
        /// Whether it is a sample that somebody asked for; lists leave it out.
        sample: bool,
    }
}

/// An event to write; account, environment and sequence come from the change it is part of.
#[derive(Clone, Debug, PartialEq)]
pub struct NewEvent {
    /// Its id.
    pub id: EventId,
    /// The type, for example `connected_account.created`.
    pub event_type: String,
    /// The `data` of the envelope.
    pub payload: Value,
    /// When it happened.
    pub created_at: Timestamp,
    /// The organization of the account.
    pub organization_id: Option<String>,
    /// The connection of the account.
    pub connection_id: Option<ConnectionId>,
    /// Whether it is a sample that somebody asked for.
    pub sample: bool,
}

/// Which events a list shows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EventFilter {
    /// Only this account's.
    pub account_id: Option<AccountId>,
    /// Only these types; empty for all.
    pub event_types: Vec<String>,
    /// Not before this time.
    pub from: Option<Timestamp>,
    /// Before this time.
    pub until: Option<Timestamp>,
    /// Only those about accounts of this organization.
    pub organization_id: Option<String>,
    /// Only those about accounts of this connection.
    pub connection_id: Option<ConnectionId>,
}

impl Keyed for EventRow {
    fn cursor(&self) -> Cursor {
        Cursor { created_at: self.created_at, id: self.id.to_string() }
    }
}

impl Db {
    /// Writes an event that is about no account.
    ///
    /// # Errors
    /// [`crate::StoreError::Conflict`] when the id is taken.
    pub async fn append_event(&self, environment: &EnvironmentId, event: &NewEvent) -> Result<()> {
        let mut tx = self.begin().await?;
        insert(&mut tx, environment, None, std::slice::from_ref(event)).await?;
        tx.commit().await
    }

    /// The event of that id.
    ///
    /// # Errors
    /// Those of every operation.
    pub async fn find_event(&self, id: &EventId) -> Result<Option<EventRow>> {
        find!(read self, sql::EVENT_GET, id)
    }

    /// One page of an environment's events, newest first.
    ///
    /// # Errors
    /// Those of every operation.
    pub async fn list_events(
        &self,
        environment: &EnvironmentId,
        filter: &EventFilter,
        request: &PageRequest,
    ) -> Result<Page<EventRow>> {
        let from = filter.from.unwrap_or(Timestamp::from_micros(i64::MIN));
        let until = filter.until.unwrap_or(Timestamp::from_micros(i64::MAX));
        let (at, id, backward) = request.bounds();
        let text = if backward { sql::EVENT_NEWER } else { sql::EVENT_OLDER };
        let rows: Vec<EventRow> = list!(read self, text, environment, filter.account_id, filter.event_types, from,
            until, filter.organization_id, filter.connection_id, at, id, request.fetch())?;
        let total: Option<i64> = scalar!(read self, sql::EVENT_TOTAL, environment, filter.account_id,
            filter.event_types, from, until, filter.organization_id, filter.connection_id)?;
        Ok(request.page(rows, total.unwrap_or_default()))
    }

    /// The events of an account after a sequence number, in order.
    ///
    /// # Errors
    /// Those of every operation.
    pub async fn list_account_events(
        &self,
        account: &AccountId,
        after_sequence: i64,
        limit: i64,
    ) -> Result<Vec<EventRow>> {
        list!(read self, sql::EVENT_OF_ACCOUNT, account, after_sequence, limit)
    }
}

/// Writes events in order, and queues each for the webhook endpoints that want it. `account` carries the sequence
/// number of the last of them.
pub(crate) async fn insert(
    tx: &mut Tx,
    environment: &EnvironmentId,
    account: Option<(&AccountId, i64)>,
    events: &[NewEvent],
) -> Result<()> {
    let first = account.map(|(_, last)| last - count(events));
    for (number, event) in (1..).zip(events) {
        let subject = account.map(|(id, _)| id);
        let sequence: i64 = first.map_or(0, |first| first + number);
        write(tx, environment, (subject, sequence), event).await?;
        execute!(tx &mut *tx, webhooks::DELIVERY_FAN_OUT, environment, event.id, subject, sequence,
            event.event_type, event.created_at)?;
    }
    Ok(())
}

/// Writes an event that is about no account and goes to nobody by itself.
pub(crate) async fn insert_alone(tx: &mut Tx, environment: &EnvironmentId, event: &NewEvent) -> Result<()> {
    write(tx, environment, (None, 0), event).await
}

async fn write(
    tx: &mut Tx,
    environment: &EnvironmentId,
    (account, sequence): (Option<&AccountId>, i64),
    event: &NewEvent,
) -> Result<()> {
    execute!(tx &mut *tx, sql::EVENT_INSERT, event.id, environment, account, sequence, event.event_type,
        event.payload, event.created_at, event.organization_id, event.connection_id, event.sample)
    .map(|_| ())
}

/// The number of events, as the sequence column counts.
pub(crate) fn count(events: &[NewEvent]) -> i64 {
    i64::try_from(events.len()).unwrap_or(i64::MAX)
}
