//! Data keys (which seal secrets) and signing keys (which sign access tokens).

use std::collections::HashMap;
use std::sync::{Arc, Mutex, RwLock};
use std::time::Duration;

use keybearer_core::ids::{DataKeyId, EnvironmentId, SigningKeyId};
use keybearer_core::{Code, Error, Result, Timestamp};
use keybearer_store::{DataKeyRow, DataKeyState, SigningKeyRow, SigningKeyState};
use keybearer_vault::{DataKey, KeyContext, KeyRole, Keyring, Place, VaultError};
use serde_json::Value;
use tokio::time::Instant;

use crate::signing::{SigningKey, VerifyingKey};
use crate::state::App;

/// What this node knows of the keys in the database. A job looks every [`LOOK_EVERY`] for what other nodes changed.
#[derive(Default)]
pub(crate) struct KnownKeys {
    signing: RwLock<HashMap<EnvironmentId, Arc<KeySet>>>,
    data: Mutex<Vec<(DataKeyId, DataKeyState)>>,
    looked: Mutex<Option<Instant>>,
}

/// How often a node looks for keys that another one made or activated.
pub(crate) const LOOK_EVERY: Duration = Duration::from_secs(2);

/// The signing keys of one environment.
pub(crate) struct KeySet {
    /// Oldest first; the last one whose time has come signs.
    signers: Vec<(Timestamp, SigningKey)>,
    /// Checks tokens until a time, where there is one.
    verifying: Vec<(Option<Timestamp>, VerifyingKey)>,
    /// The public documents, each until a time.
    public: Vec<(Option<Timestamp>, Value)>,
    stamp: Vec<Stamp>,
}

/// What changes when a signing key does.
type Stamp = (SigningKeyId, Option<Timestamp>, Option<Timestamp>);

impl KeySet {
    /// Signs new tokens.
    pub fn signer(&self, now: Timestamp) -> Result<&SigningKey> {
        let started = self.signers.iter().rev().find(|(from, _)| *from <= now);
        let signer = started.or_else(|| self.signers.first()).map(|(_, key)| key);
        signer.ok_or_else(|| Error::internal("the environment has no signing key"))
    }

    /// Checks tokens of that `kid`.
    pub fn verifying(&self, kid: &str, now: Timestamp) -> Option<&VerifyingKey> {
        let counts = |until: &Option<Timestamp>| until.is_none_or(|until| until > now);
        self.verifying.iter().find(|(until, key)| key.kid() == kid && counts(until)).map(|(_, key)| key)
    }

    /// The public keys, those included that will sign soon.
    pub fn public(&self, now: Timestamp) -> impl Iterator<Item = &Value> {
        self.public.iter().filter(move |(until, _)| until.is_none_or(|until| until > now)).map(|(_, jwk)| jwk)
    }
}

/// Turns a failure of the vault into ours; nothing secret is in either.
pub(crate) fn vault_error(error: VaultError) -> Error {
    // another node may have sealed it with a key that this one is about to learn of: nothing is wrong with the row
    if matches!(error, VaultError::UnknownKey(_)) {
        return Error::new(Code::Unavailable, "the value is sealed with a key that this node does not know")
            .with_help(
                "try again in some seconds; if that does not help, `keybearer keys verify` names the rows",
            )
            .with_retry_after(2)
            .with_source(error);
    }
    Error::new(Code::IntegrityError, error.to_string()).with_source(error)
}

/// Reads the data keys, and unwraps them when something has changed.
pub(crate) async fn reload_data_keys(app: &App) -> Result<()> {
    let rows = app.db().list_data_keys().await?;
    let stamp: Vec<_> = rows.iter().map(|row| (row.id.clone(), row.state)).collect();
    if *app.known_keys().data.lock().map_err(|_| poisoned())? == stamp {
        return Ok(());
    }
    let installation = installation(app).await?;
    let mut keyring = Keyring::new();
    for row in rows {
        let role = match row.state {
            DataKeyState::Primary => KeyRole::Primary,
            DataKeyState::Staged | DataKeyState::Deprecated => KeyRole::Older,
        };
        let context =
            KeyContext { installation: &installation, environment: &row.environment_id, key: &row.id };
        let key = app.root_key().unwrap(context, &row.wrapped).await.map_err(vault_error)?;
        keyring = keyring.with(&row.environment_id, row.id, key, role);
    }
    app.set_keyring(keyring)?;
    *app.known_keys().data.lock().map_err(|_| poisoned())? = stamp;
    Ok(())
}

/// Looks for keys that another node made, activated or rotated.
pub(crate) async fn look(app: &App) -> Result<()> {
    reload_data_keys(app).await?;
    let known: Vec<(EnvironmentId, Arc<KeySet>)> = {
        let sets = app.known_keys().signing.read().map_err(|_| poisoned())?;
        sets.iter().map(|(environment, set)| (environment.clone(), Arc::clone(set))).collect()
    };
    for (environment, set) in known {
        let rows = app.db().list_signing_keys(&environment).await?;
        if stamp(&rows) != set.stamp {
            forget(app, &environment)?;
        }
    }
    Ok(())
}

/// Looks once a second at most, for a token that names a key this node does not know. True when it looked.
pub(crate) async fn look_for_signing_key(app: &App) -> Result<bool> {
    {
        let mut looked = app.known_keys().looked.lock().map_err(|_| poisoned())?;
        if looked.is_some_and(|at| at.elapsed() < Duration::from_secs(1)) {
            return Ok(false);
        }
        *looked = Some(Instant::now());
    }
    look(app).await?;
    Ok(true)
}

/// Reads an environment's signing keys again at the next use.
pub(crate) fn forget(app: &App, environment: &EnvironmentId) -> Result<()> {
    app.known_keys().signing.write().map_err(|_| poisoned())?.remove(environment);
    Ok(())
}

/// The name that wrapped keys are bound to.
pub(crate) async fn installation(app: &App) -> Result<String> {
    let row = app.db().find_installation().await?;
    row.map(|row| row.epoch).ok_or_else(|| Error::internal("the installation row disappeared"))
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
        version: 1,
        activated_at: Some(app.now()),
        rotated_at: None,
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
        signs_from: None,
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
    let keyring = app.keyring()?;
    let mut signers = Vec::new();
    for row in &rows {
        let der = match keyring.open(place(&row.id, environment), &row.sealed_private) {
            Ok(der) => der,
            // one that only verifies is not needed for its private half
            Err(error) if row.state == SigningKeyState::Retiring => {
                tracing::warn!(key.id = %row.id, %error, "a retiring signing key does not open");
                continue;
            }
            Err(error) => return Err(vault_error(error)),
        };
        signers
            .push((row.signs_from.unwrap_or(row.created_at), SigningKey::from_pkcs8(row.id.as_str(), &der)?));
    }
    signers.sort_by_key(|(from, _)| *from);
    let verifying =
        rows.iter().filter_map(|row| Some((row.retire_at, VerifyingKey::from_jwk(&row.public_jwk)?)));
    let set = Arc::new(KeySet {
        verifying: verifying.collect(),
        public: rows.iter().map(|row| (row.retire_at, row.public_jwk.clone())).collect(),
        stamp: stamp(&rows),
        signers,
    });
    let mut slot = app.known_keys().signing.write().map_err(|_| poisoned())?;
    slot.insert(environment.clone(), Arc::clone(&set));
    Ok(set)
}

fn stamp(rows: &[SigningKeyRow]) -> Vec<Stamp> {
    rows.iter().map(|row| (row.id.clone(), row.signs_from, row.retire_at)).collect()
}

fn cached(app: &App, environment: &EnvironmentId) -> Result<Option<Arc<KeySet>>> {
    let known = app.known_keys().signing.read().map_err(|_| poisoned())?;
    Ok(known.get(environment).cloned())
}

fn poisoned() -> Error {
    Error::internal("the known keys are poisoned")
}
