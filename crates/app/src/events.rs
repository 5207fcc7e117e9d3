//! The events about accounts, as the outbox keeps them. The `data` of each holds ids and states, no credential.

use keybearer_core::ids::EventId;
use keybearer_core::{AccountStatus, Result};
use keybearer_store::{AccountRow, ConnectionRow, NewEvent};
use serde_json::{Value, json};

use crate::state::App;

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
    new(app, event.as_str(), data(connection, row))
}

/// Like [`about`], with the reason of a failure.
pub(crate) fn failed(
    app: &App,
    connection: &ConnectionRow,
    row: &AccountRow,
    reason: &str,
) -> Result<NewEvent> {
    let mut data = data(connection, row);
    if let Some(object) = data.as_object_mut() {
        object.insert("reason".to_owned(), json!(reason));
    }
    new(app, AccountEvent::TokenRefreshFailed.as_str(), data)
}

/// The event of a transition; `row` is the account before it.
pub(crate) fn status_updated(
    app: &App,
    connection: &ConnectionRow,
    row: &AccountRow,
    status: AccountStatus,
) -> Result<NewEvent> {
    let mut data = data(connection, row);
    if let Some(object) = data.as_object_mut() {
        object.insert("old_status".to_owned(), json!(row.status));
        object.insert("status".to_owned(), json!(status));
    }
    new(app, "connected_account.status_updated", data)
}

fn new(app: &App, event_type: &str, payload: Value) -> Result<NewEvent> {
    Ok(NewEvent {
        id: app.id(EventId::from_number)?,
        event_type: event_type.to_owned(),
        payload,
        created_at: app.now(),
    })
}

fn data(connection: &ConnectionRow, row: &AccountRow) -> Value {
    json!({
        "id": row.id,
        "identifier": row.identifier,
        "connection_id": row.connection_id,
        "connection_name": connection.name,
        "provider": connection.connector.to_ascii_uppercase(),
        "authorization_type": row.auth_type,
        "status": row.status,
        "token_expires_at": row.access_expires_at.map(|time| time.rfc3339()),
        "last_used_at": row.last_used_at.map(|time| time.rfc3339()),
    })
}
