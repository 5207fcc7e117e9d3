//! The log of tool calls as the wire shows it: calls through the proxy, tools and MCP, with their accounts as they are
//! now. The log itself holds ids; a user's identifier is read from the account, and goes with it.

use keybearer_core::ids::{AccountId, CallLogId, ConnectionId, EnvironmentId, OrganizationId};
use keybearer_core::{Code, Error, Fault, Result, Timestamp};
use keybearer_store::{CallOutcome, CallQuery, LoggedCall};

use crate::access::{Caller, Permission};
use crate::connections;
use crate::paging::{List, Listed, PageAsk};
use crate::state::App;

/// What the id of an execution begins with; the rest is the number of its log line.
const EXECUTION: &str = "exec_";

/// One call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ToolCall {
    /// Its id in the log.
    pub id: CallLogId,
    /// The environment it ran in.
    pub environment: EnvironmentId,
    /// Its id as an execution.
    pub execution_id: String,
    /// The agent run that the caller named.
    pub agent_run_id: Option<String>,
    /// The tool; none for a proxied call.
    pub tool_name: Option<String>,
    /// The connector's key on the wire.
    pub provider: Option<String>,
    /// The account, when it got that far.
    pub account_id: Option<AccountId>,
    /// The connection, when it got that far.
    pub connection_id: Option<ConnectionId>,
    /// The connection's name at that time.
    pub connection_name: Option<String>,
    /// The account's user, while there is the account.
    pub identifier: Option<String>,
    /// The account's scoped user.
    pub user_id: Option<String>,
    /// The account's organization.
    pub organization_id: Option<OrganizationId>,
    /// API, MCP, PROXY or GATEWAY.
    pub source: String,
    /// success, provider_error or platform_error.
    pub status: &'static str,
    /// Whose fault a failure is.
    pub error_tier: Option<&'static str>,
    /// Our code, or `http_404` for what a provider answered.
    pub error_code: Option<String>,
    /// What went wrong: in full where the environment keeps that, else what the code means.
    pub error_message: Option<String>,
    /// How long it took.
    pub duration_ms: i64,
    /// When it began.
    pub started_at: Timestamp,
}

/// Which calls are wanted. Empty means all.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ToolCallQuery {
    /// Calls that began then or later.
    pub from: Option<Timestamp>,
    /// Calls that began before.
    pub until: Option<Timestamp>,
    /// success, provider_error, platform_error.
    pub statuses: Vec<String>,
    /// Connectors, in any case.
    pub providers: Vec<String>,
    /// API, MCP, PROXY, GATEWAY.
    pub sources: Vec<String>,
    /// Error codes.
    pub error_codes: Vec<String>,
    /// Only this connection's.
    pub connection_id: Option<String>,
    /// Only this account's.
    pub account_id: Option<String>,
    /// Only those of this user's accounts.
    pub identifier: Option<String>,
    /// Only those of this agent run.
    pub agent_run_id: Option<String>,
    /// A part of the connection's name.
    pub connection_name: Option<String>,
}

/// One page of calls, newest first: 20 unless asked otherwise, 100 at most.
///
/// # Errors
/// [`Code::PermissionDenied`]; [`Code::InvalidArgument`] at a filter, `page_size` or `page_token`.
pub async fn list(
    app: &App,
    caller: &Caller,
    query: ToolCallQuery,
    ask: &PageAsk,
) -> Result<Listed<ToolCall>> {
    caller.require(Permission::LogsRead)?;
    let query = filter(app, &caller.environment, query).await?;
    let list = List {
        environment: &caller.environment,
        name: "tool_calls",
        query: &format!("{query:?}"),
        prefix: CallLogId::PREFIX,
        default_size: 20,
        max_size: 100,
    };
    let rows = app.db().page_calls(&caller.environment, &query, &list.request(app, ask)?).await?;
    let listed = list.listed(app, rows)?;
    let items = listed.items.into_iter().map(tool_call).collect();
    Ok(Listed { items, total: listed.total, next: listed.next, previous: listed.previous })
}

/// One call by the id of its execution, or of its log line.
///
/// # Errors
/// [`Code::PermissionDenied`], [`Code::NotFound`].
pub async fn get(app: &App, caller: &Caller, execution: &str) -> Result<ToolCall> {
    caller.require(Permission::LogsRead)?;
    let number = execution.strip_prefix(EXECUTION).or_else(|| execution.strip_prefix(CallLogId::PREFIX));
    let id = number.and_then(|number| CallLogId::parse(&format!("{}{number}", CallLogId::PREFIX)));
    let row = match id {
        Some(id) => app.db().find_call(&caller.environment, &id).await?,
        None => None,
    };
    row.map(tool_call).ok_or_else(|| Error::new(Code::NotFound, "there is no such execution"))
}

/// Checks a filter and turns it into the store's.
pub(crate) async fn filter(
    app: &App,
    environment: &EnvironmentId,
    query: ToolCallQuery,
) -> Result<CallQuery> {
    let connection_id = id("connection_id", query.connection_id, ConnectionId::parse)?;
    let account_id = id("connected_account_id", query.account_id, AccountId::parse)?;
    let known = ["success", "provider_error", "platform_error"];
    if query.statuses.iter().any(|status| !known.contains(&status.as_str())) {
        return Err(Error::field("status", "must be success, provider_error or platform_error"));
    }
    let sources: Vec<String> = query.sources.iter().map(|source| source.to_ascii_uppercase()).collect();
    if sources.iter().any(|source| !["API", "MCP", "PROXY", "GATEWAY"].contains(&source.as_str())) {
        return Err(Error::field("source", "must be API, MCP, PROXY or GATEWAY"));
    }
    if query.from.zip(query.until).is_some_and(|(from, until)| from >= until) {
        return Err(Error::field("end_time", "must be after start_time"));
    }
    let mut connectors = Vec::new();
    for name in &query.providers {
        connectors.extend(connections::slug(app, environment, Some(name.clone())).await?);
    }
    Ok(CallQuery {
        from: query.from.unwrap_or_default(),
        until: query.until,
        outcomes: query.statuses,
        connectors,
        sources,
        error_codes: query.error_codes,
        connection_id,
        account_id,
        identifier: query.identifier,
        agent_run_id: query.agent_run_id,
        connection_name: query.connection_name,
    })
}

fn id<T>(field: &str, text: Option<String>, parse: impl Fn(&str) -> Option<T>) -> Result<Option<T>> {
    let Some(text) = text else { return Ok(None) };
    parse(&text).map(Some).ok_or_else(|| Error::field(field, "must be an id"))
}

fn tool_call(row: LoggedCall) -> ToolCall {
    let code = row.error_code.as_deref().and_then(|text| Code::ALL.iter().find(|code| code.as_str() == text));
    let failed = row.outcome != CallOutcome::Success;
    let meant = code.map(|code| code.title().to_owned()).or_else(|| {
        row.status.filter(|_| failed).map(|status| format!("The provider answered with status {status}."))
    });
    let filled = |text: Option<String>| text.filter(|text| !text.is_empty());
    ToolCall {
        execution_id: format!("{EXECUTION}{}", row.id.as_str().trim_start_matches(CallLogId::PREFIX)),
        error_tier: failed.then(|| tier(code.map(|code| code.fault()))),
        error_message: row.error_message.or(meant),
        id: row.id,
        environment: row.environment_id,
        agent_run_id: row.agent_run_id,
        tool_name: row.tool_name,
        provider: row.connector.map(|slug| slug.to_ascii_uppercase()),
        account_id: row.account_id,
        connection_id: row.connection_id,
        connection_name: row.connection_name,
        identifier: filled(row.identifier),
        user_id: filled(row.user_id),
        organization_id: filled(row.organization_id).map(OrganizationId::from_stored),
        source: row.source,
        status: row.outcome.as_str(),
        error_code: row.error_code,
        duration_ms: row.duration_ms,
        started_at: row.started_at,
    }
}

/// Whose fault; what a provider answered is its own.
fn tier(fault: Option<Fault>) -> &'static str {
    match fault {
        None | Some(Fault::Provider) => "provider",
        Some(Fault::Caller) => "caller",
        Some(Fault::Developer) => "configuration",
        Some(Fault::Server) => "platform",
    }
}
