//! Finding a connector for an environment: of the catalogue first, then of the environment itself.

use std::sync::Arc;

use keybearer_connectors::{Catalog, Connector};
use keybearer_core::ids::EnvironmentId;
use keybearer_core::{Code, Error, Result};
use keybearer_store::{CustomConnectorRow, PageRequest, Position};

use super::check;
use super::types::Provider;
use crate::access::{Caller, Permission};
use crate::state::App;

/// The connector of a slug or identifier. The wire's provider keys are understood too: `TWO_WORDS` is `two-words`.
///
/// # Errors
/// [`Code::ConnectorNotFound`].
pub async fn connector(app: &App, environment: &EnvironmentId, name: &str) -> Result<Arc<Connector>> {
    let folded = fold(name);
    let of_catalogue = app.catalog().get(name).or_else(|| {
        app.catalog().iter().find(|connector| !folded.is_empty() && fold(&connector.slug) == folded).cloned()
    });
    if let Some(found) = of_catalogue {
        return Ok(found);
    }
    custom(app, environment, &name.to_ascii_uppercase()).await?.ok_or_else(|| not_found(name))
}

/// The connector that a stored connection names exactly, if it is still there.
pub(crate) async fn of_row(
    app: &App,
    environment: &EnvironmentId,
    slug: &str,
) -> Result<Option<Arc<Connector>>> {
    match app.catalog().get(slug) {
        Some(found) => Ok(Some(found)),
        None => custom(app, environment, slug).await,
    }
}

/// Like [`of_row`], for views, which must come also when a connector cannot be used any more.
pub(crate) async fn for_view(
    app: &App,
    environment: &EnvironmentId,
    slug: &str,
) -> Result<Option<Arc<Connector>>> {
    match of_row(app, environment, slug).await {
        Err(error) if error.code == Code::FailedPrecondition => Ok(None),
        found => found,
    }
}

/// A connector with what only the list shows.
///
/// # Errors
/// [`Code::PermissionDenied`], [`Code::ConnectorNotFound`].
pub async fn get(app: &App, caller: &Caller, name: &str) -> Result<Provider> {
    caller.require(Permission::ConnectorsRead)?;
    match row(app, &caller.environment, &name.to_ascii_uppercase()).await? {
        Some(row) => Ok(row.into()),
        None => connector(app, &caller.environment, name).await.map(Provider::Catalogue),
    }
}

/// The connector that a stored connection names, with what only the list shows.
pub(crate) async fn shown(app: &App, environment: &EnvironmentId, slug: &str) -> Result<Option<Provider>> {
    match row(app, environment, slug).await? {
        Some(row) => Ok(Some(row.into())),
        None => Ok(app.catalog().get(slug).map(Provider::Catalogue)),
    }
}

/// Every connector that an environment can use: the catalogue with its own. Those that cannot be used any more are
/// left out.
///
/// # Errors
/// [`Code::PermissionDenied`].
pub async fn catalogue(app: &App, caller: &Caller) -> Result<Catalog> {
    caller.require(Permission::ConnectorsRead)?;
    let mut all = app.catalog().clone();
    let mut position = Position::Start;
    loop {
        let request = PageRequest { position, limit: 100 };
        let page = app.db().list_custom_connectors(&caller.environment, &request).await?;
        for connector in page.rows.iter().filter_map(|row| definition(app, row).ok()) {
            all.insert_shared(connector);
        }
        match page.next {
            Some(cursor) => position = Position::After(cursor),
            None => return Ok(all),
        }
    }
}

async fn custom(app: &App, environment: &EnvironmentId, identifier: &str) -> Result<Option<Arc<Connector>>> {
    match row(app, environment, identifier).await? {
        Some(row) => definition(app, &row).map(Some),
        None => Ok(None),
    }
}

/// The row of an identifier; the catalogue's slugs never look like one.
async fn row(app: &App, environment: &EnvironmentId, identifier: &str) -> Result<Option<CustomConnectorRow>> {
    if !identifier.contains(':') {
        return Ok(None);
    }
    Ok(app.db().find_custom_connector(environment, identifier).await?)
}

/// The definition of a row, made once for each version.
pub(super) fn definition(app: &App, row: &CustomConnectorRow) -> Result<Arc<Connector>> {
    if let Some(known) = app.custom().get(&row.id, row.version) {
        return Ok(known);
    }
    // what was stored was checked; a later version of this program may know better
    let compiled = check::compiled(row).map_err(|error| {
        let detail = format!("connector `{}` cannot be used any more", row.identifier);
        Error::new(Code::FailedPrecondition, detail)
            .with_help("correct it with `PUT /api/v1/custom-providers/{identifier}`")
            .with_source(error)
    })?;
    let connector = Arc::new(compiled.connector);
    app.custom().put(&row.id, row.version, &connector);
    Ok(connector)
}

/// Lower case without what separates words.
fn fold(name: &str) -> String {
    name.chars().filter(|c| !matches!(c, '-' | '_' | ' ')).map(|c| c.to_ascii_lowercase()).collect()
}

pub(super) fn not_found(name: &str) -> Error {
    let shown: String = name.chars().filter(|character| !character.is_control()).take(60).collect();
    Error::new(Code::ConnectorNotFound, format!("there is no connector `{shown}`"))
        .with_help("see all of them: `keybearer connectors list`")
}
