//! Reading accounts.

use keybearer_core::ids::AccountId;
use keybearer_core::{Error, Result};
use keybearer_store::AccountFilter;
use serde_json::json;

use super::types::{Account, AccountQuery, Lookup, RefreshRecord, StatusCount};
use super::{lookup, view};
use crate::access::{Caller, Permission};
use crate::connections;
use crate::paging::{List, Listed, PageAsk};
use crate::state::App;

/// One account, without secrets.
///
/// # Errors
/// `PermissionDenied`, `ConnectionNotFound`, `AccountNotFound`, `InvalidArgument` for a malformed lookup.
pub async fn get(app: &App, caller: &Caller, lookup: &Lookup) -> Result<Account> {
    caller.require(Permission::AccountsRead)?;
    let (connection, row) = lookup::resolve(app, &caller.environment, lookup).await?;
    view::show(app, &connection, row).await
}

/// One page of the environment's accounts, newest first: 10 unless asked otherwise, 100 at most.
///
/// # Errors
/// `PermissionDenied`, `ConnectionNotFound` for an unknown `connection`, `InvalidArgument` at `page_size` or
/// `page_token`.
pub async fn list(
    app: &App,
    caller: &Caller,
    query: &AccountQuery,
    page: &PageAsk,
) -> Result<Listed<Account>> {
    caller.require(Permission::AccountsRead)?;
    listed(app, caller, query, page, ("accounts", 100)).await
}

/// Accounts whose user or identity contains a text of 3 to 200 characters, newest first: 10 unless asked otherwise,
/// 30 at most.
///
/// # Errors
/// Those of [`list`], and `InvalidArgument` at `query`.
pub async fn search(
    app: &App,
    caller: &Caller,
    query: &str,
    connection: Option<&str>,
    page: &PageAsk,
) -> Result<Listed<Account>> {
    caller.require(Permission::AccountsRead)?;
    if !(3..=200).contains(&query.chars().count()) {
        return Err(Error::field("query", "must have 3 to 200 characters"));
    }
    let query = AccountQuery {
        query: Some(query.to_owned()),
        connection: connection.map(str::to_owned),
        ..AccountQuery::default()
    };
    listed(app, caller, &query, page, ("accounts:search", 30)).await
}

async fn listed(
    app: &App,
    caller: &Caller,
    query: &AccountQuery,
    page: &PageAsk,
    (name, max_size): (&str, u32),
) -> Result<Listed<Account>> {
    let filter = filter(app, caller, query).await?;
    let bound = json!([
        filter.connection_names,
        filter.connector,
        filter.connection_id,
        filter.identifier,
        filter.organization_id,
        filter.user_id,
        filter.status,
        filter.query,
        filter.org_wide,
    ])
    .to_string();
    let list = List {
        environment: &caller.environment,
        name,
        query: &bound,
        prefix: AccountId::PREFIX,
        default_size: 10,
        max_size,
    };
    let request = list.request(app, page)?;
    let rows = app.db().list_accounts(&caller.environment, &filter, &request).await?;
    let listed = list.listed(app, rows)?;
    let (next, previous, total) = (listed.next, listed.previous, listed.total);
    Ok(Listed { items: view::many(app, listed.items).await?, total, next, previous })
}

async fn filter(app: &App, caller: &Caller, query: &AccountQuery) -> Result<AccountFilter> {
    let text = |value: &Option<String>| value.clone().filter(|value| !value.is_empty());
    let connection_id = match text(&query.connection) {
        Some(connection) => Some(connections::row(app, &caller.environment, &connection).await?.id),
        None => None,
    };
    let connector = connections::slug(app, &caller.environment, text(&query.connector)).await?;
    // the store joins names with a bar, which no name can hold
    let names = query.connection_names.iter().filter(|name| !name.is_empty());
    let connection_names: Vec<String> = names.map(|name| name.replace('|', "\u{fffd}")).collect();
    Ok(AccountFilter {
        connection_names,
        connector,
        connection_id,
        identifier: text(&query.identifier),
        organization_id: text(&query.organization_id),
        user_id: text(&query.user_id),
        status: query.status,
        query: text(&query.query),
        org_wide: query.org_wide,
    })
}

/// How many accounts of the environment are in which state, for each connection.
///
/// # Errors
/// `PermissionDenied`.
pub async fn counts(app: &App, caller: &Caller) -> Result<Vec<StatusCount>> {
    caller.require(Permission::AccountsRead)?;
    let counted = app.db().count_accounts(&caller.environment).await?;
    let shown = counted.into_iter().map(|count| StatusCount {
        connection_id: count.connection_id,
        status: count.status,
        accounts: count.accounts,
    });
    Ok(shown.collect())
}

/// The last refreshes of an account, newest first; 100 at most.
///
/// # Errors
/// Those of [`get`].
pub async fn history(app: &App, caller: &Caller, lookup: &Lookup, limit: u32) -> Result<Vec<RefreshRecord>> {
    caller.require(Permission::AccountsRead)?;
    let (_, row) = lookup::resolve(app, &caller.environment, lookup).await?;
    let limit = if limit == 0 { 20 } else { limit.min(100) };
    let rows = app.db().list_refresh_log(&row.id, i64::from(limit)).await?;
    let shown = rows.into_iter().map(|row| RefreshRecord {
        at: row.at,
        outcome: row.outcome,
        reason: row.reason,
        generation: row.generation,
        duration_ms: row.duration_ms,
    });
    Ok(shown.collect())
}
