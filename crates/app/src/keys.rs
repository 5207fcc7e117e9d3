//! Data keys (which seal secrets) and signing keys (which sign access tokens).

use std::collections::HashMap;
use std::sync::{Arc, RwLock};

use keybearer_core::ids::{DataKeyId, EnvironmentId, SigningKeyId};
use keybearer_core::{Code, Error, Result};
use keybearer_store::{DataKeyRow, DataKeyState, SigningKeyRow, SigningKeyState};
use keybearer_vault::{DataKey, KeyContext, KeyRole, Keyring, Place, VaultError};
use serde_json::{Value, json};

use crate::signing::{SigningKey, VerifyingKey};
use crate::state::App;

/// Signing keys by environment, read once and again after a rotation.
#[derive(Default)]
pub(crate) struct SigningKeys(RwLock<HashMap<EnvironmentId, Arc<KeySet>>>);

/// The keys of one environment.
pub(crate) struct KeySet {
    /// Signs new tokens.
    pub active: SigningKey,
    /// Checks tokens: the active key and those that are retiring.
    pub verifying: Vec<VerifyingKey>,
    /// The public document.
    pub jwks: Value,
}

/// Turns a failure of the vault into ours; nothing secret is in either.
pub(crate) fn vault_error(error: VaultError) -> Error {
    Error::new(Code::IntegrityError, error.to_string()).with_source(error)
}

/// Unwraps every data key.
pub(crate) async fn load_keyring(app: &App, installation: &str) -> Result<Keyring> {
    let mut keyring = Keyring::new();
    for row in app.db().list_data_keys().await? {
        let role = match row.state {
            DataKeyState::Primary => KeyRole::Primary,
            DataKeyState::Staged | DataKeyState::Deprecated => KeyRole::Older,
        };
        let context = KeyContext { installation, environment: &row.environment_id, key: &row.id };
        let key = app.root_key().unwrap(context, &row.wrapped).await.map_err(vault_error)?;
        keyring = keyring.with(&row.environment_id, row.id, key, role);
    }
    Ok(keyring)
}

/// A new primary data key for an environment, and a keyring that holds it alone.
pub(crate) async fn new_data_key(
    app: &App,
    installation: &str,
    environment: &EnvironmentId,
    id: DataKeyId,
) -> Result<(DataKeyRow, Keyring)> {
    let key = DataKey::generate(app.entropy()).map_err(vault_error)?;
    let context = KeyContext { installation, environment, key: &id };
    let wrapped = app.root_key().wrap(context, &key, app.entropy()).await.map_err(vault_error)?;
    let row = DataKeyRow {
        id: id.clone(),
        environment_id: environment.clone(),
        wrapped: wrapped.into(),
        state: DataKeyState::Primary,
        created_at: app.now(),
    };
    Ok((row, Keyring::new().with(environment, id, key, KeyRole::Primary)))
}

/// A new active signing key, sealed with `keyring`.
pub(crate) async fn new_signing_key(
    app: &App,
    keyring: &Keyring,
    environment: &EnvironmentId,
) -> Result<SigningKeyRow> {
    let id = app.id(SigningKeyId::from_number)?;
    let der = tokio::task::spawn_blocking(SigningKey::generate)
        .await
        .map_err(|_| Error::internal("making a signing key was interrupted"))??;
    let sealed = keyring.seal(place(&id, environment), der.expose(), app.entropy()).map_err(vault_error)?;
    let public_jwk = SigningKey::from_pkcs8(id.as_str(), &der)?.jwk();
    Ok(SigningKeyRow {
        id,
        environment_id: environment.clone(),
        sealed_private: sealed.into(),
        public_jwk,
        state: SigningKeyState::Active,
        created_at: app.now(),
        retire_at: None,
    })
}

fn place<'a>(id: &'a SigningKeyId, environment: &'a EnvironmentId) -> Place<'a> {
    Place { table: "signing_key", column: "sealed_private", row: id.as_str(), environment, binding: &[] }
}

/// The signing keys of an environment.
pub(crate) async fn key_set(app: &App, environment: &EnvironmentId) -> Result<Arc<KeySet>> {
    if let Some(known) = cached(app, environment)? {
        return Ok(known);
    }
    let rows = app.db().list_signing_keys(environment).await?;
    let active = rows
        .iter()
        .rev()
        .find(|row| row.state == SigningKeyState::Active)
        .ok_or_else(|| Error::internal("the environment has no active signing key"))?;
    let der =
        app.keyring()?.open(place(&active.id, environment), &active.sealed_private).map_err(vault_error)?;
    let set = Arc::new(KeySet {
        active: SigningKey::from_pkcs8(active.id.as_str(), &der)?,
        verifying: rows.iter().filter_map(|row| VerifyingKey::from_jwk(&row.public_jwk)).collect(),
        jwks: json!({"keys": rows.iter().map(|row| row.public_jwk.clone()).collect::<Vec<_>>()}),
    });
    let mut slot = app.signing_keys().0.write().map_err(|_| poisoned())?;
    slot.insert(environment.clone(), Arc::clone(&set));
    Ok(set)
}

fn cached(app: &App, environment: &EnvironmentId) -> Result<Option<Arc<KeySet>>> {
    let known = app.signing_keys().0.read().map_err(|_| poisoned())?;
    Ok(known.get(environment).cloned())
}

fn poisoned() -> Error {
    Error::internal("the signing keys are poisoned")
}
