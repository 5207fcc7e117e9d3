//! Deleting a connection.

use keybearer_core::{Code, Error, Result};
use serde_json::json;

use super::find;
use crate::access::{Caller, Permission};
use crate::audit;
use crate::events::{self, AccountEvent};
use crate::state::App;

/// What a deletion took along.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Deleted {
    /// Accounts whose credentials were wiped. Nothing was revoked at the provider.
    pub accounts: i64,
}

/// Deletes a connection with its credentials, its open links and its accounts.
///
/// The accounts' credentials are wiped here; the provider is not asked to revoke them. Disconnect the accounts
/// first where that matters.
///
/// # Errors
/// [`Code::FailedPrecondition`] with the number of accounts, unless `force` is set and `expected_accounts` is that
/// number; [`Code::ConnectionNotFound`], [`Code::PermissionDenied`].
pub async fn delete(
    app: &App,
    caller: &Caller,
    id_or_name: &str,
    expected_accounts: Option<i64>,
    force: bool,
) -> Result<Deleted> {
    caller.require(Permission::ConnectorsWrite)?;
    let row = find::row(app, &caller.environment, id_or_name).await?;
    let gone = app
        .db()
        .remove_connection(
            &caller.environment,
            &row.id,
            |seen| {
                check(seen.accounts, expected_accounts, force)?;
                let detail = json!({"name": seen.row.name, "connector": seen.row.connector, "accounts": seen.accounts});
                audit::row(app, caller, "connection.deleted", seen.row.id.as_str(), detail)
            },
            |connection, account| Ok(vec![events::about(app, AccountEvent::Deleted, connection, account)?]),
        )
        .await?;
    gone.map(|seen| Deleted { accounts: seen.accounts }).ok_or_else(find::not_found)
}

fn check(accounts: i64, expected: Option<i64>, force: bool) -> Result<()> {
    if accounts == 0 || (force && expected == Some(accounts)) {
        return Ok(());
    }
    let detail = match expected.filter(|_| force) {
        Some(expected) => format!("the connection has {accounts} accounts and not {expected}"),
        None => format!("the connection has {accounts} accounts, which would lose their credentials"),
    };
    Err(Error::new(Code::FailedPrecondition, detail).with_help(format!(
        "pause it instead, or name their number to delete them with it: `--expect-accounts {accounts}`, or `force` and `expected_accounts` in the API"
    )))
}
