//! The life of a connection: draft, active, paused, and active again.

use keybearer_core::{Code, ConnectionState, Error, Result};
use keybearer_store::{ConnectionChange, ConnectionRow, CredentialChange};
use serde_json::{Value, json};

use super::types::Connection;
use super::{find, view};
use crate::access::{Caller, Permission};
use crate::audit;
use crate::state::App;

/// Puts a draft into use.
///
/// # Errors
/// [`Code::ConnectionIncomplete`] naming what is missing; [`Code::FailedPrecondition`] when it is no draft;
/// [`Code::ConnectionNotFound`], [`Code::PermissionDenied`].
pub async fn activate(app: &App, caller: &Caller, id_or_name: &str) -> Result<Connection> {
    caller.require(Permission::ConnectorsWrite)?;
    let row = find::row(app, &caller.environment, id_or_name).await?;
    let missing = view::one(app, row).await?.missing;
    if !missing.is_empty() {
        let detail = format!("the connection still needs {}", missing.join(", "));
        let mut error = Error::new(Code::ConnectionIncomplete, detail);
        error.violations = super::values::must_be_given(&missing).violations;
        return Err(error);
    }
    transition(app, caller, id_or_name, (ConnectionState::Draft, ConnectionState::Active)).await
}

/// Switches a connection off: calls answer `connection_paused`, grants are kept.
///
/// # Errors
/// [`Code::FailedPrecondition`] when it is not active; [`Code::ConnectionNotFound`], [`Code::PermissionDenied`].
pub async fn pause(app: &App, caller: &Caller, id_or_name: &str) -> Result<Connection> {
    transition(app, caller, id_or_name, (ConnectionState::Active, ConnectionState::Paused)).await
}

/// Puts a paused connection back into use.
///
/// # Errors
/// [`Code::FailedPrecondition`] when it is not paused; [`Code::ConnectionNotFound`], [`Code::PermissionDenied`].
pub async fn resume(app: &App, caller: &Caller, id_or_name: &str) -> Result<Connection> {
    transition(app, caller, id_or_name, (ConnectionState::Paused, ConnectionState::Active)).await
}

async fn transition(
    app: &App,
    caller: &Caller,
    id_or_name: &str,
    (from, to): (ConnectionState, ConnectionState),
) -> Result<Connection> {
    let action = match (from, to) {
        (ConnectionState::Draft, _) => "connection.activated",
        (_, ConnectionState::Paused) => "connection.paused",
        _ => "connection.resumed",
    };
    change(app, caller, id_or_name, action, json!({}), |row| {
        if row.state != from {
            let detail = format!("the connection is {} and not {from}", row.state);
            return Err(Error::new(Code::FailedPrecondition, detail));
        }
        row.state = to;
        Ok(())
    })
    .await
}

/// What a switch came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Switched {
    /// Whether it is in use now.
    pub enabled: bool,
    /// Why it could not be put into use.
    pub message: Option<String>,
}

/// Puts a connection into use, or out of it; one that is so already stays so. A draft that lacks something says what.
///
/// # Errors
/// [`Code::ConnectionNotFound`], [`Code::PermissionDenied`].
pub async fn switch(app: &App, caller: &Caller, id_or_name: &str, on: bool) -> Result<Switched> {
    caller.require(Permission::ConnectorsWrite)?;
    let row = find::row(app, &caller.environment, id_or_name).await?;
    let switched = match (row.state, on) {
        (ConnectionState::Active, true) | (ConnectionState::Paused | ConnectionState::Draft, false) => Ok(()),
        (ConnectionState::Draft, true) => activate(app, caller, id_or_name).await.map(|_| ()),
        (ConnectionState::Paused, true) => resume(app, caller, id_or_name).await.map(|_| ()),
        (ConnectionState::Active, false) => pause(app, caller, id_or_name).await.map(|_| ()),
    };
    match switched {
        Ok(()) => Ok(Switched { enabled: on, message: None }),
        Err(error) if error.code == Code::ConnectionIncomplete => {
            Ok(Switched { enabled: false, message: Some(error.detail.into_owned()) })
        }
        Err(error) => Err(error),
    }
}

/// Switches the proxy of a connection on or off.
///
/// # Errors
/// [`Code::ConnectionNotFound`], [`Code::PermissionDenied`].
pub async fn set_proxy(app: &App, caller: &Caller, id_or_name: &str, enabled: bool) -> Result<Connection> {
    change(app, caller, id_or_name, "connection.proxy_set", json!({"enabled": enabled}), |row| {
        row.proxy_enabled = enabled;
        Ok(())
    })
    .await
}

/// Ends a connection's need for attention.
///
/// # Errors
/// [`Code::ConnectionNotFound`], [`Code::PermissionDenied`].
pub async fn clear_attention(app: &App, caller: &Caller, id_or_name: &str) -> Result<Connection> {
    change(app, caller, id_or_name, "connection.attention_cleared", json!({}), |row| {
        (row.attention, row.attention_at) = (None, None);
        Ok(())
    })
    .await
}

/// Changes one setting under the lock.
pub(super) async fn change(
    app: &App,
    caller: &Caller,
    id_or_name: &str,
    action: &str,
    detail: Value,
    set: impl FnOnce(&mut ConnectionRow) -> Result<()> + Send,
) -> Result<Connection> {
    caller.require(Permission::ConnectorsWrite)?;
    let found = find::row(app, &caller.environment, id_or_name).await?;
    let changed = app
        .db()
        .change_connection(&caller.environment, &found.id, app.now(), |seen| {
            let mut row = seen.row.clone();
            set(&mut row)?;
            let audit = audit::row(app, caller, action, row.id.as_str(), detail)?;
            Ok::<_, Error>(ConnectionChange {
                row,
                credential: CredentialChange::Keep,
                audit: Some(audit),
                drop_earlier: false,
                wanted_scopes: None,
            })
        })
        .await?;
    view::one(app, changed.ok_or_else(find::not_found)?).await
}
