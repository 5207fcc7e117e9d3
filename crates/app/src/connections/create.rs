//! Making a connection.

use std::collections::BTreeMap;

use keybearer_connectors::engine::auth_type;
use keybearer_connectors::schema::{AuthMethod, Connector};
use keybearer_connectors::{Bindings, forms};
use keybearer_core::ids::{ConnectionId, CredentialId};
use keybearer_core::{AuthType, Code, ConnectionState, CredentialSource, Error, Result, random_token};
use keybearer_store::{AuthMode, ConnectionRow, CredentialRow};
use serde_json::json;

use super::credentials::Client;
use super::overrides::MethodOverrides;
use super::types::{Connection, ConnectionConfig, CreateConnection, NameRules, ScopeSettings};
use super::values::{self, Given, Have, Values};
use super::{context, credentials, find, name, scopes, view};
use crate::access::{Caller, Permission};
use crate::audit;
use crate::state::App;

/// How often a name that we chose is chosen again when somebody else was faster.
const TRIES: usize = 5;

/// Makes a connection. It is in use at once when nothing is missing, else a draft; its id and redirect URI are
/// final in both cases.
///
/// # Errors
/// [`Code::PermissionDenied`], [`Code::ConnectorNotFound`], [`Code::ConnectionNameTaken`] with a free name in the
/// help, `InvalidArgument` at each wrong field.
pub async fn create(app: &App, caller: &Caller, new: CreateConnection) -> Result<Connection> {
    caller.require(Permission::ConnectorsWrite)?;
    let connector = find::connector(app, &caller.environment, &new.connector).await?;
    let method = match new.auth_type.filter(|_| new.method.is_none()) {
        Some(wanted) => find::method_of_type(&connector, wanted)?,
        None => find::method(&connector, new.method.as_deref())?,
    };
    if new.org_wide && auth_type(method) == AuthType::NoAuth {
        return Err(Error::field("auth_mode", "must be USER: there is no credential that all could use"));
    }
    let chosen = new.name.clone().filter(|name| !name.is_empty());
    if let Some(chosen) = &chosen {
        name::check(chosen, new.name_rules)?;
    }
    let (mut row, credential) = draft(app, caller, &connector, method, &new)?;
    for _ in 0..TRIES {
        row.name = match &chosen {
            Some(chosen) => chosen.clone(),
            None if new.name_rules == NameRules::Wire => name::random(app, &base_name(&connector))?,
            None => name::free(app, &caller.environment, &base_name(&connector)).await?,
        };
        let detail = json!({"name": row.name, "connector": row.connector, "method": row.method,
            "state": row.state, "source": row.credential_source, "auth_mode": row.auth_mode.as_str()});
        let audit = audit::row(app, caller, "connection.created", row.id.as_str(), detail)?;
        match app.db().add_connection(&row, credential.as_ref(), &audit).await {
            Ok(()) => return view::one(app, row).await,
            Err(error) if error.is_conflict("connection") => {
                if let Some(chosen) = &chosen {
                    return Err(name::taken(app, &caller.environment, chosen).await);
                }
            }
            Err(error) => return Err(error.into()),
        }
    }
    Err(Error::new(Code::ConnectionNameTaken, "every name that was tried was taken a moment before"))
}

/// What a connection is called when nobody says: the slug, or the readable part of an identifier.
fn base_name(connector: &Connector) -> String {
    let readable = connector.slug.split(':').next().unwrap_or_default();
    if connector.is_custom() { readable.to_ascii_lowercase() } else { readable.to_owned() }
}

/// The row without its name, and its credential.
fn draft(
    app: &App,
    caller: &Caller,
    connector: &Connector,
    method: &AuthMethod,
    new: &CreateConnection,
) -> Result<(ConnectionRow, Option<CredentialRow>)> {
    values::check_text("label", &new.label, 100)?;
    values::check_text("blurb_for_users", &new.blurb_for_users, 140)?;
    values::check_extra(method, &new.extra_authorize_params)?;
    let source = new.source.unwrap_or(CredentialSource::Own);
    let mut values = given(connector, method, new)?;
    let shared = match source {
        CredentialSource::Shared => Some(credentials::shared(app, connector, method, &values)?),
        CredentialSource::Own => None,
    };
    generate(app, connector, method, &mut values)?;
    values::check_client(values.client_id.as_deref(), &values.secrets)?;
    let scopes = match &new.scopes {
        Some(given) => scopes::check(method, given, shared)?,
        None => scopes::defaults(method, shared),
    };
    let id = app.id(ConnectionId::from_number)?;
    let client_id = shared.map(|shared| shared.client_id.clone()).or(values.client_id.clone());
    let credential = credential(app, caller, &id, source, client_id.clone(), &values.secrets)?;
    let secret_names: Vec<String> = values.secrets.iter().map(|(name, _)| name.to_owned()).collect();
    let have =
        Have { source, client_id: client_id.as_deref(), fields: &values.fields, secrets: &secret_names };
    let complete = values::missing(app, connector, method, have).is_empty();
    let state = if complete && !new.draft { ConnectionState::Active } else { ConnectionState::Draft };
    let config = ConnectionConfig {
        fields: values.fields,
        extra_authorize_params: new.extra_authorize_params.clone(),
        context: new.context.clone(),
        overrides: MethodOverrides::default(),
        fixed: BTreeMap::new(),
        behind_at_change: 0,
    };
    let auth_mode = if new.org_wide { AuthMode::OrgWide } else { AuthMode::User };
    let row = ConnectionRow {
        environment_id: caller.environment.clone(),
        method: method.id.clone(),
        state,
        label: new.label.trim().to_owned(),
        blurb_for_users: new.blurb_for_users.trim().to_owned(),
        credential_id: credential.as_ref().map(|credential| credential.id.clone()),
        auth_mode,
        ..blank(app, id, connector, source, &config, &scopes)?
    };
    Ok((row, credential))
}

fn given(connector: &Connector, method: &AuthMethod, new: &CreateConnection) -> Result<Values> {
    context::check(method, &new.context)?;
    let mut fields = values::of_context(method, &new.context);
    fields.extend(new.fields.clone());
    let given = Given { client_id: new.client_id.as_deref(), fields: &fields, secrets: &new.secrets };
    values::read(connector, method, given)
}

fn blank(
    app: &App,
    id: ConnectionId,
    connector: &Connector,
    source: CredentialSource,
    config: &ConnectionConfig,
    scopes: &ScopeSettings,
) -> Result<ConnectionRow> {
    let now = app.now();
    Ok(ConnectionRow {
        id,
        environment_id: keybearer_core::ids::EnvironmentId::from_stored(String::new()),
        name: String::new(),
        connector: connector.slug.clone(),
        method: String::new(),
        state: ConnectionState::Draft,
        attention: None,
        attention_at: None,
        label: String::new(),
        blurb_for_users: String::new(),
        credential_source: source,
        credential_id: None,
        config: to_json(config)?,
        scopes: to_json(scopes)?,
        auth_mode: AuthMode::User,
        proxy_enabled: true,
        version: 1,
        created_at: now,
        updated_at: now,
    })
}

/// Settings as they are stored.
pub(super) fn to_json(settings: &impl serde::Serialize) -> Result<serde_json::Value> {
    serde_json::to_value(settings).map_err(|_| Error::internal("settings cannot be written"))
}

/// Makes the values that the developer copies from us to the provider.
fn generate(app: &App, connector: &Connector, method: &AuthMethod, values: &mut Values) -> Result<()> {
    for field in forms::connection_form(connector, method).into_iter().filter(|field| field.generated) {
        if values.fields.contains_key(&field.name) || values.secrets.get(&field.name).is_some() {
            continue;
        }
        let value = random_token(app.entropy(), 20)?;
        if field.secret {
            values.secrets.insert(field.name, value);
        } else {
            values.fields.insert(field.name, value);
        }
    }
    Ok(())
}

fn credential(
    app: &App,
    caller: &Caller,
    connection: &ConnectionId,
    source: CredentialSource,
    client_id: Option<String>,
    secrets: &Bindings,
) -> Result<Option<CredentialRow>> {
    if client_id.is_none() && secrets.is_empty() {
        return Ok(None);
    }
    let id = app.id(CredentialId::from_number)?;
    let of = credentials::Of { environment: &caller.environment, connection };
    credentials::row(app, of, id, Client { source, client_id, by: &caller.actor, ends_at: None }, secrets)
        .map(Some)
}
