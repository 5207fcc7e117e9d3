//! Another root key: every data key is wrapped again. The sealed values themselves stay as they are.

use keybearer_core::{Code, Error, Result};
use keybearer_vault::{Installation, KeyCheck, KeyContext, KeyOrigin, KeyProvider as _, LocalKey};
use serde_json::json;

use super::unwrapped;
use crate::access::{Actor, Caller};
use crate::keys::{self, vault_error};
use crate::open::wrong_key;
use crate::state::App;
use crate::{RootKey, audit};

/// What a change of the root key did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChangedRoot {
    /// Name of the new root key.
    pub root: String,
    /// How many data keys were wrapped again.
    pub data_keys: usize,
    /// Whether the key file was made.
    pub created: bool,
}

/// Wraps every data key with another root key, in one transaction, and checks that the new one opens them. The
/// configuration must name the new key from then on; nodes that run with the old one cannot start again.
///
/// # Errors
/// [`Code::PermissionDenied`] for anybody but the operator at the machine; [`Code::ConfigInvalid`] for a key that is
/// none.
pub async fn change_root(app: &App, caller: &Caller, new: &RootKey) -> Result<ChangedRoot> {
    if caller.actor != Actor::Operator {
        return Err(Error::new(Code::PermissionDenied, "the root key is changed at the machine only"));
    }
    let (key, created) = match new {
        RootKey::Text(text) => (LocalKey::from_text(text).map_err(wrong_key)?, false),
        RootKey::File(path) => LocalKey::load_or_create(path, Installation::New, app.entropy())
            .map(|(key, origin)| (key, origin == KeyOrigin::Created))
            .map_err(wrong_key)?,
    };
    let installation = keys::installation(app).await?;
    let mut wrapped = Vec::new();
    for row in app.db().list_data_keys().await? {
        let data_key = unwrapped(app, &installation, &row).await?;
        let context =
            KeyContext { installation: &installation, environment: &row.environment_id, key: &row.id };
        let again = key.wrap(context, &data_key, app.entropy()).await.map_err(vault_error)?;
        // the only copy of the way to every credential: it is tried before it is written
        key.unwrap(context, &again).await.map_err(vault_error)?;
        wrapped.push((row.id, again.into()));
    }
    let check = KeyCheck::make(&key, &installation, app.entropy()).await.map_err(vault_error)?;
    app.db().rewrap_data_keys(&wrapped, &check.into()).await?;
    let changed = ChangedRoot { root: key.id(), data_keys: wrapped.len(), created };
    audit::record(app, caller, "root_key.changed", &changed.root, json!({"data_keys": changed.data_keys}))
        .await?;
    Ok(changed)
}
