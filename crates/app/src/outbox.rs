//! The events as they are shown: in lists, and as the body of a webhook.

use keybearer_core::ids::{AccountId, ConnectionId, EnvironmentId, EventId};
use keybearer_core::{Error, Result, Timestamp};
use keybearer_store::{EventFilter, EventRow};
use serde_json::{Map, Value, json};

use crate::access::{Caller, Permission};
use crate::events::TYPES;
use crate::paging::{List, Listed, PageAsk};
use crate::state::App;

/// What every event of ours is about.
pub const OBJECT: &str = "ConnectedAccount";
/// The version of the envelope.
pub const SPEC_VERSION: &str = "1";

/// One event.
#[derive(Clone, Debug, PartialEq)]
pub struct Event {
    /// Its id; the same in every list and on every delivery.
    pub id: EventId,
    /// The type, for example `connected_account.created`.
    pub event_type: String,
    /// When it happened.
    pub occurred_at: Timestamp,
    /// The environment it happened in.
    pub environment_id: EnvironmentId,
    /// The organization of the account.
    pub organization_id: Option<String>,
    /// What people call the type.
    pub display_name: String,
    /// Counts the events of one account from 1, without gaps.
    pub sequence: i64,
    /// The account as it was then: ids and states, no credential.
    pub data: Map<String, Value>,
}

/// Which events are wanted. Empty means all.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EventQuery {
    /// Only these types.
    pub event_types: Vec<String>,
    /// Not before this time.
    pub from: Option<Timestamp>,
    /// Before this time.
    pub until: Option<Timestamp>,
    /// Only those about accounts of this organization.
    pub organization_id: Option<String>,
    /// Only those about accounts of this connection.
    pub connection_id: Option<String>,
    /// Only those about this account.
    pub account_id: Option<String>,
}

/// Every type of event there is.
pub fn event_types() -> impl Iterator<Item = &'static str> {
    TYPES.into_iter().map(|(name, _)| name)
}

/// What a type of event means, in a line; empty for one that there is not.
pub fn meaning(event_type: &str) -> &'static str {
    match event_type {
        "connected_account.created" => "An account was made: by a link, by an import, or over the API.",
        "connected_account.updated" => "Settings or credentials of an account were changed.",
        "connected_account.deleted" => "An account is gone, with its credential.",
        "connected_account.status_updated" => {
            "An account moved, for example from waiting to active, or from active to needs sign-in."
        }
        "connected_account.magic_link_generated" => "A connect link was made for an account.",
        "connected_account.oauth_succeeded" => "A user agreed at the provider.",
        "connected_account.oauth_tokens_fetched" => "The provider gave tokens for an account.",
        "connected_account.token_refresh_succeeded" => "An access token was renewed in time.",
        "connected_account.token_refresh_failed" => {
            "A token could not be renewed; the reason says whether the user must sign in again."
        }
        _ => "",
    }
}

/// One page of the environment's events, newest first.
///
/// # Errors
/// [`keybearer_core::Code::PermissionDenied`]; `InvalidArgument` at a malformed id, page size or page token.
pub async fn list(app: &App, caller: &Caller, query: &EventQuery, page: &PageAsk) -> Result<Listed<Event>> {
    caller.require(Permission::EventsRead)?;
    let filter = EventFilter {
        account_id: read("connected_account_id", query.account_id.as_deref(), AccountId::parse)?,
        event_types: query.event_types.clone(),
        from: query.from,
        until: query.until,
        organization_id: query.organization_id.clone(),
        connection_id: read("connection_id", query.connection_id.as_deref(), ConnectionId::parse)?,
    };
    let list = List {
        environment: &caller.environment,
        name: "events",
        query: &format!("{filter:?}"),
        prefix: EventId::PREFIX,
        default_size: 10,
        max_size: 100,
    };
    let rows = app.db().list_events(&caller.environment, &filter, &list.request(app, page)?).await?;
    let listed = list.listed(app, rows)?;
    let items = listed.items.into_iter().map(Event::from).collect();
    Ok(Listed { items, total: listed.total, next: listed.next, previous: listed.previous })
}

fn read<T>(field: &str, text: Option<&str>, parse: impl Fn(&str) -> Option<T>) -> Result<Option<T>> {
    let Some(text) = text else { return Ok(None) };
    parse(text).map(Some).ok_or_else(|| Error::field(field, "must be an id"))
}

impl From<EventRow> for Event {
    fn from(row: EventRow) -> Self {
        let known = TYPES.into_iter().find(|(name, _)| *name == row.event_type);
        Self {
            id: row.id,
            display_name: known.map(|(_, words)| words.to_owned()).unwrap_or_default(),
            event_type: row.event_type,
            occurred_at: row.created_at,
            environment_id: row.environment_id,
            organization_id: row.organization_id,
            sequence: row.sequence,
            data: match row.payload {
                Value::Object(data) => data,
                _ => Map::new(),
            },
        }
    }
}

impl Event {
    /// The envelope. It is made of stored values alone, so that every delivery of an event has the same bytes.
    pub fn envelope(&self) -> Map<String, Value> {
        let members = [
            ("spec_version", Some(json!(SPEC_VERSION))),
            ("id", Some(json!(self.id))),
            ("type", Some(json!(self.event_type))),
            ("occurred_at", Some(json!(self.occurred_at.rfc3339()))),
            ("environment_id", Some(json!(self.environment_id))),
            ("organization_id", self.organization_id.as_ref().map(|id| json!(id))),
            ("object", Some(json!(OBJECT))),
            ("display_name", Some(json!(self.display_name))),
            ("data", Some(Value::Object(self.data.clone()))),
        ];
        members.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_type_of_event_has_a_meaning() {
        assert_eq!(event_types().find(|name| meaning(name).is_empty()), None);
        assert_eq!(meaning("connected_account.exploded"), "");
    }
}
