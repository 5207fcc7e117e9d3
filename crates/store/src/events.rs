use keybearer_core::Timestamp;
use keybearer_core::ids::{AccountId, EnvironmentId, EventId};
use serde_json::Value;

use crate::columns::row;
use crate::dialect::{Tx, execute, find, list, scalar};
use crate::page::{Cursor, Keyed, Page, PageRequest};
use crate::sql::logs as sql;
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
}

/// Which events a list shows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EventFilter {
    /// Only this account's.
    pub account_id: Option<AccountId>,
    /// Only this type.
    pub event_type: Option<String>,
    /// Not before this time.
    pub from: Option<Timestamp>,
    /// Before this time.
    pub until: Option<Timestamp>,
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
        let rows: Vec<EventRow> = list!(read self, text, environment, filter.account_id, filter.event_type, from,
            until, at, id, request.fetch())?;
        let total: Option<i64> = scalar!(read self, sql::EVENT_TOTAL, environment, filter.account_id,
            filter.event_type, from, until)?;
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

/// Writes events in order. `account` carries the sequence number of the last of them.
pub(crate) async fn insert(
    tx: &mut Tx,
    environment: &EnvironmentId,
    account: Option<(&AccountId, i64)>,
    events: &[NewEvent],
) -> Result<()> {
    let first = account.map(|(_, last)| last - count(events));
    for (number, event) in (1..).zip(events) {
        let sequence: i64 = first.map_or(0, |first| first + number);
        execute!(tx &mut *tx, sql::EVENT_INSERT, event.id, environment, account.map(|(id, _)| id), sequence,
            event.event_type, event.payload, event.created_at)?;
    }
    Ok(())
}

/// The number of events, as the sequence column counts.
pub(crate) fn count(events: &[NewEvent]) -> i64 {
    i64::try_from(events.len()).unwrap_or(i64::MAX)
}
