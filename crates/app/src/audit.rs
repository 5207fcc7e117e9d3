//! The audit trail: who did what to which thing, without secrets.

use keybearer_core::ids::{AuditId, EnvironmentId};
use keybearer_core::{Result, SecretString, to_hex};
use keybearer_store::AuditRow;
use serde_json::Value;

use crate::access::Caller;
use crate::keys::vault_error;
use crate::state::App;

/// What the keys of fingerprints are for.
const FINGERPRINT: &str = "audit_fingerprint";

/// A secret's keyed hash: the same secret can be recognised with the key, and says nothing without it.
pub(crate) fn fingerprint(app: &App, environment: &EnvironmentId, secret: &SecretString) -> Result<String> {
    let tag = app.keyring()?.mac(environment, FINGERPRINT, &[secret.expose().as_bytes()]);
    tag.map(|tag| to_hex(&tag)).map_err(vault_error)
}

/// A line for the audit trail, to be written in the transaction of a change.
pub(crate) fn row(app: &App, caller: &Caller, action: &str, target: &str, detail: Value) -> Result<AuditRow> {
    Ok(AuditRow {
        id: app.id(AuditId::from_number)?,
        environment_id: caller.environment.clone(),
        actor: caller.actor.as_text(),
        action: action.to_owned(),
        target: target.to_owned(),
        detail,
        reference: Some(caller.reference.to_string()),
        created_at: app.now(),
    })
}

/// Writes a line now.
pub(crate) async fn record(
    app: &App,
    caller: &Caller,
    action: &str,
    target: &str,
    detail: Value,
) -> Result<()> {
    Ok(app.db().append_audit(&row(app, caller, action, target, detail)?).await?)
}
