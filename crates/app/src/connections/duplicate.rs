//! A draft with the settings of another connection.

use keybearer_core::Result;

use super::types::{Connection, ConnectionConfig, CreateConnection, ScopeSettings, UpdateConnection};
use super::{create, find, update};
use crate::access::{Caller, Permission};
use crate::state::App;

/// Makes a draft with the settings of a connection, without its credentials and with a redirect URI of its own.
///
/// # Errors
/// `PermissionDenied`, `ConnectionNotFound`, `ConnectorNotFound`.
pub async fn duplicate(app: &App, caller: &Caller, id_or_name: &str) -> Result<Connection> {
    caller.require(Permission::ConnectorsWrite)?;
    let row = find::row(app, &caller.environment, id_or_name).await?;
    let config = ConnectionConfig::of(&row);
    let new = CreateConnection {
        connector: row.connector.clone(),
        method: Some(row.method.clone()),
        label: row.label.clone(),
        blurb_for_users: row.blurb_for_users.clone(),
        fields: config.fields,
        scopes: Some(ScopeSettings::of(&row)),
        extra_authorize_params: config.extra_authorize_params,
        context: config.context,
        draft: true,
        ..CreateConnection::default()
    };
    let made = create::create(app, caller, new).await?;
    let rest = UpdateConnection {
        fixed: config.fixed,
        overrides: config.overrides,
        proxy_enabled: Some(row.proxy_enabled),
        ..UpdateConnection::default()
    };
    update::update(app, caller, made.id.as_str(), rest).await
}
