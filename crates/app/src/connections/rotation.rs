//! Replacing a client secret without a gap: the new and the former one are both tried for a time.

use std::time::Duration;

use keybearer_connectors::Bindings;
use keybearer_core::ids::{ConnectionId, CredentialId};
use keybearer_core::{Code, CredentialSource, Error, Result, Timestamp};
use keybearer_store::{ConnectionChange, ConnectionSeen, CredentialChange};
use serde_json::{Value, json};

use super::types::{Connection, CredentialsSet, KeepEarlier, UpdateConnection};
use super::{find, update, view};
use crate::access::{Caller, Permission};
use crate::audit;
use crate::state::App;

/// Another secret of the same client.
#[derive(Clone, Debug, Default)]
pub struct Rotation {
    /// `client_secret` or secret connection fields; those not named stay.
    pub secrets: Bindings,
    /// For how long the former one is tried as well.
    pub keep: Option<KeepEarlier>,
    /// When the new one ends at the provider.
    pub ends_at: Option<Timestamp>,
}

/// Replaces the secret of the present client. While the former one is kept, a refresh that the provider refuses with
/// the new secret is tried with it.
///
/// # Errors
/// [`Code::PermissionDenied`], [`Code::ConnectionNotFound`], [`Code::FailedPrecondition`] where there is no client
/// whose secret could be replaced, `InvalidArgument` at each wrong field.
pub async fn rotate_secret(
    app: &App,
    caller: &Caller,
    id_or_name: &str,
    rotation: Rotation,
) -> Result<CredentialsSet> {
    caller.require(Permission::ConnectorsWrite)?;
    if rotation.secrets.iter().all(|(_, value)| value.expose().trim().is_empty()) {
        return Err(Error::field("client_secret", "must be given"));
    }
    if rotation.ends_at.is_some_and(|end| end <= app.now()) {
        return Err(Error::field("ends_at", "must be in the future"));
    }
    let patch = UpdateConnection {
        secrets: rotation.secrets,
        keep_earlier: rotation.keep,
        secret_ends_at: rotation.ends_at,
        ..UpdateConnection::default()
    };
    let connection = update::apply(app, caller, id_or_name, patch, "connection.secret_rotated").await?;
    let on_earlier_client = connection.counts.on_earlier_client;
    Ok(CredentialsSet { connection, on_earlier_client })
}

/// Destroys the secret before the present one.
///
/// # Errors
/// [`Code::FailedPrecondition`] when none is kept; [`Code::PermissionDenied`], [`Code::ConnectionNotFound`].
pub async fn forget_earlier_secret(app: &App, caller: &Caller, id_or_name: &str) -> Result<Connection> {
    let action = "connection.earlier_secret_removed";
    on_credential(app, caller, id_or_name, (action, json!({})), |id, seen| {
        let kept = seen.credential.as_ref().is_some_and(|credential| credential.earlier_sealed.is_some());
        kept.then_some(CredentialChange::ForgetEarlier { id })
            .ok_or_else(|| Error::new(Code::FailedPrecondition, "no earlier secret is kept"))
    })
    .await
}

/// Notes when the client secret ends at the provider, or that nobody knows.
///
/// # Errors
/// `InvalidArgument` for a time that is over; [`Code::FailedPrecondition`] when the connection has no secret of its
/// own; [`Code::PermissionDenied`], [`Code::ConnectionNotFound`].
pub async fn set_secret_end(
    app: &App,
    caller: &Caller,
    id_or_name: &str,
    ends_at: Option<Timestamp>,
) -> Result<Connection> {
    if ends_at.is_some_and(|end| end <= app.now()) {
        return Err(Error::field("ends_at", "must be in the future"));
    }
    let detail = json!({"ends_at": ends_at.map(Timestamp::rfc3339)});
    on_credential(app, caller, id_or_name, ("connection.secret_end_set", detail), |id, seen| {
        if seen.row.credential_source == CredentialSource::Shared {
            return Err(Error::new(Code::FailedPrecondition, "the connection uses shared credentials"));
        }
        Ok(CredentialChange::Ends { id, at: ends_at })
    })
    .await
}

async fn on_credential(
    app: &App,
    caller: &Caller,
    id_or_name: &str,
    (action, detail): (&str, Value),
    change: impl FnOnce(CredentialId, &ConnectionSeen) -> Result<CredentialChange> + Send,
) -> Result<Connection> {
    caller.require(Permission::ConnectorsWrite)?;
    let found = find::row(app, &caller.environment, id_or_name).await?;
    let changed = app
        .db()
        .change_connection(&caller.environment, &found.id, app.now(), |seen| {
            let none = || Error::new(Code::FailedPrecondition, "the connection has no credentials yet");
            let id = seen.credential.as_ref().map(|credential| credential.id.clone()).ok_or_else(none)?;
            Ok::<_, Error>(ConnectionChange {
                row: seen.row.clone(),
                credential: change(id, seen)?,
                audit: Some(audit::row(app, caller, action, found.id.as_str(), detail)?),
                drop_earlier: false,
                wanted_scopes: None,
            })
        })
        .await?;
    view::one(app, changed.ok_or_else(find::not_found)?).await
}

/// Takes accounts off the app that they were granted to: each must sign in again at its next refresh. `expected` is
/// how many there are, as the caller saw it.
///
/// # Errors
/// [`Code::FailedPrecondition`] when there are others; [`Code::PermissionDenied`], [`Code::ConnectionNotFound`].
pub async fn drop_earlier_client(
    app: &App,
    caller: &Caller,
    id_or_name: &str,
    expected: i64,
) -> Result<Connection> {
    caller.require(Permission::ConnectorsWrite)?;
    let found = find::row(app, &caller.environment, id_or_name).await?;
    let number = app.db().count_accounts_on_earlier_credential(&found.id).await?;
    if number != expected {
        let detail = format!("{number} accounts are on an earlier client and not {expected}");
        return Err(Error::new(Code::FailedPrecondition, detail).with_help("look again how many are touched"));
    }
    let detail = json!({"accounts": number});
    let changed = app
        .db()
        .change_connection(&caller.environment, &found.id, app.now(), |seen| {
            let audit =
                audit::row(app, caller, "connection.earlier_client_dropped", found.id.as_str(), detail)?;
            Ok::<_, Error>(ConnectionChange {
                row: seen.row.clone(),
                credential: CredentialChange::Keep,
                audit: Some(audit),
                drop_earlier: true,
                wanted_scopes: None,
            })
        })
        .await?;
    view::one(app, changed.ok_or_else(find::not_found)?).await
}

/// A client secret that ends soon, or has ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EndingSecret {
    /// Name of the connection.
    pub connection: String,
    /// Its id.
    pub connection_id: ConnectionId,
    /// When.
    pub ends_at: Timestamp,
}

/// The client secrets that end within a time, the first to end first.
///
/// # Errors
/// [`Code::PermissionDenied`].
pub async fn ending_secrets(app: &App, caller: &Caller, within: Duration) -> Result<Vec<EndingSecret>> {
    caller.require(Permission::ConnectorsRead)?;
    let rows = app.db().list_ending_secrets(&caller.environment, app.now().plus(within)).await?;
    let shown = rows.into_iter().map(|row| EndingSecret {
        connection: row.name,
        connection_id: row.connection_id,
        ends_at: row.ends_at,
    });
    Ok(shown.collect())
}

/// Destroys the secrets whose time beside their successor is over.
pub(crate) async fn tidy(app: &App) -> Result<()> {
    let gone = app.db().forget_earlier_secrets(app.now()).await?;
    if gone > 0 {
        tracing::info!(secrets = gone, "destroyed client secrets that were replaced");
    }
    Ok(())
}
