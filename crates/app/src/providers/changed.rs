//! Connections whose connector has another version than they were last looked at with, and what became different.

use std::collections::{BTreeMap, BTreeSet};

use keybearer_core::ids::ConnectionId;
use keybearer_core::{Code, Error, Result};
use keybearer_store::ConnectionRow;
use serde_json::{Value, json};

use super::review::{Change, compare};
use super::types::Provider;
use super::{check, definition, examine, find};
use crate::access::{Caller, Permission};
use crate::state::App;
use crate::{audit, connections};

/// How many differences are told.
const MOST: usize = 30;
/// How much of a value is told.
const LONGEST: usize = 120;

/// What is different for a connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Changed {
    /// The connector.
    pub identifier: String,
    /// What people call it.
    pub connector: String,
    /// The version that the connection was last saved, tested or reviewed with.
    pub seen: i64,
    /// The version that it follows now.
    pub version: i64,
    /// What it means.
    pub means: Change,
    /// Each key that differs, what it was and what it is; empty where it was not there.
    pub differences: Vec<(String, String, String)>,
    /// How many more there are.
    pub more: usize,
}

/// The ids of the connections whose connector changed since they were last saved, tested or reviewed.
///
/// # Errors
/// [`Code::PermissionDenied`].
pub async fn changed(app: &App, caller: &Caller) -> Result<BTreeSet<ConnectionId>> {
    caller.require(Permission::ConnectorsRead)?;
    let behind = app.db().definitions_behind(&caller.environment).await?;
    Ok(behind.into_iter().map(|one| one.connection_id).collect())
}

/// What is different for a connection; `None` when nothing changed since.
///
/// # Errors
/// [`Code::PermissionDenied`].
pub async fn what_changed(app: &App, caller: &Caller, connection: &ConnectionId) -> Result<Option<Changed>> {
    caller.require(Permission::ConnectorsRead)?;
    let behind = app.db().definitions_behind(&caller.environment).await?;
    let Some(one) = behind.into_iter().find(|one| one.connection_id == *connection) else { return Ok(None) };
    let Provider::Custom(custom) = find::get(app, caller, &one.identifier).await? else { return Ok(None) };
    let earlier = app.db().find_earlier_definition(&caller.environment, &one.identifier, one.seen).await?;
    let earlier = earlier.unwrap_or_default();
    let now = definition::keys(&custom.described());
    let mut means = Change { version: one.version, ..Change::default() };
    if let Ok((before, _)) = definition::parse(&earlier.to_string()) {
        means.stops_calls = before.proxy_enabled && !custom.proxy_enabled;
        let before = check::compiled(&examine::row(app, caller, &before)?);
        let after = check::compiled(&examine::row(app, caller, &custom.described())?);
        if let (Ok(before), Ok(after)) = (before, after) {
            compare(&before, &after, &mut means);
        }
    }
    let mut differences = differences(&earlier, &now);
    let more = differences.len().saturating_sub(MOST);
    differences.truncate(MOST);
    Ok(Some(Changed {
        identifier: one.identifier,
        connector: custom.display_name,
        seen: one.seen,
        version: one.version,
        means,
        differences,
        more,
    }))
}

/// Somebody looked at what a version changed for a connection.
///
/// # Errors
/// [`Code::PermissionDenied`], [`Code::ConnectionNotFound`]; [`Code::FailedPrecondition`] when there is another version
/// by now, or it was reviewed already.
pub async fn reviewed(app: &App, caller: &Caller, connection: &str, version: i64) -> Result<()> {
    caller.require(Permission::ConnectorsWrite)?;
    let row = connections::row(app, &caller.environment, connection).await?;
    let line = audit::row(
        app,
        caller,
        "connection.definition_reviewed",
        row.id.as_str(),
        json!({"connector": row.connector, "version": version}),
    )?;
    match app.db().review_definition(&caller.environment, &row.id, version, &line).await? {
        true => Ok(()),
        false => Err(Error::new(
            Code::FailedPrecondition,
            "the connector has another version by now, or this one was reviewed",
        )
        .with_help("look at the connection again")),
    }
}

/// A connection was saved or tested: it was looked at with the version of now.
pub(crate) async fn seen(app: &App, row: &ConnectionRow) -> Result<()> {
    if !row.connector.contains(':') {
        return Ok(());
    }
    Ok(app.db().note_definition(&row.environment_id, &row.id).await?)
}

/// Each key that differs.
fn differences(before: &Value, after: &Value) -> Vec<(String, String, String)> {
    let (mut old, mut new) = (BTreeMap::new(), BTreeMap::new());
    leaves("", before, &mut old);
    leaves("", after, &mut new);
    let keys: BTreeSet<&String> = old.keys().chain(new.keys()).collect();
    let value = |all: &BTreeMap<String, String>, key: &String| all.get(key).cloned().unwrap_or_default();
    let pairs = keys.into_iter().map(|key| (key.clone(), value(&old, key), value(&new, key)));
    pairs.filter(|(_, before, after)| before != after).collect()
}

fn leaves(at: &str, value: &Value, all: &mut BTreeMap<String, String>) {
    match value {
        Value::Object(members) => {
            for (key, value) in members {
                let at = if at.is_empty() { key.clone() } else { format!("{at}.{key}") };
                leaves(&at, value, all);
            }
        }
        Value::Array(list) => {
            for (index, value) in list.iter().enumerate() {
                leaves(&format!("{at}[{index}]"), value, all);
            }
        }
        Value::Null => {}
        Value::String(text) => drop(all.insert(at.to_owned(), short(text))),
        other => drop(all.insert(at.to_owned(), other.to_string())),
    }
}

/// What is told of a value; two that differ only further on still differ.
fn short(text: &str) -> String {
    match text.chars().count() {
        0..=LONGEST => text.to_owned(),
        long => {
            let begins: String = text.chars().take(LONGEST).collect();
            let tag: String =
                keybearer_core::to_hex(&keybearer_core::sha256(text.as_bytes())).chars().take(6).collect();
            format!("{begins}… ({long} characters, {tag})")
        }
    }
}
