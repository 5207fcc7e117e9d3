//! Reading the audit trail: who did what, when, and what changed.

use std::collections::HashMap;
use std::time::Duration;

use keybearer_core::ids::AuditId;
use keybearer_core::{Error, Result, Timestamp};
use keybearer_store::{AuditFilter, AuditRow, PageRequest, Position};
use serde_json::Value;

use crate::access::{Caller, Permission};
use crate::paging::{List, Listed, PageAsk};
use crate::state::App;

/// How many lines a file has at most.
const MOST: usize = 10_000;
/// How many are read at once for it.
const BATCH: i64 = 500;
/// The longest filter.
const LONGEST: usize = 200;

/// One line of the audit trail.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// When.
    pub at: Timestamp,
    /// Who, as the trail has it.
    pub actor: String,
    /// Who, as people call them.
    pub who: String,
    /// What, for example `connection.paused`.
    pub action: String,
    /// The id of the thing.
    pub target: String,
    /// What changed, without secrets: name and value.
    pub detail: Vec<(String, String)>,
    /// The reference of the request.
    pub reference: String,
}

/// Which lines are wanted; empty means all.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TrailQuery {
    /// Only those of this actor.
    pub actor: Option<String>,
    /// Only those whose action begins so.
    pub action: Option<String>,
    /// Only those about this id.
    pub target: Option<String>,
    /// Only from then on.
    pub from: Option<Timestamp>,
    /// Only before then.
    pub until: Option<Timestamp>,
}

impl TrailQuery {
    /// With times as people write them, empty where there is none: a day like `2026-11-29` (UTC; the last one counts as a
    /// whole), or a time like `2026-11-29T12:00:00Z`.
    ///
    /// # Errors
    /// `InvalidArgument` at `first` or `last`, the names that the two have where they were written.
    pub fn between(self, (first, from): (&str, &str), (last, until): (&str, &str)) -> Result<Self> {
        let from = moment(first, from)?.map(|(begins, _)| begins);
        Ok(Self { from, until: moment(last, until)?.map(|(_, ends)| ends), ..self })
    }
}

/// When what is written begins, and when it is over.
fn moment(name: &str, text: &str) -> Result<Option<(Timestamp, Timestamp)>> {
    let text = text.trim();
    if text.is_empty() {
        return Ok(None);
    }
    let (full, long) = match text.len() {
        10 => (format!("{text}T00:00:00Z"), Duration::from_secs(86_400)),
        _ => (text.to_owned(), Duration::ZERO),
    };
    let wrong = "must be a day like 2026-11-29, or a time like 2026-11-29T12:00:00Z";
    let begins = Timestamp::parse_rfc3339(&full).ok_or_else(|| Error::field(name, wrong))?;
    Ok(Some((begins, begins.plus(long))))
}

/// One page of the audit trail of the caller's environment, newest first: 50 unless asked otherwise, 100 at most.
///
/// # Errors
/// [`keybearer_core::Code::PermissionDenied`]; `InvalidArgument` at a filter or page token.
pub async fn list(app: &App, caller: &Caller, query: &TrailQuery, page: &PageAsk) -> Result<Listed<Line>> {
    caller.require(Permission::LogsRead)?;
    let filter = filter(query)?;
    let list = List {
        environment: &caller.environment,
        name: "audit",
        query: &format!("{filter:?}"),
        prefix: AuditId::PREFIX,
        default_size: 50,
        max_size: 100,
    };
    let rows = app.db().list_audit(&caller.environment, &filter, &list.request(app, page)?).await?;
    let listed = list.listed(app, rows)?;
    let names = names(app, caller).await?;
    let items = listed.items.into_iter().map(|row| line(row, &names)).collect();
    Ok(Listed { items, total: listed.total, next: listed.next, previous: listed.previous })
}

/// Those who can be asked for by name: everybody who has an API client here or may sign in.
///
/// # Errors
/// [`keybearer_core::Code::PermissionDenied`].
pub async fn actors(app: &App, caller: &Caller) -> Result<Vec<(String, String)>> {
    caller.require(Permission::LogsRead)?;
    let mut all: Vec<(String, String)> = names(app, caller).await?.into_iter().collect();
    all.sort_by(|(_, one), (_, other)| one.cmp(other));
    Ok(all)
}

/// The newest ten thousand lines as comma-separated values (RFC 4180). The export itself is a line, too.
///
/// # Errors
/// [`keybearer_core::Code::PermissionDenied`]; `InvalidArgument` at a filter.
pub async fn csv(app: &App, caller: &Caller, query: &TrailQuery) -> Result<String> {
    caller.require(Permission::LogsRead)?;
    let (filter, names) = (filter(query)?, names(app, caller).await?);
    let mut text = String::from("time,actor,name,action,target,detail,reference\r\n");
    let (mut position, mut count) = (Position::Start, 0);
    loop {
        let request = PageRequest { position, limit: BATCH };
        let page = app.db().list_audit(&caller.environment, &filter, &request).await?;
        for row in page.rows {
            let detail = row.detail.to_string();
            let one = line(row, &names);
            let cells =
                [&one.at.rfc3339(), &one.actor, &one.who, &one.action, &one.target, &detail, &one.reference];
            text.push_str(&cells.map(|cell| quoted(cell)).join(","));
            text.push_str("\r\n");
            count += 1;
        }
        match page.next {
            Some(cursor) if count < MOST => position = Position::After(cursor),
            _ => break,
        }
    }
    let detail = serde_json::json!({"lines": count});
    crate::audit::record(app, caller, "audit.exported", caller.environment.as_str(), detail).await?;
    Ok(text)
}

fn filter(query: &TrailQuery) -> Result<AuditFilter> {
    let given = |name: &str, text: &Option<String>| {
        let text = text.as_ref().map(|text| text.trim().to_owned()).filter(|text| !text.is_empty());
        match text {
            Some(text) if text.chars().count() > LONGEST => {
                Err(Error::field(name, format!("must have at most {LONGEST} characters")))
            }
            text => Ok(text),
        }
    };
    Ok(AuditFilter {
        target: given("target", &query.target)?,
        actor: given("actor", &query.actor)?,
        action: given("action", &query.action)?,
        from: query.from,
        until: query.until,
    })
}

/// What ids of actors are called.
async fn names(app: &App, caller: &Caller) -> Result<HashMap<String, String>> {
    let members = app.db().list_members().await?.into_iter();
    let members = members.map(|row| (row.id.to_string(), format!("{} ({})", row.name, row.email)));
    let clients = app.db().list_clients(&caller.environment).await?.into_iter();
    let clients = clients.map(|row| (row.id.to_string(), format!("API client {}", row.name)));
    Ok(members.chain(clients).collect())
}

fn line(row: AuditRow, names: &HashMap<String, String>) -> Line {
    let who = match row.actor.as_str() {
        "operator" => "The operator, at the machine".to_owned(),
        "system" => "Keybearer".to_owned(),
        "user" => "The user".to_owned(),
        id => names.get(id).cloned().unwrap_or_else(|| id.to_owned()),
    };
    Line {
        at: row.created_at,
        who,
        actor: row.actor,
        action: row.action,
        target: row.target,
        detail: detail(&row.detail),
        reference: row.reference.unwrap_or_default(),
    }
}

/// The members of an object; a value with before and after reads as an arrow.
fn detail(value: &Value) -> Vec<(String, String)> {
    let members = value.as_object().into_iter().flatten();
    members.map(|(name, value)| (name.replace('_', " "), shown(value))).collect()
}

fn shown(value: &Value) -> String {
    match value {
        Value::Null => "—".to_owned(),
        Value::String(text) => text.clone(),
        Value::Array(all) if all.is_empty() => "none".to_owned(),
        Value::Array(all) => all.iter().map(shown).collect::<Vec<_>>().join(", "),
        Value::Object(pair) => match (pair.get("from"), pair.get("to"), pair.len()) {
            (Some(from), Some(to), 2) => format!("{} → {}", shown(from), shown(to)),
            _ => pair
                .iter()
                .map(|(name, value)| format!("{name} {}", shown(value)))
                .collect::<Vec<_>>()
                .join(", "),
        },
        other => other.to_string(),
    }
}

/// A cell; one that a spreadsheet would run as a formula begins with an apostrophe.
fn quoted(cell: &str) -> String {
    let guard = if cell.starts_with(['=', '+', '-', '@', '\t', '\r']) { "'" } else { "" };
    format!("\"{guard}{}\"", cell.replace('"', "\"\""))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_spreadsheet_runs_nothing_that_somebody_wrote() {
        assert_eq!(quoted("=HYPERLINK(\"x\")"), "\"'=HYPERLINK(\"\"x\"\")\"");
        assert_eq!(quoted("a,\"b\"\nc"), "\"a,\"\"b\"\"\nc\"");
        for bad in ["+1", "-1", "@x", "\tx", "\rx"] {
            assert!(quoted(bad).starts_with("\"'"), "{bad:?}");
        }
    }

    #[test]
    fn before_and_after_read_as_an_arrow() {
        let told = detail(
            &json!({"verify_mode": {"from": "none", "to": "custom"}, "scopes": ["a", "b"], "n": 3, "x": null}),
        );
        let mut told: Vec<(&str, &str)> =
            told.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        told.sort_unstable();
        assert_eq!(told, [("n", "3"), ("scopes", "a, b"), ("verify mode", "none → custom"), ("x", "—")]);
    }
}
