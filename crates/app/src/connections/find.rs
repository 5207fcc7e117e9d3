//! Finding connectors and connections.

use keybearer_connectors::engine::auth_type;
use keybearer_connectors::schema::{AuthMethod, Connector};
use keybearer_connectors::{forms, scopes};
use keybearer_core::ids::{ConnectionId, EnvironmentId};
use keybearer_core::{AuthType, Code, Error, Result};
use keybearer_store::{ConnectionFilter, ConnectionRow};

use super::types::{Connection, ConnectionQuery, Form};
use super::view;
use crate::access::{Caller, Permission};
use crate::paging::{List, Listed, PageAsk};
use crate::state::App;

pub use crate::providers::connector;

/// The method of that id, or the recommended one.
pub(super) fn method<'a>(connector: &'a Connector, id: Option<&str>) -> Result<&'a AuthMethod> {
    match id.filter(|id| !id.is_empty()) {
        Some(id) => connector.method(id).ok_or_else(|| {
            let known: Vec<&str> = connector.auth.iter().map(|method| method.id.as_str()).collect();
            Error::field("method", format!("must be one of: {}", known.join(", ")))
        }),
        None => connector.recommended().ok_or_else(|| {
            Error::new(Code::Unimplemented, "the connector has no auth method that this server offers")
        }),
    }
}

/// The recommended method if it is of that kind, else the first that is.
pub(super) fn method_of_type(connector: &Connector, wanted: AuthType) -> Result<&AuthMethod> {
    let fits = |method: &&AuthMethod| auth_type(method) == wanted;
    let found = connector.recommended().filter(fits).or_else(|| connector.auth.iter().find(fits));
    found.ok_or_else(|| {
        let kinds: Vec<&str> = connector.auth.iter().map(|method| auth_type(method).as_str()).collect();
        Error::field("connection.type", format!("must be one of: {}", kinds.join(", ")))
    })
}

/// What the developer and each user must give.
///
/// # Errors
/// [`Code::PermissionDenied`], [`Code::ConnectorNotFound`], or `InvalidArgument` for an unknown method.
pub async fn form(app: &App, caller: &Caller, name: &str, method_id: Option<&str>) -> Result<Form> {
    caller.require(Permission::ConnectorsRead)?;
    let connector = connector(app, &caller.environment, name).await?;
    let method = method(&connector, method_id)?;
    Ok(Form {
        connector: connector.slug.clone(),
        method: method.id.clone(),
        auth_type: auth_type(method),
        needs_redirect_uri: method.has_redirect(),
        shared_app_name: app
            .config()
            .shared_credentials
            .get(&connector.slug)
            .map(|shared| shared.app_name.clone()),
        connection_fields: forms::connection_form(&connector, method),
        account_fields: forms::account_form(&connector, method),
        default_scopes: scopes::defaults(method),
    })
}

/// A connection by id or name.
///
/// # Errors
/// [`Code::PermissionDenied`], [`Code::ConnectionNotFound`].
pub async fn get(app: &App, caller: &Caller, id_or_name: &str) -> Result<Connection> {
    caller.require(Permission::ConnectorsRead)?;
    let row = row(app, &caller.environment, id_or_name).await?;
    view::one(app, row).await
}

/// A connection by its name alone.
///
/// # Errors
/// [`Code::PermissionDenied`], [`Code::ConnectionNotFound`].
pub async fn get_by_name(app: &App, caller: &Caller, name: &str) -> Result<Connection> {
    caller.require(Permission::ConnectorsRead)?;
    let row = row_by_name(app, &caller.environment, name).await?;
    view::one(app, row).await
}

/// One page of the environment's connections, newest first: 30 unless asked otherwise, 100 at most.
///
/// # Errors
/// [`Code::PermissionDenied`], or `InvalidArgument` at `page_size` or `page_token`.
pub async fn list(
    app: &App,
    caller: &Caller,
    query: &ConnectionQuery,
    page: &PageAsk,
) -> Result<Listed<Connection>> {
    caller.require(Permission::ConnectorsRead)?;
    let text = |value: &Option<String>| value.clone().filter(|value| !value.is_empty());
    let slug = slug(app, &caller.environment, text(&query.connector)).await?;
    let filter = ConnectionFilter { connector: slug, state: query.state, query: text(&query.query) };
    let bound = serde_json::json!([filter.connector, filter.state, filter.query]).to_string();
    let list = List {
        environment: &caller.environment,
        name: "connections",
        query: &bound,
        prefix: ConnectionId::PREFIX,
        default_size: 30,
        max_size: 100,
    };
    let rows = app.db().list_connections(&caller.environment, &filter, &list.request(app, page)?).await?;
    let listed = list.listed(app, rows)?;
    let (next, previous, total) = (listed.next, listed.previous, listed.total);
    let items = view::many(app, &caller.environment, listed.items).await?;
    Ok(Listed { items, total, next, previous })
}

/// The slug of a connector that a filter names; a name that is none is kept, and finds nothing.
pub(crate) async fn slug(
    app: &App,
    environment: &EnvironmentId,
    name: Option<String>,
) -> Result<Option<String>> {
    let Some(name) = name else { return Ok(None) };
    match connector(app, environment, &name).await {
        Ok(found) => Ok(Some(found.slug.clone())),
        Err(error) if error.code == Code::ConnectorNotFound => Ok(Some(name)),
        Err(error) => Err(error),
    }
}

/// The row of an id or name.
pub(crate) async fn row(app: &App, environment: &EnvironmentId, id_or_name: &str) -> Result<ConnectionRow> {
    match ConnectionId::parse(id_or_name) {
        Some(id) => row_by_id(app, environment, &id).await,
        None => row_by_name(app, environment, id_or_name).await,
    }
}

/// The row of an id; one of another environment answers like an unknown one.
pub(crate) async fn row_by_id(
    app: &App,
    environment: &EnvironmentId,
    id: &ConnectionId,
) -> Result<ConnectionRow> {
    let found = app.db().find_connection(id).await?;
    found.filter(|row| row.environment_id == *environment).ok_or_else(not_found)
}

/// The row of a name.
pub(crate) async fn row_by_name(app: &App, environment: &EnvironmentId, name: &str) -> Result<ConnectionRow> {
    app.db().find_connection_by_name(environment, name).await?.ok_or_else(not_found)
}

pub(super) fn not_found() -> Error {
    Error::new(Code::ConnectionNotFound, "there is no such connection")
        .with_help("see all of them: `keybearer connections list`")
}
