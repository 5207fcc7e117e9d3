//! What a connection is used for, who lacks what it asks for, and giving everything back at the provider.

use std::time::Duration;

use keybearer_connectors::scopes as grammar;
use keybearer_core::{Error, Result, Timestamp};
use serde_json::json;
use tokio::task::JoinSet;

use super::create::to_json;
use super::types::{Connection, ConnectionConfig, ScopeSettings};
use super::{find, state};
use crate::access::{Caller, Permission};
use crate::accounts::{self, Account, AccountQuery, Lookup, RevokeOutcome};
use crate::paging::PageAsk;
use crate::state::App;

const WEEK: Duration = Duration::from_secs(7 * 86_400);
/// How many accounts one call gives back at the provider.
pub const MAX_REVOKED: i64 = 200;
const AT_ONCE: usize = 8;

/// What would end with a connection.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Usage {
    /// Calls in the last seven days.
    pub calls: i64,
    /// The last call in that time.
    pub last_call_at: Option<Timestamp>,
    /// Connect links that still work.
    pub open_links: i64,
    /// Whether the provider can be told to revoke.
    pub can_revoke: bool,
}

/// What a connection was used for in the last seven days, and which links are out.
///
/// # Errors
/// `PermissionDenied`, `ConnectionNotFound`.
pub async fn usage(app: &App, caller: &Caller, id_or_name: &str) -> Result<Usage> {
    caller.require(Permission::ConnectorsRead)?;
    let row = find::row(app, &caller.environment, id_or_name).await?;
    let since = app.now().minus(WEEK);
    let calls = app.db().count_calls_of_connection(&caller.environment, &row.id, since).await?;
    let connector = find::connector(app, &caller.environment, &row.connector).await.ok();
    let method = connector.as_ref().and_then(|connector| connector.method(&row.method));
    Ok(Usage {
        calls: calls.calls,
        last_call_at: calls.last_call_at,
        open_links: app.db().count_open_links(&row.id, app.now()).await?,
        can_revoke: method.is_some_and(|method| method.revoke.is_some()),
    })
}

/// Accounts with a credential that lack something the connection asks for, the newest first; `limit` at most. One query
/// for each set of scopes that was granted, however many accounts there are.
///
/// # Errors
/// `PermissionDenied`, `ConnectionNotFound`.
pub async fn lacking(app: &App, caller: &Caller, id_or_name: &str, limit: usize) -> Result<Vec<Account>> {
    caller.require(Permission::AccountsRead)?;
    let row = find::row(app, &caller.environment, id_or_name).await?;
    let connector = find::connector(app, &caller.environment, &row.connector).await?;
    let method = find::method(&connector, Some(&row.method))?;
    let asked = ScopeSettings::of(&row).wanted();
    let most = i64::try_from(limit).unwrap_or(i64::MAX);
    let mut found = Vec::new();
    for group in app.db().count_granted_scopes(&row.id).await? {
        if !grammar::not_granted(method, &group.granted_scopes, &asked).is_empty() {
            let rows = app.db().list_accounts_of_granted(&row.id, &group.granted_scopes, most).await?;
            found.extend(rows);
        }
    }
    found.sort_by(|one, other| (other.created_at, &other.id).cmp(&(one.created_at, &one.id)));
    found.truncate(limit);
    accounts::shown(app, found).await
}

/// Keeps how many accounts had to sign in again, so that their progress can be told.
///
/// # Errors
/// `PermissionDenied`, `ConnectionNotFound`.
pub async fn note_scope_change(
    app: &App,
    caller: &Caller,
    id_or_name: &str,
    behind: i64,
) -> Result<Connection> {
    let detail = json!({"accounts": behind});
    state::change(app, caller, id_or_name, "connection.scopes_reviewed", detail, |row| {
        let mut config = ConnectionConfig::of(row);
        config.behind_at_change = behind;
        row.config = to_json(&config)?;
        Ok(())
    })
    .await
}

/// What came of giving grants back at the provider.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Revoked {
    /// The provider confirmed it.
    pub revoked: i64,
    /// It refused or was away: the grants may live on there.
    pub refused: i64,
}

/// Disconnects every account of a connection and tells the provider. For what is about to be deleted.
///
/// # Errors
/// `InvalidArgument` where there are more than [`MAX_REVOKED`]; `PermissionDenied`, `ConnectionNotFound`.
pub async fn revoke_all(app: &App, caller: &Caller, id_or_name: &str) -> Result<Revoked> {
    caller.require(Permission::ConnectorsWrite)?;
    caller.require(Permission::AccountsRevoke)?;
    let row = find::row(app, &caller.environment, id_or_name).await?;
    let query = AccountQuery { connection: Some(row.id.to_string()), ..AccountQuery::default() };
    let (mut ids, mut token) = (Vec::new(), String::new());
    loop {
        let page = accounts::list(app, caller, &query, &PageAsk { size: 100, token }).await?;
        if page.total > MAX_REVOKED {
            return Err(Error::field(
                "revoke",
                format!("takes {MAX_REVOKED} accounts at most (got {})", page.total),
            ));
        }
        ids.extend(page.items.into_iter().map(|account| account.id));
        match page.next {
            Some(next) => token = next,
            None => break,
        }
    }
    let (mut told, mut ids) = (Revoked::default(), ids.into_iter().peekable());
    while ids.peek().is_some() {
        let mut asked = JoinSet::new();
        for id in ids.by_ref().take(AT_ONCE) {
            let (app, caller) = (app.clone(), caller.clone());
            asked.spawn(async move { accounts::disconnect(&app, &caller, &Lookup::id(id.as_str())).await });
        }
        while let Some(answer) = asked.join_next().await {
            let ended = answer.map_err(|_| Error::internal("a revocation was interrupted"))??;
            match ended.outcome {
                RevokeOutcome::Revoked => told.revoked += 1,
                RevokeOutcome::Failed | RevokeOutcome::NotReachable | RevokeOutcome::Unknown => {
                    told.refused += 1
                }
                RevokeOutcome::NothingToRevoke | RevokeOutcome::NotOffered => {}
            }
        }
    }
    Ok(told)
}
