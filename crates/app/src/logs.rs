//! The call log.

use keybearer_core::ids::{AccountId, ConnectionId};
use keybearer_core::{Error, Result, Timestamp};
use keybearer_store::{CallFilter, CallRow};

use crate::access::{Caller, Permission};
use crate::paging::{List, Listed, PageAsk};
use crate::state::App;

/// One call: ids, path without query, status. Never a header or a body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CallEntry {
    /// When it began.
    pub at: Timestamp,
    /// Where it came in.
    pub source: String,
    /// The reference a person quotes.
    pub reference: String,
    /// The connection, when it got that far.
    pub connection_id: Option<ConnectionId>,
    /// The account, when it got that far.
    pub account_id: Option<AccountId>,
    /// The HTTP method.
    pub method: String,
    /// The path.
    pub path: String,
    /// The HTTP status that was answered.
    pub status: Option<i64>,
    /// Our code, when we failed.
    pub error_code: Option<String>,
    /// How long it took.
    pub duration_ms: i64,
}

/// Which calls are wanted. Empty means all.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CallQuery {
    /// Only the one with this reference.
    pub reference: Option<String>,
    /// Only this connection's.
    pub connection_id: Option<String>,
    /// Only this account's.
    pub account_id: Option<String>,
}

/// One page of the call log, newest first.
///
/// # Errors
/// [`keybearer_core::Code::PermissionDenied`]; `InvalidArgument` at a malformed id or page token.
pub async fn list(
    app: &App,
    caller: &Caller,
    query: &CallQuery,
    page: &PageAsk,
) -> Result<Listed<CallEntry>> {
    caller.require(Permission::LogsRead)?;
    if let Some(reference) = &query.reference {
        let reference = reference.to_ascii_uppercase();
        let items: Vec<CallEntry> =
            app.db().find_calls(&caller.environment, &reference).await?.into_iter().map(entry).collect();
        let total = i64::try_from(items.len()).unwrap_or(i64::MAX);
        return Ok(Listed { items, total, next: None, previous: None });
    }
    let filter = CallFilter {
        connection_id: read("connection_id", query.connection_id.as_deref(), ConnectionId::parse)?,
        account_id: read("account_id", query.account_id.as_deref(), AccountId::parse)?,
    };
    let list = List {
        environment: &caller.environment,
        name: "calls",
        query: &format!("{filter:?}"),
        prefix: keybearer_core::ids::CallLogId::PREFIX,
        default_size: 20,
        max_size: 100,
    };
    let rows = app.db().list_calls(&caller.environment, &filter, &list.request(app, page)?).await?;
    let listed = list.listed(app, rows)?;
    let items = listed.items.into_iter().map(entry).collect();
    Ok(Listed { items, total: listed.total, next: listed.next, previous: listed.previous })
}

fn read<T>(field: &str, text: Option<&str>, parse: impl Fn(&str) -> Option<T>) -> Result<Option<T>> {
    let Some(text) = text else { return Ok(None) };
    parse(text).map(Some).ok_or_else(|| Error::field(field, "must be an id"))
}

fn entry(row: CallRow) -> CallEntry {
    CallEntry {
        at: row.started_at,
        source: row.source,
        reference: row.reference,
        connection_id: row.connection_id,
        account_id: row.account_id,
        method: row.method,
        path: row.path,
        status: row.status,
        error_code: row.error_code,
        duration_ms: row.duration_ms,
    }
}
