//! Deleting a connector of the environment.

use keybearer_core::{Code, Error, Result};
use keybearer_store::CustomConnectorUse;
use serde_json::json;

use super::find;
use crate::access::{Caller, Permission};
use crate::audit;
use crate::state::App;

/// Deletes a connector of the environment that no connection uses.
///
/// # Errors
/// [`Code::PermissionDenied`], [`Code::ConnectorNotFound`], [`Code::FailedPrecondition`] naming the connections.
pub async fn delete(app: &App, caller: &Caller, identifier: &str) -> Result<()> {
    caller.require(Permission::ConnectorsWrite)?;
    let identifier = identifier.to_ascii_uppercase();
    let gone = app
        .db()
        .remove_custom_connector(&caller.environment, &identifier, |seen, uses| {
            check(uses)?;
            let detail = json!({"identifier": seen.identifier});
            audit::row(app, caller, "provider.deleted", seen.id.as_str(), detail)
        })
        .await?;
    if gone { Ok(()) } else { Err(find::not_found(&identifier)) }
}

fn check(uses: &[CustomConnectorUse]) -> Result<()> {
    if uses.is_empty() {
        return Ok(());
    }
    let accounts: i64 = uses.iter().map(|used| used.accounts).sum();
    let names: Vec<&str> = uses.iter().take(5).map(|used| used.name.as_str()).collect();
    let more = if uses.len() > names.len() { ", …" } else { "" };
    let detail =
        format!("{} connections with {accounts} accounts use it: {}{more}", uses.len(), names.join(", "));
    Err(Error::new(Code::FailedPrecondition, detail).with_help("delete these connections first"))
}
