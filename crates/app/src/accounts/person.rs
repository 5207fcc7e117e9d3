//! One person over all connections: what they have, and the end of all of it.

use keybearer_core::{Error, Result, Timestamp};
use serde_json::json;

use super::types::{Account, Lookup, RevokeOutcome};
use super::{disconnect, view};
use crate::access::{Caller, Permission};
use crate::audit;
use crate::events;
use crate::state::App;
use crate::user_pages;

/// Most accounts of one person that are shown or erased at once.
const MOST: i64 = 500;

/// What was erased of a person.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Erasure {
    /// The person, as the developer names them.
    pub person: String,
    /// When.
    pub at: Timestamp,
    /// Under which reference the audit trail has it.
    pub reference: String,
    /// What became of each account.
    pub accounts: Vec<ErasedAccount>,
    /// Events that were removed.
    pub events: u64,
    /// Lines of the call log that were removed.
    pub calls: u64,
}

/// What became of an account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ErasedAccount {
    /// Its id.
    pub id: String,
    /// The connection's name.
    pub connection: String,
    /// What came of the revocation at the provider.
    pub outcome: RevokeOutcome,
}

/// The accounts of a person on all connections, newest first; 500 at most.
///
/// # Errors
/// `PermissionDenied`.
pub async fn of_person(app: &App, caller: &Caller, person: &str) -> Result<Vec<Account>> {
    caller.require(Permission::AccountsRead)?;
    let rows = app.db().list_accounts_of_person(&caller.environment, person, MOST).await?;
    view::many(app, rows).await
}

/// Ends everything a person has here: each account is deleted with its credential, links and refreshes, its provider is
/// asked to revoke what it held, and what the logs hold about it is removed. What stays: the notice `deleted` of each
/// account, so that webhooks can carry it, and lines of the audit trail, which hold ids and no names.
///
/// # Errors
/// `PermissionDenied`; `InvalidArgument` at `expected` when the person has another number of accounts by now: then nothing
/// is done. A failure on the way leaves what is left, and doing it again goes on.
pub async fn erase_person(app: &App, caller: &Caller, person: &str, expected: usize) -> Result<Erasure> {
    caller.require(Permission::AccountsRevoke)?;
    let rows = app.db().list_accounts_of_person(&caller.environment, person, MOST).await?;
    if rows.len() != expected {
        let detail = format!("must be the number of accounts: {} by now", rows.len());
        return Err(Error::field("expected", detail));
    }
    let names: Vec<Account> = view::many(app, rows).await?;
    let mut done = Erasure {
        person: person.to_owned(),
        at: app.now(),
        reference: caller.reference.to_string(),
        accounts: Vec::new(),
        events: 0,
        calls: 0,
    };
    // nobody connects again on a page of theirs while this goes on
    user_pages::end_all(app, caller, person).await?;
    // lines of calls that are not written yet would come after their removal
    app.ledger().settle().await;
    for account in names {
        let outcome = disconnect::delete(app, caller, &Lookup::id(account.id.as_str())).await?;
        let (events, calls) =
            app.db().erase_traces(&caller.environment, &account.id, events::DELETED).await?;
        done.events = done.events.saturating_add(events);
        done.calls = done.calls.saturating_add(calls);
        done.accounts.push(ErasedAccount {
            id: account.id.to_string(),
            connection: account.connection,
            outcome,
        });
    }
    let detail = json!({"accounts": done.accounts.len(), "events": done.events, "calls": done.calls});
    audit::record(app, caller, "person.erased", "person", detail).await?;
    Ok(done)
}
