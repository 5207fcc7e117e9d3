//! Tools. The catalogue of this version is empty: what is asked for is checked as it will be when there are tools
//! (rights, values, accounts), and the answers say that there are none.

use keybearer_core::ids::AccountId;
use keybearer_core::{Code, Error, Result};
use keybearer_store::{ConnectionRow, PageRequest};
use serde_json::json;

use crate::access::{Caller, Permission};
use crate::accounts::{Lookup, resolve};
use crate::connections;
use crate::paging::{List, PageAsk};
use crate::state::App;

/// The most that a list of tools has on one page; more is given as this.
const MAX_PAGE: u32 = 1000;

/// The most that it has when names are searched.
const MAX_SEARCHED: u32 = 100;

/// Which tools are wanted.
#[derive(Clone, Debug, Default)]
pub struct ToolQuery {
    /// Only tools of this connector.
    pub connector: Option<String>,
    /// Only tools of these names.
    pub names: Vec<String>,
    /// Every word must be in the name.
    pub query: Option<String>,
    /// The account whose own tools are listed too; it is looked up when it says enough.
    pub account: Lookup,
}

/// Checks a list of the environment's tools; there are none.
///
/// # Errors
/// `PermissionDenied`, `ConnectionNotFound`, `AccountNotFound`, `InvalidArgument` at `page_token`.
pub async fn list(app: &App, caller: &Caller, query: &ToolQuery, page: &PageAsk) -> Result<()> {
    caller.require(Permission::ConnectorsRead)?;
    let bound = json!([query.connector, query.names, query.query]).to_string();
    let most = if query.query.is_some() { MAX_SEARCHED } else { MAX_PAGE };
    paged(app, caller, "tools", &bound, most, page)?;
    account(app, caller, &query.account).await.map(drop)
}

/// Checks a list of the tools of a user's accounts; there are none.
///
/// # Errors
/// `PermissionDenied`, `InvalidArgument` at `page_token`.
pub fn list_scoped(app: &App, caller: &Caller, identifier: &str, page: &PageAsk) -> Result<()> {
    caller.require(Permission::ConnectorsRead)?;
    paged(app, caller, "tools/scoped", identifier, MAX_PAGE, page).map(drop)
}

/// Checks a list of the tools that a user could use; there are none.
///
/// # Errors
/// `PermissionDenied`, `InvalidArgument` at `page_token`.
pub fn list_available(app: &App, caller: &Caller, identifier: &str, page: &PageAsk) -> Result<()> {
    caller.require(Permission::ConnectorsRead)?;
    paged(app, caller, "tools/available", identifier, MAX_PAGE, page).map(drop)
}

/// Checks a search; there is nothing to find.
///
/// # Errors
/// `PermissionDenied`.
pub fn search(caller: &Caller) -> Result<()> {
    caller.require(Permission::ConnectorsRead)
}

/// Refuses to run a tool, because there is none of any name. The account is looked at first.
///
/// # Errors
/// `PermissionDenied`, `ConnectionNotFound`, `AccountNotFound`, `InvalidArgument` when no account is named, else
/// `NotFound`.
pub async fn execute(app: &App, caller: &Caller, tool: &str, of: &Lookup) -> Result<()> {
    caller.require(Permission::ConnectorsExecute)?;
    // a user without a connection is enough: the tool's own connector says the rest
    if account(app, caller, of).await?.is_none() && given(&of.identifier).is_none() {
        return Err(nobody());
    }
    Err(not_found(tool))
}

/// Refuses to read an account's list of tools again.
///
/// # Errors
/// `PermissionDenied`, `ConnectionNotFound`, `AccountNotFound`, `InvalidArgument` when no account is named, else
/// `FailedPrecondition`.
pub async fn refresh(app: &App, caller: &Caller, of: &Lookup) -> Result<()> {
    caller.require(Permission::ConnectorsExecute)?;
    let connection = account(app, caller, of).await?.ok_or_else(nobody)?;
    Err(Error::new(
        Code::FailedPrecondition,
        format!("connection `{}` has no list of tools that could be read again", connection.name),
    )
    .with_help("this version calls APIs through the proxy; it does not read tools of MCP servers yet"))
}

/// Refuses a tool of the caller's own.
///
/// # Errors
/// `PermissionDenied`, else `FailedPrecondition`.
pub fn create(caller: &Caller) -> Result<()> {
    caller.require(Permission::ConnectorsWrite)?;
    Err(Error::new(Code::FailedPrecondition, "tools cannot be added in this version")
        .with_help("call the API itself through the proxy"))
}

/// Refuses a change of a tool that is not there, by id or name.
///
/// # Errors
/// `PermissionDenied`, else `NotFound`.
pub fn change(caller: &Caller, tool: &str) -> Result<()> {
    caller.require(Permission::ConnectorsWrite)?;
    Err(not_found(tool))
}

/// A page of a list of tools; larger ones than `most` are cut, as the wire does.
fn paged(
    app: &App,
    caller: &Caller,
    name: &str,
    query: &str,
    most: u32,
    page: &PageAsk,
) -> Result<PageRequest> {
    let list = List {
        environment: &caller.environment,
        name,
        query,
        prefix: "tol_",
        default_size: 300.min(most),
        max_size: most,
    };
    list.request(app, &PageAsk { size: page.size.min(most), token: page.token.clone() })
}

/// The connection of the account that is named; nothing when too little is said to name one.
async fn account(app: &App, caller: &Caller, of: &Lookup) -> Result<Option<ConnectionRow>> {
    match (given(&of.id), given(&of.connector), given(&of.identifier)) {
        (Some(id), ..) => {
            let malformed = || Error::field("connected_account_id", "must be `ca_` and digits");
            AccountId::parse(id).ok_or_else(malformed)?;
        }
        (None, None, _) => return Ok(None),
        (None, Some(connector), None) => {
            return connections::row(app, &caller.environment, connector).await.map(|_| None);
        }
        (None, Some(_), Some(_)) => {}
    }
    resolve(app, &caller.environment, of).await.map(|(connection, _)| Some(connection))
}

/// The value of an optional text; empty counts as absent.
fn given(value: &Option<String>) -> Option<&str> {
    value.as_deref().filter(|value| !value.is_empty())
}

fn nobody() -> Error {
    Error::field("connected_account_id", "must name an account, unless `identifier` and `connector` do")
}

fn not_found(tool: &str) -> Error {
    let shown: String = tool.chars().filter(|character| !character.is_control()).take(100).collect();
    // the published SDK tests look for these words
    Error::new(Code::NotFound, format!("tool not found: `{shown}`"))
        .with_help("this version has no tools; call the API itself through the proxy")
}
