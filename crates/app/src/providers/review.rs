//! What a change of a connector means for those that use it.

use std::collections::BTreeSet;

use keybearer_connectors::Connector;
use keybearer_connectors::forms::account_form;
use keybearer_connectors::pattern::Compiled;
use keybearer_core::{Code, Error, Result};

use super::types::{CreateProvider, Provider};
use super::{check, examine, find};
use crate::access::{Caller, Permission};
use crate::state::App;

/// A connection that uses a connector.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Used {
    /// Its name.
    pub connection: String,
    /// Its way to sign in.
    pub method: String,
    /// How many accounts it has.
    pub accounts: i64,
}

/// What a change means for them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Change {
    /// The version that is there now.
    pub version: i64,
    /// Those that follow it at once.
    pub uses: Vec<Used>,
    /// Ways to sign in that a connection uses and that would be gone; the change is refused.
    pub lost: Vec<String>,
    /// Hosts to which credentials could not go so far.
    pub new_hosts: Vec<String>,
    /// Hosts to which nothing goes any more.
    pub gone_hosts: Vec<String>,
    /// A value that was secret would be shown.
    pub reveals: bool,
    /// Stored credentials could go elsewhere or be shown, and the caller may not do that.
    pub forbidden: bool,
    /// Scopes that connections cannot ask for any more.
    pub gone_scopes: Vec<String>,
    /// Scopes that every sign-in asks for from then on.
    pub required_scopes: Vec<String>,
    /// Values that accounts need and may not have.
    pub new_fields: Vec<String>,
    /// Calls through the proxy stop.
    pub stops_calls: bool,
}

/// The connections that use a connector of the environment.
///
/// # Errors
/// [`Code::PermissionDenied`], [`Code::ConnectorNotFound`].
pub async fn uses(app: &App, caller: &Caller, identifier: &str) -> Result<Vec<Used>> {
    caller.require(Permission::ConnectorsRead)?;
    let Provider::Custom(custom) = find::get(app, caller, identifier).await? else {
        return Err(find::not_found(identifier));
    };
    let rows = app.db().custom_connector_uses(&caller.environment, &custom.identifier).await?;
    let used = |row: keybearer_store::CustomConnectorUse| Used {
        connection: row.name,
        method: row.method,
        accounts: row.accounts,
    };
    Ok(rows.into_iter().map(used).collect())
}

/// What the change would mean. Nothing is changed.
///
/// # Errors
/// [`Code::PermissionDenied`], [`Code::ConnectorNotFound`], `InvalidArgument` at each wrong field.
pub async fn review(
    app: &App,
    caller: &Caller,
    identifier: &str,
    described: &CreateProvider,
) -> Result<Change> {
    caller.require(Permission::ConnectorsWrite)?;
    let uses = uses(app, caller, identifier).await?;
    let Provider::Custom(custom) = find::get(app, caller, identifier).await? else {
        return Err(Error::new(Code::ConnectorNotFound, "there is no such connector of the environment"));
    };
    let after = check::check(app, &examine::row(app, caller, described)?)?;
    let lost = uses.iter().filter(|used| after.connector.method(&used.method).is_none());
    let mut change = Change {
        version: custom.version,
        lost: lost
            .map(|used| used.method.to_ascii_uppercase())
            .collect::<BTreeSet<_>>()
            .into_iter()
            .collect(),
        stops_calls: custom.proxy_enabled && !described.proxy_enabled,
        ..Change::default()
    };
    let before = check::compiled(&examine::row(app, caller, &custom.described())?);
    match &before {
        Ok(before) => compare(before, &after, &mut change),
        // what is stored cannot be used any more: everything may be new
        Err(_) => change.new_hosts = check::destinations(&after).into_iter().collect(),
    }
    let moves = !change.new_hosts.is_empty() || change.reveals;
    change.forbidden = moves && !uses.is_empty() && !caller.permissions.has(Permission::AccountsAccess);
    change.uses = uses;
    Ok(change)
}

pub(super) fn compare(before: &Compiled, after: &Compiled, change: &mut Change) {
    let (old, new) = (check::destinations(before), check::destinations(after));
    change.new_hosts = new.difference(&old).cloned().collect();
    change.gone_hosts = old.difference(&new).cloned().collect();
    change.reveals = check::reveals(before, after);
    let (old, new) = (scopes(&before.connector, false), scopes(&after.connector, false));
    change.gone_scopes = old.difference(&new).cloned().collect();
    let (old, new) = (scopes(&before.connector, true), scopes(&after.connector, true));
    change.required_scopes = new.difference(&old).cloned().collect();
    let (old, new) = (needed(&before.connector), needed(&after.connector));
    change.new_fields = new.difference(&old).cloned().collect();
}

fn scopes(connector: &Connector, required: bool) -> BTreeSet<String> {
    let all = connector.auth.iter().flat_map(|method| &method.scopes);
    all.filter(|scope| !required || scope.required).map(|scope| scope.name.clone()).collect()
}

fn needed(connector: &Connector) -> BTreeSet<String> {
    let all = connector.auth.iter().flat_map(|method| account_form(connector, method));
    all.filter(|field| field.required).map(|field| field.name).collect()
}
