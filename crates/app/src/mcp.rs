//! MCP servers. This version offers none: nothing is stored that could not be used, so lists are empty, nothing is
//! found, and making one is refused.

use std::time::Duration;

use keybearer_core::{Code, Error, Result};

use crate::access::{Caller, Permission};
use crate::connections;
use crate::paging::{List, PageAsk};
use crate::state::App;

/// What an MCP server is reached by.
#[derive(Clone, Debug)]
pub enum McpTarget {
    /// A configuration, by its id.
    Config(String),
    /// A connection, by its name.
    Connection(String),
}

/// What is listed.
#[derive(Clone, Copy, Debug)]
pub enum McpList {
    /// Configurations.
    Configs,
    /// Users' own servers.
    Instances,
    /// Servers of the first kind.
    Servers,
}

/// Refuses to make an MCP server, a configuration or a user's own server.
///
/// # Errors
/// `PermissionDenied`, else `FailedPrecondition`.
pub fn create(caller: &Caller) -> Result<()> {
    caller.require(Permission::McpWrite)?;
    Err(not_offered())
}

/// Checks a list; it is empty.
///
/// # Errors
/// `PermissionDenied`, `InvalidArgument` at `page_size` or `page_token`.
pub fn list(app: &App, caller: &Caller, what: McpList, page: &PageAsk) -> Result<()> {
    caller.require(Permission::McpRead)?;
    let (name, prefix) = match what {
        McpList::Configs => ("mcp/configs", "cfg_"),
        McpList::Instances => ("mcp/instances", "inst_"),
        McpList::Servers => ("mcp", "res_"),
    };
    let list =
        List { environment: &caller.environment, name, query: "", prefix, default_size: 30, max_size: 30 };
    list.request(app, page).map(drop)
}

/// Answers that the server of an id is not there.
///
/// # Errors
/// `PermissionDenied`, else `NotFound`.
pub fn find(caller: &Caller) -> Result<()> {
    caller.require(Permission::McpRead)?;
    Err(not_found())
}

/// Answers that the server that is to be changed or deleted is not there.
///
/// # Errors
/// `PermissionDenied`, else `NotFound`.
pub fn change(caller: &Caller) -> Result<()> {
    caller.require(Permission::McpWrite)?;
    Err(not_found())
}

/// Refuses a token for an MCP server.
///
/// # Errors
/// `PermissionDenied`, `InvalidArgument` at `expiry`, `NotFound` for a configuration, `ConnectionNotFound`, else
/// `FailedPrecondition`.
pub async fn token(app: &App, caller: &Caller, target: McpTarget, expiry: Option<Duration>) -> Result<()> {
    caller.require(Permission::McpWrite)?;
    if expiry.is_some_and(|expiry| !(60..=86_400).contains(&expiry.as_secs())) {
        return Err(Error::field("expiry", "must be between 60s and 86400s"));
    }
    match target {
        McpTarget::Config(_) => Err(not_found()),
        McpTarget::Connection(name) => {
            connections::row_by_name(app, &caller.environment, &name).await?;
            Err(not_offered())
        }
    }
}

fn not_offered() -> Error {
    Error::new(Code::FailedPrecondition, "MCP servers are not offered by this version")
        .with_help("call the API itself through the proxy")
}

fn not_found() -> Error {
    Error::new(Code::NotFound, "there is no such MCP server").with_help("this version offers none")
}
