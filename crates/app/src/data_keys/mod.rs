//! Data keys, which seal an environment's secrets: staged, primary, deprecated, destroyed.

mod reencrypt;
mod root;
mod verify;

use std::time::Duration;

use keybearer_core::ids::{DataKeyId, EnvironmentId};
use keybearer_core::{Code, Error, Result, Timestamp};
use keybearer_store::{Cursor, DataKeyRow, DataKeyState, Sealed};
use keybearer_vault::{DataKey, KeyContext, Keyring};
use serde_json::json;

use crate::access::{Caller, Permission};
use crate::audit;
use crate::keys::{self, vault_error};
use crate::paging::{List, Listed, PageAsk};
use crate::state::App;

pub(crate) use reencrypt::resume;
pub use reencrypt::{Reencryption, begin, reencrypt, state};
pub use root::{ChangedRoot, change_root};
pub use verify::{Unopened, Verified, verify};

/// How long a key must have rested before it can be destroyed: another node may have been away with a refreshed
/// grant under it in its spill folder.
const REST: Duration = Duration::from_secs(24 * 3600);
/// How long every node may take to learn of a new key.
const SETTLE: Duration = Duration::from_secs(5);

/// A data key of an environment; the key itself never comes out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DataKeyInfo {
    /// Its id.
    pub id: DataKeyId,
    /// Its environment.
    pub environment: EnvironmentId,
    /// Its number within the environment.
    pub version: i64,
    /// Whether it seals.
    pub state: KeyState,
    /// The root key that wraps it, by name.
    pub root: String,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it last became the primary one.
    pub activated_at: Option<Timestamp>,
    /// When another key took its place.
    pub rotated_at: Option<Timestamp>,
    /// How many values lie under it.
    pub values: i64,
}

/// The life of a data key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyState {
    /// Made, not used yet.
    Staged,
    /// Seals new values.
    Primary,
    /// Opens old values.
    Deprecated,
}

impl KeyState {
    /// The word of the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Staged => "STAGED",
            Self::Primary => "PRIMARY",
            Self::Deprecated => "DEPRECATED",
        }
    }
}

/// Makes a key that does not seal yet.
///
/// # Errors
/// [`Code::PermissionDenied`]; [`Code::AlreadyExists`] when two are made at the same moment.
pub async fn create(app: &App, caller: &Caller) -> Result<DataKeyInfo> {
    caller.require(Permission::KeysWrite)?;
    let installation = keys::installation(app).await?;
    let id = app.id(DataKeyId::from_number)?;
    let (row, _) = keys::new_data_key(app, &installation, &caller.environment, id).await?;
    let mut row = DataKeyRow { state: DataKeyState::Staged, activated_at: None, ..row };
    row.version = app.db().add_data_key(&row).await?;
    keys::reload_data_keys(app).await?;
    audit::record(app, caller, "data_key.created", row.id.as_str(), json!({"version": row.version})).await?;
    info(app, row).await
}

/// One page of the environment's keys, newest first: 10 unless asked otherwise, 100 at most.
///
/// # Errors
/// [`Code::PermissionDenied`]; [`Code::InvalidArgument`] at `status`, `page_size` or `page_token`.
pub async fn list(
    app: &App,
    caller: &Caller,
    state: Option<&str>,
    ask: &PageAsk,
) -> Result<Listed<DataKeyInfo>> {
    caller.require(Permission::KeysRead)?;
    let wanted = state.filter(|text| !text.is_empty()).map(read_state).transpose()?;
    let query = wanted.map(KeyState::as_str).unwrap_or_default();
    let (environment, prefix) = (&caller.environment, DataKeyId::PREFIX);
    let list = List { environment, name: "data_keys", query, prefix, default_size: 10, max_size: 100 };
    let mut rows = rows(app, environment).await?;
    rows.retain(|row| wanted.is_none_or(|wanted| key_state(row.state) == wanted));
    let cursor = |row: &DataKeyRow| Cursor { created_at: row.created_at, id: row.id.to_string() };
    let listed = list.slice(app, ask, rows, cursor)?;
    let mut items = Vec::with_capacity(listed.items.len());
    for row in listed.items {
        items.push(info(app, row).await?);
    }
    Ok(Listed { items, total: listed.total, next: listed.next, previous: None })
}

/// One key by its number.
///
/// # Errors
/// [`Code::PermissionDenied`], [`Code::NotFound`].
pub async fn get(app: &App, caller: &Caller, version: i64) -> Result<DataKeyInfo> {
    caller.require(Permission::KeysRead)?;
    info(app, find(app, caller, version).await?).await
}

/// Makes a key the primary one. The former opens what it sealed until [`reencrypt()`] has moved that.
///
/// # Errors
/// [`Code::PermissionDenied`], [`Code::NotFound`].
pub async fn activate(app: &App, caller: &Caller, version: i64) -> Result<DataKeyInfo> {
    caller.require(Permission::KeysWrite)?;
    let row = find(app, caller, version).await?;
    if row.state != DataKeyState::Primary {
        settle(app, &row).await;
        // false: another call has activated it meanwhile
        app.db().promote_data_key(&caller.environment, &row.id, app.now()).await?;
        keys::reload_data_keys(app).await?;
        audit::record(app, caller, "data_key.activated", row.id.as_str(), json!({"version": version}))
            .await?;
    }
    info(app, find(app, caller, version).await?).await
}

/// Destroys a key that nothing lies under. What was sealed with it can never be read again.
///
/// # Errors
/// [`Code::PermissionDenied`], [`Code::NotFound`]; [`Code::FailedPrecondition`] for the primary key, for one that
/// still opens values, and for one that has not rested a day.
pub async fn destroy(app: &App, caller: &Caller, version: i64) -> Result<()> {
    caller.require(Permission::KeysDestroy)?;
    let row = find(app, caller, version).await?;
    let refused = |detail: String| Error::new(Code::FailedPrecondition, detail);
    if row.state == DataKeyState::Primary {
        return Err(refused("the primary key cannot be destroyed".to_owned())
            .with_help("activate another one first: `keybearer keys rotate`"));
    }
    if let Some(end) = row.rotated_at.map(|at| at.plus(REST)).filter(|end| *end > app.now()) {
        return Err(refused(format!(
            "the key sealed values less than a day ago; it can be destroyed from {end}"
        )));
    }
    let used = app.db().destroy_data_key(&caller.environment, &row.id, &prefix(&row.id)).await?;
    if used > 0 {
        return Err(refused(format!("{used} values lie under the key"))
            .with_help("move them first: `keybearer keys reencrypt`"));
    }
    keys::reload_data_keys(app).await?;
    audit::record(app, caller, "data_key.destroyed", row.id.as_str(), json!({"version": version})).await
}

/// Waits until every node has had the time to learn of the key.
async fn settle(app: &App, row: &DataKeyRow) {
    let age = app.now().since(row.created_at);
    if app.database_kind() != "sqlite" && age < SETTLE {
        tokio::time::sleep(SETTLE.saturating_sub(age)).await;
    }
}

/// What every value under a key begins with.
fn prefix(id: &DataKeyId) -> Sealed {
    Keyring::prefix(id).into()
}

/// The keys of an environment, newest first.
async fn rows(app: &App, environment: &EnvironmentId) -> Result<Vec<DataKeyRow>> {
    let mut rows = app.db().list_data_keys().await?;
    rows.retain(|row| row.environment_id == *environment);
    rows.reverse();
    Ok(rows)
}

async fn find(app: &App, caller: &Caller, version: i64) -> Result<DataKeyRow> {
    let found = rows(app, &caller.environment).await?.into_iter().find(|row| row.version == version);
    found.ok_or_else(|| Error::new(Code::NotFound, "there is no data key of that version"))
}

async fn info(app: &App, row: DataKeyRow) -> Result<DataKeyInfo> {
    Ok(DataKeyInfo {
        values: app.db().count_sealed_under(&row.environment_id, &prefix(&row.id)).await?,
        root: app.root_key().id(),
        id: row.id,
        environment: row.environment_id,
        version: row.version,
        state: key_state(row.state),
        created_at: row.created_at,
        activated_at: row.activated_at,
        rotated_at: row.rotated_at,
    })
}

fn key_state(state: DataKeyState) -> KeyState {
    match state {
        DataKeyState::Staged => KeyState::Staged,
        DataKeyState::Primary => KeyState::Primary,
        DataKeyState::Deprecated => KeyState::Deprecated,
    }
}

fn read_state(text: &str) -> Result<KeyState> {
    let all = [KeyState::Staged, KeyState::Primary, KeyState::Deprecated];
    let found = all.into_iter().find(|state| state.as_str().eq_ignore_ascii_case(text));
    found.ok_or_else(|| Error::field("status", "must be STAGED, PRIMARY or DEPRECATED"))
}

/// Wraps a data key of a row again with another root key.
async fn unwrapped(app: &App, installation: &str, row: &DataKeyRow) -> Result<DataKey> {
    let context = KeyContext { installation, environment: &row.environment_id, key: &row.id };
    app.root_key().unwrap(context, &row.wrapped).await.map_err(vault_error)
}
