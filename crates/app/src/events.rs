//! The events about accounts, as the outbox keeps them. The `data` of each holds ids and states, no credential.

use keybearer_core::ids::EventId;
use keybearer_core::{AccountStatus, Result};
use keybearer_store::{AccountRow, ConnectionRow, NewEvent};
use serde_json::{Map, Value, json};

use crate::state::App;

/// The event of a transition; it names the state before, so [`moved`] makes it and not [`about`].
const STATUS_UPDATED: &str = "connected_account.status_updated";

/// The last event about an account.
pub(crate) const DELETED: &str = AccountEvent::Deleted.as_str();

/// Every type of event about an account, with what people call it.
pub(crate) const TYPES: [(&str, &str); 9] = [
    (AccountEvent::Created.as_str(), "Connected account created"),
    (AccountEvent::Updated.as_str(), "Connected account updated"),
    (AccountEvent::Deleted.as_str(), "Connected account deleted"),
    (STATUS_UPDATED, "Connected account status updated"),
    (AccountEvent::MagicLinkGenerated.as_str(), "Connect link generated"),
    (AccountEvent::OauthSucceeded.as_str(), "Sign-in at the provider succeeded"),
    (AccountEvent::OauthTokensFetched.as_str(), "Tokens fetched from the provider"),
    (AccountEvent::TokenRefreshSucceeded.as_str(), "Token refresh succeeded"),
    (AccountEvent::TokenRefreshFailed.as_str(), "Token refresh failed"),
];

/// The events about an account that the wire knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum AccountEvent {
    Created,
    Updated,
    Deleted,
    MagicLinkGenerated,
    OauthSucceeded,
    OauthTokensFetched,
    TokenRefreshSucceeded,
    TokenRefreshFailed,
}

impl AccountEvent {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Created => "connected_account.created",
            Self::Updated => "connected_account.updated",
            Self::Deleted => "connected_account.deleted",
            Self::MagicLinkGenerated => "connected_account.magic_link_generated",
            Self::OauthSucceeded => "connected_account.oauth_succeeded",
            Self::OauthTokensFetched => "connected_account.oauth_tokens_fetched",
            Self::TokenRefreshSucceeded => "connected_account.token_refresh_succeeded",
            Self::TokenRefreshFailed => "connected_account.token_refresh_failed",
        }
    }
}

/// An event about the account as `row` shows it.
pub(crate) fn about(
    app: &App,
    event: AccountEvent,
    connection: &ConnectionRow,
    row: &AccountRow,
) -> Result<NewEvent> {
    new(app, event.as_str(), row, data(connection, row))
}

/// Like [`about`], with the reason of a failure.
pub(crate) fn failed(
    app: &App,
    connection: &ConnectionRow,
    row: &AccountRow,
    reason: &str,
) -> Result<NewEvent> {
    let mut data = data(connection, row);
    data.insert("reason".to_owned(), json!(reason));
    new(app, AccountEvent::TokenRefreshFailed.as_str(), row, data)
}

/// The event of a transition; `row` is the account before it.
pub(crate) fn status_updated(
    app: &App,
    connection: &ConnectionRow,
    row: &AccountRow,
    status: AccountStatus,
) -> Result<NewEvent> {
    moved(app, connection, row.status, &AccountRow { status, ..row.clone() })
}

/// The event of a transition from `old`; `row` is the account after it.
pub(crate) fn moved(
    app: &App,
    connection: &ConnectionRow,
    old: AccountStatus,
    row: &AccountRow,
) -> Result<NewEvent> {
    let mut data = data(connection, row);
    data.insert("old_status".to_owned(), json!(old));
    new(app, STATUS_UPDATED, row, data)
}

fn new(app: &App, event_type: &str, row: &AccountRow, payload: Map<String, Value>) -> Result<NewEvent> {
    Ok(NewEvent {
        id: app.id(EventId::from_number)?,
        event_type: event_type.to_owned(),
        payload: Value::Object(payload),
        created_at: app.now(),
        organization_id: Some(row.organization_id.clone()).filter(|id| !id.is_empty()),
        connection_id: Some(row.connection_id.clone()),
        sample: false,
    })
}

/// The members that the wire's events about accounts have; a time that is not known is left out.
fn data(connection: &ConnectionRow, row: &AccountRow) -> Map<String, Value> {
    let fixed = [
        ("id", json!(row.id)),
        ("identifier", json!(row.identifier)),
        ("connection_id", json!(row.connection_id)),
        ("connection_name", json!(connection.name)),
        ("provider", json!(connection.connector.to_ascii_uppercase())),
        ("authorization_type", json!(row.auth_type)),
        ("status", json!(row.status)),
    ];
    let times = [("token_expires_at", row.access_expires_at), ("last_used_at", row.last_used_at)];
    let times = times.into_iter().filter_map(|(name, time)| Some((name, json!(time?.rfc3339()))));
    fixed.into_iter().chain(times).map(|(name, value)| (name.to_owned(), value)).collect()
}
