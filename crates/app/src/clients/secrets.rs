//! The secrets of an API client: several at once, each switched on or off; the plain text is shown once.

use keybearer_core::ids::{ClientId, ClientSecretId};
use keybearer_core::{Code, Error, Result, Secret, SecretString, random_token, sha256, to_hex};
use keybearer_store::{ClientSecretRow, SecretState};
use serde_json::json;

use super::{ClientSecret, find, update};
use crate::access::{Caller, Permission};
use crate::audit;
use crate::state::App;

/// Most secrets of one client.
const MOST: usize = 20;

/// A secret with the plain text that is shown this once.
#[derive(Debug)]
pub struct AddedSecret {
    /// The secret.
    pub secret: ClientSecret,
    /// The plain text.
    pub plain: SecretString,
}

/// Gives a client one more secret; the others go on working.
///
/// # Errors
/// [`Code::PermissionDenied`], [`Code::NotFound`], [`Code::FailedPrecondition`] when it has twenty.
pub async fn add_secret(app: &App, caller: &Caller, id: &ClientId) -> Result<AddedSecret> {
    caller.require(Permission::ClientsWrite)?;
    update::require_cover(caller, &find(app, &caller.environment, id).await?)?;
    if app.db().list_client_secrets(id).await?.len() >= MOST {
        return Err(Error::new(
            Code::FailedPrecondition,
            format!("an API client has at most {MOST} secrets"),
        )
        .with_help("delete one that is not used any more"));
    }
    let (row, plain) = new_secret(app, caller, id)?;
    app.db().add_client_secret(&row).await?;
    let detail = json!({"secret": row.id});
    audit::record(app, caller, "client.secret_created", id.as_str(), detail).await?;
    Ok(AddedSecret { secret: secret(row), plain })
}

/// Switches a secret on or off; access tokens that it gave go on until they end.
///
/// # Errors
/// [`Code::PermissionDenied`], [`Code::NotFound`]; [`Code::FailedPrecondition`] for the last way in.
pub async fn set_secret(
    app: &App,
    caller: &Caller,
    client: &ClientId,
    id: &str,
    active: bool,
) -> Result<ClientSecret> {
    caller.require(Permission::ClientsWrite)?;
    let mut row = find_secret(app, caller, client, id).await?;
    if active == (row.state == SecretState::Active) {
        return Ok(secret(row));
    }
    if active {
        update::require_cover(caller, &find(app, &caller.environment, client).await?)?;
    } else {
        without_secret(app, caller, &row.id).await?;
    }
    row.state = if active { SecretState::Active } else { SecretState::Inactive };
    row.updated_at = app.now();
    if !app.db().update_client_secret(&row).await? {
        return Err(unknown());
    }
    let detail = json!({"secret": row.id, "active": active});
    audit::record(app, caller, "client.secret_changed", client.as_str(), detail).await?;
    Ok(secret(row))
}

/// Deletes a secret for good.
///
/// # Errors
/// [`Code::PermissionDenied`], [`Code::NotFound`]; [`Code::FailedPrecondition`] for the last way in.
pub async fn delete_secret(app: &App, caller: &Caller, client: &ClientId, id: &str) -> Result<()> {
    caller.require(Permission::ClientsRotate)?;
    let row = find_secret(app, caller, client, id).await?;
    without_secret(app, caller, &row.id).await?;
    if !app.db().delete_client_secret(client, &row.id).await? {
        return Err(unknown());
    }
    let detail = json!({"secret": row.id});
    audit::record(app, caller, "client.secret_deleted", client.as_str(), detail).await
}

pub(super) fn new_secret(
    app: &App,
    caller: &Caller,
    client: &ClientId,
) -> Result<(ClientSecretRow, SecretString)> {
    let plain = Secret::new(format!("kbs_{}", random_token(app.entropy(), 32)?));
    let text = plain.expose();
    let row = ClientSecretRow {
        id: app.id(ClientSecretId::from_number)?,
        client_id: client.clone(),
        hash: to_hex(&sha256(text.as_bytes())),
        suffix: text.get(text.len().saturating_sub(4)..).unwrap_or_default().to_owned(),
        state: SecretState::Active,
        created_at: app.now(),
        expires_at: None,
        created_by: Some(caller.actor.as_text()),
        updated_at: app.now(),
        last_used_at: None,
        last_used_address: None,
    };
    Ok((row, plain))
}

pub(super) fn secret(row: ClientSecretRow) -> ClientSecret {
    ClientSecret {
        id: row.id,
        suffix: row.suffix,
        active: row.state == SecretState::Active,
        created_at: row.created_at,
        updated_at: row.updated_at,
        expires_at: row.expires_at,
        last_used_at: row.last_used_at,
        last_used_address: row.last_used_address,
        created_by: row.created_by,
    }
}

async fn without_secret(app: &App, caller: &Caller, id: &ClientSecretId) -> Result<()> {
    let without = |all: &mut Vec<(_, Vec<ClientSecretRow>)>| {
        all.iter_mut().for_each(|(_, secrets)| secrets.retain(|secret| secret.id != *id));
    };
    update::keep_a_way_in(app, caller, without).await
}

async fn find_secret(app: &App, caller: &Caller, client: &ClientId, id: &str) -> Result<ClientSecretRow> {
    find(app, &caller.environment, client).await?;
    let rows = app.db().list_client_secrets(client).await?;
    rows.into_iter().find(|row| row.id.as_str() == id).ok_or_else(unknown)
}

fn unknown() -> Error {
    Error::new(Code::NotFound, "the API client has no such secret")
}
