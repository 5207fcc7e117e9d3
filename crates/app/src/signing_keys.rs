//! Rotating the keys that sign access tokens. A new key is published before it signs, and the former verifies for a
//! while after, so that nobody who caches the key set is left behind.

use std::time::Duration;

use keybearer_core::ids::SigningKeyId;
use keybearer_core::{Error, Result, Timestamp};
use keybearer_store::SigningKeyRow;
use serde_json::json;

use crate::access::{Caller, Permission};
use crate::state::App;
use crate::{audit, keys};

/// Longest time between publishing and signing, and longest overlap.
const MOST: Duration = Duration::from_secs(30 * 86_400);

/// A signing key without its private half.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SigningKeyInfo {
    /// Its id, the `kid`.
    pub id: SigningKeyId,
    /// What it does just now.
    pub role: SigningRole,
    /// When it was made and published.
    pub created_at: Timestamp,
    /// When it begins to sign.
    pub signs_from: Timestamp,
    /// When it stops verifying.
    pub retires_at: Option<Timestamp>,
}

/// What a signing key does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SigningRole {
    /// Published, does not sign yet.
    Next,
    /// Signs.
    Signing,
    /// Verifies what it signed.
    Verifying,
}

impl SigningRole {
    /// The word that is shown.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Next => "NEXT",
            Self::Signing => "SIGNING",
            Self::Verifying => "VERIFYING",
        }
    }
}

/// How a rotation goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rotation {
    /// How long the new key is published before it signs.
    pub ahead: Duration,
    /// How long the former keys verify from then on.
    pub overlap: Duration,
}

impl Default for Rotation {
    /// As long as anybody may cache the key set, and as long as a token lives.
    fn default() -> Self {
        Self { ahead: Duration::from_secs(600), overlap: Duration::from_secs(86_400) }
    }
}

/// The keys of the caller's environment that sign or verify, oldest first.
///
/// # Errors
/// [`keybearer_core::Code::PermissionDenied`].
pub async fn list(app: &App, caller: &Caller) -> Result<Vec<SigningKeyInfo>> {
    caller.require(Permission::KeysRead)?;
    let now = app.now();
    let mut rows = app.db().list_signing_keys(&caller.environment).await?;
    rows.retain(|row| row.retire_at.is_none_or(|end| end > now));
    rows.sort_by_key(begins);
    let signing = rows.iter().rev().find(|row| begins(row) <= now).map(|row| row.id.clone());
    let role = |row: &SigningKeyRow| match begins(row) > now {
        true => SigningRole::Next,
        false if Some(&row.id) == signing.as_ref() => SigningRole::Signing,
        false => SigningRole::Verifying,
    };
    let shown = rows.iter().map(|row| SigningKeyInfo {
        id: row.id.clone(),
        role: role(row),
        created_at: row.created_at,
        signs_from: begins(row),
        retires_at: row.retire_at,
    });
    Ok(shown.collect())
}

/// Makes and publishes a new key. With an overlap shorter than tokens live, tokens of the former keys end early; that
/// is for a key that leaked.
///
/// # Errors
/// [`keybearer_core::Code::PermissionDenied`]; `InvalidArgument` for a time above 30 days.
pub async fn rotate(app: &App, caller: &Caller, how: Rotation) -> Result<Vec<SigningKeyInfo>> {
    caller.require(Permission::KeysWrite)?;
    for (field, time) in [("ahead_seconds", how.ahead), ("overlap_seconds", how.overlap)] {
        if time > MOST {
            return Err(Error::field(field, "must be at most 2592000, which is 30 days"));
        }
    }
    keys::reload_data_keys(app).await?;
    let signs_from = app.now().plus(how.ahead);
    let new = keys::new_signing_key(app, &app.keyring()?, &caller.environment).await?;
    let row = SigningKeyRow { signs_from: Some(signs_from), ..new };
    app.db().rotate_signing_key(&row, signs_from.plus(how.overlap)).await?;
    keys::forget(app, &caller.environment)?;
    let detail = json!({"ahead_seconds": how.ahead.as_secs(), "overlap_seconds": how.overlap.as_secs()});
    audit::record(app, caller, "signing_key.rotated", row.id.as_str(), detail).await?;
    list(app, caller).await
}

fn begins(row: &SigningKeyRow) -> Timestamp {
    row.signs_from.unwrap_or(row.created_at)
}
