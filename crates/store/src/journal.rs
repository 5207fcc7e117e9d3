//! One log out of five tables, and the notes about how far people got with a link.

use keybearer_core::Timestamp;
use keybearer_core::ids::{AccountId, ConnectionId, EnvironmentId, FlowId};

use crate::columns::row;
use crate::connections::like;
use crate::dialect::{execute, list};
use crate::sql::journal as sql;
use crate::{Db, Result};

/// Where a line comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum JournalKind {
    /// A connect link and what came of it.
    Connect,
    /// A try to refresh an account.
    Refresh,
    /// A call through the proxy.
    Call,
    /// The delivery of an event.
    Webhook,
    /// A line of the audit trail.
    Change,
    /// An event about an account.
    Event,
}

impl JournalKind {
    /// Every kind.
    pub const ALL: [Self; 6] =
        [Self::Connect, Self::Refresh, Self::Call, Self::Webhook, Self::Change, Self::Event];

    /// The word that a row carries.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Connect => "connect",
            Self::Refresh => "refresh",
            Self::Call => "call",
            Self::Webhook => "webhook",
            Self::Change => "change",
            Self::Event => "event",
        }
    }

    /// Reads the word of a row.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == text)
    }
}

row! {
    /// One line of the log.
    pub struct JournalRow {
        /// Where it comes from: a word of [`JournalKind`].
        kind: String,
        /// When it began.
        at: Timestamp,
        /// Names it among its kind.
        id: String,
        /// What a person quotes.
        reference: String,
        /// Who did it, or where it came in, or where it went.
        actor: Option<String>,
        /// Call, outcome, event type or action.
        what: String,
        /// HTTP status, number of the try, state or target.
        status: Option<String>,
        /// Why it failed: a code.
        reason: Option<String>,
        /// More, as text or JSON.
        words: Option<String>,
        /// 1 when it failed.
        failed: i64,
        /// How long it took.
        duration_ms: Option<i64>,
        /// The provider's part of it.
        provider_ms: Option<i64>,
        /// When the next try is due, or when a link ends.
        next_at: Option<Timestamp>,
        /// Agent run, generation of the grant, or number of tries.
        further: Option<String>,
        /// The account's user, while there is the account.
        person: Option<String>,
        /// The connection's name, while there is the connection.
        connection_name: Option<String>,
        /// The account.
        account_id: Option<String>,
        /// The connection.
        connection_id: Option<String>,
    }
}

/// Which lines are wanted. Empty means all.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct JournalFilter {
    /// Only this connection's.
    pub connection_id: Option<ConnectionId>,
    /// Only this account's.
    pub account_id: Option<AccountId>,
    /// Only those of accounts of this user.
    pub person: Option<String>,
    /// Not before this time.
    pub from: Option<Timestamp>,
    /// Before this time.
    pub until: Option<Timestamp>,
    /// Only those that failed, or did not.
    pub failed: Option<bool>,
    /// Only those that say this somewhere.
    pub text: Option<String>,
}

impl Db {
    /// The newest lines of one kind before (`at`, `id`), newest first.
    ///
    /// # Errors
    /// Those of every operation.
    pub async fn list_journal(
        &self,
        environment: &EnvironmentId,
        kind: JournalKind,
        filter: &JournalFilter,
        (at, id): (Timestamp, &str),
        limit: i64,
    ) -> Result<Vec<JournalRow>> {
        let text = match kind {
            JournalKind::Connect => sql::CONNECTS,
            JournalKind::Refresh => sql::REFRESHES,
            JournalKind::Call => sql::CALLS,
            JournalKind::Webhook => sql::WEBHOOKS,
            JournalKind::Change => sql::CHANGES,
            JournalKind::Event => sql::EVENTS,
        };
        let from = filter.from.unwrap_or(Timestamp::from_micros(i64::MIN));
        let until = filter.until.unwrap_or(Timestamp::from_micros(i64::MAX));
        list!(read self, text, environment, filter.connection_id, filter.account_id, filter.person, from, until,
            filter.failed.map(i64::from), filter.text.as_deref().map(like), at, id, limit)
    }

    /// The lines of one kind that a reference or an id names, oldest first; 20 at most.
    ///
    /// # Errors
    /// Those of every operation.
    pub async fn find_journal(
        &self,
        environment: &EnvironmentId,
        kind: JournalKind,
        reference: &str,
    ) -> Result<Vec<JournalRow>> {
        let text = match kind {
            JournalKind::Connect => sql::CONNECTS_FIND,
            JournalKind::Refresh => sql::REFRESHES_FIND,
            JournalKind::Call => sql::CALLS_FIND,
            JournalKind::Webhook => sql::WEBHOOKS_FIND,
            JournalKind::Change => sql::CHANGES_FIND,
            JournalKind::Event => sql::EVENTS_FIND,
        };
        list!(read self, text, environment, reference)
    }

    /// Notes that somebody opened a link; the first time counts.
    ///
    /// # Errors
    /// Those of every operation.
    pub async fn note_flow_opened(&self, id: &FlowId, at: Timestamp) -> Result<()> {
        execute!(write self, sql::FLOW_OPENED, id, at).map(|_| ())
    }

    /// Notes that somebody left for the provider; the first time counts.
    ///
    /// # Errors
    /// Those of every operation.
    pub async fn note_flow_left(&self, id: &FlowId, at: Timestamp) -> Result<()> {
        execute!(write self, sql::FLOW_LEFT, id, at).map(|_| ())
    }

    /// Notes that somebody came back from the provider; the first time counts.
    ///
    /// # Errors
    /// Those of every operation.
    pub async fn note_flow_returned(&self, id: &FlowId, at: Timestamp) -> Result<()> {
        execute!(write self, sql::FLOW_RETURNED, id, at).map(|_| ())
    }

    /// Notes the problem that a page of an open link shows, and its reference; the last one counts.
    ///
    /// # Errors
    /// Those of every operation.
    pub async fn note_flow_trouble(
        &self,
        id: &FlowId,
        code: &str,
        reference: &str,
        at: Timestamp,
    ) -> Result<()> {
        execute!(write self, sql::FLOW_TROUBLE, id, code, reference, at).map(|_| ())
    }
}
