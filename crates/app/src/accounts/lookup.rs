//! Which account is meant (`wire/sdk-behaviour.md` §8).

use keybearer_core::ids::{AccountId, EnvironmentId};
use keybearer_core::{Code, Error, Result};
use keybearer_store::{AccountFilter, AccountRow, ConnectionRow, PageRequest};

use super::types::Lookup;
use crate::connections;
use crate::state::App;

const MAX_IDENTIFIER: usize = 100;
const MAX_SCOPE: usize = 32;

/// Connection, user and scope of an account that may not exist yet.
#[derive(Clone, Debug)]
pub(crate) struct Key {
    pub connection: ConnectionRow,
    pub identifier: String,
    pub organization_id: String,
    pub user_id: String,
}

/// The value of an optional text; empty counts as absent.
fn text(value: Option<&String>) -> Option<&str> {
    value.map(String::as_str).filter(|value| !value.is_empty())
}

/// Finds the account of a lookup inside the environment.
///
/// By id, or by connection and user: the account without a scope, or the only one in any scope that fits. Python
/// drops organization and user from its lookups, so an unscoped one must find a scoped account.
///
/// # Errors
/// `InvalidArgument` for a malformed id or when neither id nor connection and user are given;
/// [`Code::ConnectionNotFound`], [`Code::AccountNotFound`]; [`Code::FailedPrecondition`] when several fit.
pub(crate) async fn resolve(
    app: &App,
    environment: &EnvironmentId,
    lookup: &Lookup,
) -> Result<(ConnectionRow, AccountRow)> {
    if let Some(id) = text(lookup.id.as_ref()) {
        return by_id(app, environment, id).await;
    }
    let key = key(app, environment, lookup).await?;
    match find(app, environment, &key).await? {
        Some(row) => Ok((key.connection, row)),
        None => Err(not_found()),
    }
}

async fn by_id(app: &App, environment: &EnvironmentId, id: &str) -> Result<(ConnectionRow, AccountRow)> {
    let id = AccountId::parse(id).ok_or_else(|| Error::field("id", "must be `ca_` and digits"))?;
    let row = app.db().find_account(&id).await?.filter(|row| row.environment_id == *environment);
    let row = row.ok_or_else(not_found)?;
    let connection = connections::row_by_id(app, environment, &row.connection_id).await?;
    Ok((connection, row))
}

/// Connection, user and scope that a lookup names.
///
/// # Errors
/// `InvalidArgument` at each part that is missing or too long; [`Code::ConnectionNotFound`].
pub(crate) async fn key(app: &App, environment: &EnvironmentId, lookup: &Lookup) -> Result<Key> {
    let connector = text(lookup.connector.as_ref())
        .ok_or_else(|| Error::field("connector", "must name a connection, unless `id` is given"))?;
    let identifier = text(lookup.identifier.as_ref())
        .ok_or_else(|| Error::field("identifier", "must name your user, unless `id` is given"))?;
    let organization_id = text(lookup.organization_id.as_ref()).unwrap_or_default();
    let user_id = text(lookup.user_id.as_ref()).unwrap_or_default();
    check_scope(identifier, organization_id, user_id)?;
    Ok(Key {
        connection: connections::row(app, environment, connector).await?,
        identifier: identifier.to_owned(),
        organization_id: organization_id.to_owned(),
        user_id: user_id.to_owned(),
    })
}

/// A user of whom a page is made: one that can have accounts.
///
/// # Errors
/// `InvalidArgument` at each part that is missing or too long.
pub(crate) fn check_person(identifier: &str, organization_id: &str, user_id: &str) -> Result<()> {
    if identifier.is_empty() {
        return Err(Error::field("identifier", "must name your user"));
    }
    super::org_wide::refuse_its_name(identifier)?;
    check_scope(identifier, organization_id, user_id)
}

fn check_scope(identifier: &str, organization_id: &str, user_id: &str) -> Result<()> {
    check("identifier", identifier, MAX_IDENTIFIER)?;
    check("organization_id", organization_id, MAX_SCOPE)?;
    check("user_id", user_id, MAX_SCOPE)
}

fn check(field: &str, value: &str, max: usize) -> Result<()> {
    if value.chars().count() > max || value.chars().any(char::is_control) {
        return Err(Error::field(field, format!("must be one line of at most {max} characters")));
    }
    Ok(())
}

/// The account of a key, in exactly its scope or as the only one that its scope fits.
pub(super) async fn find(app: &App, environment: &EnvironmentId, key: &Key) -> Result<Option<AccountRow>> {
    let Key { connection, identifier, organization_id, user_id } = key;
    let exact = app.db().find_account_of(&connection.id, identifier, organization_id, user_id).await?;
    if exact.is_some() {
        return Ok(exact);
    }
    let given = |value: &String| Some(value.clone()).filter(|value| !value.is_empty());
    let filter = AccountFilter {
        connection_id: Some(connection.id.clone()),
        identifier: Some(identifier.clone()),
        organization_id: given(organization_id),
        user_id: given(user_id),
        ..AccountFilter::default()
    };
    let mut rows = app.db().list_accounts(environment, &filter, &PageRequest::first(2)).await?.rows;
    if rows.len() > 1 {
        return Err(Error::new(Code::FailedPrecondition, "several accounts of the user fit")
            .with_help("name the account by its id, or give organization_id and user_id"));
    }
    Ok(rows.pop())
}

pub(super) fn not_found() -> Error {
    Error::new(Code::AccountNotFound, "there is no such account")
        .with_help("a connect link makes it: `keybearer link CONNECTION --user USER`")
}
