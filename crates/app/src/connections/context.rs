//! The wire's `context`: values such as `domain` that fill the connector's addresses.

use keybearer_connectors::Bindings;
use keybearer_connectors::schema::{AuthMethod, Connector};
use keybearer_core::{CredentialSource, Error, FieldViolation, Result};
use keybearer_store::ConnectionRow;
use serde_json::{Map, Value, json};

use super::create::to_json;
use super::types::{Connection, ConnectionConfig};
use super::values::{self, Given, Values};
use super::{find, state};
use crate::access::{Caller, Permission};
use crate::audit;
use crate::state::App;
use crate::tokens::LoadedConnection;

/// The values of a connection as they were given, with its plain fields.
///
/// # Errors
/// `ConnectionNotFound`, `PermissionDenied`.
pub async fn context(app: &App, caller: &Caller, id_or_name: &str) -> Result<Map<String, Value>> {
    caller.require(Permission::ConnectorsRead)?;
    let config = ConnectionConfig::of(&find::row(app, &caller.environment, id_or_name).await?);
    let mut context = config.context;
    context.extend(config.fields.into_iter().map(|(name, value)| (name, Value::String(value))));
    Ok(context)
}

/// Replaces the values. Those that are fields of the connector become its fields; the others are kept as given.
///
/// # Errors
/// `InvalidArgument` at each wrong value; `ConnectionNotFound`, `PermissionDenied`.
pub async fn set_context(
    app: &App,
    caller: &Caller,
    id_or_name: &str,
    context: Map<String, Value>,
) -> Result<Connection> {
    caller.require(Permission::ConnectorsWrite)?;
    let row = find::row(app, &caller.environment, id_or_name).await?;
    let connector = find::connector(app, &caller.environment, &row.connector).await?;
    let method = find::method(&connector, Some(&row.method))?;
    check(method, &context)?;
    let (fields, secrets) = (values::of_context(method, &context), Bindings::new());
    let given = Given { client_id: None, fields: &fields, secrets: &secrets };
    let values = values::read(&connector, method, given)?;
    if row.credential_source == CredentialSource::Shared {
        let only_fields = Values { fields: values.fields.clone(), ..Values::default() };
        values::check_shared(&connector, method, &only_fields)?;
    }
    let detail = json!({"keys": context.keys().collect::<Vec<_>>()});
    state::change(app, caller, id_or_name, "connection.context_set", detail, |row| {
        let mut config = ConnectionConfig::of(row);
        for name in &values.cleared {
            config.fields.remove(name);
        }
        config.fields.extend(values.fields);
        config.context = context;
        row.config = to_json(&config)?;
        Ok(())
    })
    .await
}

/// The values that hold for the accounts of one organization beside the connection's own, as they were given.
///
/// # Errors
/// `ConnectionNotFound`, `PermissionDenied`.
pub async fn organization_context(
    app: &App,
    caller: &Caller,
    id_or_name: &str,
    organization_id: &str,
) -> Result<Map<String, Value>> {
    caller.require(Permission::ConnectorsRead)?;
    let row = find::row(app, &caller.environment, id_or_name).await?;
    stored(app, &row, organization_id).await
}

/// Replaces the values of one organization. Its accounts use them in place of the connection's.
///
/// # Errors
/// `InvalidArgument` at each wrong value, and at `context` where the connection uses shared credentials, which never
/// go to a host that somebody else names; `ConnectionNotFound`, `PermissionDenied`.
pub async fn set_organization_context(
    app: &App,
    caller: &Caller,
    id_or_name: &str,
    organization_id: &str,
    context: Map<String, Value>,
) -> Result<()> {
    caller.require(Permission::ConnectorsWrite)?;
    let row = find::row(app, &caller.environment, id_or_name).await?;
    let connector = find::connector(app, &caller.environment, &row.connector).await?;
    let method = find::method(&connector, Some(&row.method))?;
    check(method, &context)?;
    if organization_id.chars().count() > 32 || organization_id.chars().any(char::is_control) {
        return Err(Error::field("organization_id", "must be one line of at most 32 characters"));
    }
    if row.credential_source == CredentialSource::Shared && !context.is_empty() {
        return Err(Error::field("context", "must be empty: the connection uses shared credentials"));
    }
    fields_of(&connector, method, &context)?;
    let detail = json!({"organization": organization_id, "keys": context.keys().collect::<Vec<_>>()});
    let line = audit::row(app, caller, "connection.organization_context_set", row.id.as_str(), detail)?;
    let context = Value::Object(context);
    Ok(app.db().set_connection_context(&row.id, organization_id, &context, app.now(), &line).await?)
}

async fn stored(app: &App, row: &ConnectionRow, organization_id: &str) -> Result<Map<String, Value>> {
    let found = app.db().find_connection_context(&row.id, organization_id).await?;
    Ok(found.and_then(|context| context.as_object().cloned()).unwrap_or_default())
}

/// The context's connection fields, cleaned.
fn fields_of(connector: &Connector, method: &AuthMethod, context: &Map<String, Value>) -> Result<Values> {
    let (fields, secrets) = (values::of_context(method, context), Bindings::new());
    values::read(connector, method, Given { client_id: None, fields: &fields, secrets: &secrets })
}

/// What the calls and links of an organization's accounts use in place of the connection's own values.
pub(crate) async fn organization_bindings(
    app: &App,
    connection: &LoadedConnection,
    organization_id: &str,
) -> Result<Bindings> {
    if organization_id.is_empty() || connection.row.credential_source == CredentialSource::Shared {
        return Ok(Bindings::new());
    }
    let context = stored(app, &connection.row, organization_id).await?;
    let values = fields_of(&connection.connector, connection.method()?, &context)?;
    Ok(values.fields.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect())
}

/// A context is shown again: it holds no secret and is of a sensible size.
pub(super) fn check(method: &AuthMethod, context: &Map<String, Value>) -> Result<()> {
    let secret = |name: &str| {
        matches!(name, "client_secret" | "access_token" | "refresh_token")
            || method.field(name).is_some_and(|field| field.secret)
    };
    let violations: Vec<FieldViolation> = context
        .keys()
        .filter(|name| secret(name))
        .map(|name| FieldViolation {
            field: format!("context.{name}"),
            description: "is a secret and must be set as a credential".to_owned(),
        })
        .collect();
    if !violations.is_empty() {
        return Err(Error::fields(violations));
    }
    if to_json(context)?.to_string().len() > 16 * 1024 {
        return Err(Error::field("context", "must have at most 16384 characters"));
    }
    Ok(())
}
