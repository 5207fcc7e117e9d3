//! The wire's `context`: values such as `domain` that fill the connector's addresses.

use keybearer_connectors::Bindings;
use keybearer_connectors::schema::AuthMethod;
use keybearer_core::{CredentialSource, Error, FieldViolation, Result};
use serde_json::{Map, Value, json};

use super::create::to_json;
use super::types::{Connection, ConnectionConfig};
use super::values::{self, Given, Values};
use super::{find, state};
use crate::access::{Caller, Permission};
use crate::state::App;

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
