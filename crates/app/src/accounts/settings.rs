//! What an account has besides its credential: settings for calls and a choice of scopes.

use keybearer_connectors::schema::AuthMethod;
use keybearer_core::{Code, Error, FieldViolation, Result};
use keybearer_store::ConnectionRow;
use serde_json::{Map, Value};

use super::types::ScopeSelection;
use crate::connections::{ScopeSettings, union};

/// Keys that the wire always shows, null where they are not set.
const FIXED: &[&str] = &["version", "domain", "custom_headers", "custom_auth_header", "api_endpoint"];
const MAX_BYTES: usize = 16 * 1024;

/// Lays `change` over stored settings key by key; null removes a key.
///
/// # Errors
/// `InvalidArgument` at a key that belongs into the credential, or when it gets too large.
pub(super) fn merge(method: &AuthMethod, stored: &Value, change: &Map<String, Value>) -> Result<Value> {
    let mut merged = stored.as_object().cloned().unwrap_or_default();
    let is_secret = |name: &str| {
        matches!(name, "access_token" | "refresh_token" | "client_secret" | "password")
            || method.field(name).is_some_and(|field| field.secret)
    };
    let nested = change.get("path_variables").and_then(Value::as_object);
    let names = change.keys().chain(nested.into_iter().flat_map(|nested| nested.keys()));
    let violations: Vec<FieldViolation> = names
        .filter(|name| is_secret(name))
        .map(|name| FieldViolation {
            field: format!("api_config.{name}"),
            description: "is a secret and must be given as a credential".to_owned(),
        })
        .collect();
    if !violations.is_empty() {
        return Err(Error::fields(violations));
    }
    for (name, value) in change {
        if value.is_null() {
            merged.remove(name);
        } else {
            merged.insert(name.clone(), value.clone());
        }
    }
    let merged = Value::Object(merged);
    if merged.to_string().len() > MAX_BYTES {
        return Err(Error::field("api_config", format!("must have at most {MAX_BYTES} characters")));
    }
    Ok(merged)
}

/// Settings as the wire shows them.
pub(super) fn shown(stored: &Value) -> Map<String, Value> {
    let mut shown: Map<String, Value> = FIXED.iter().map(|name| ((*name).to_owned(), Value::Null)).collect();
    shown.extend(stored.as_object().cloned().unwrap_or_default());
    shown
}

/// The scopes that an account wants after a choice, of both lists.
///
/// # Errors
/// [`Code::InvalidScopeSelection`] for a scope that the connection does not ask for, or a choice where the
/// connection leaves none.
pub(crate) fn selected(
    connection: &ConnectionRow,
    selection: Option<&ScopeSelection>,
) -> Result<Vec<String>> {
    let settings = ScopeSettings::of(connection);
    let Some(selection) = selection else {
        return Ok(settings.wanted());
    };
    if !settings.selectable {
        return Err(Error::new(Code::InvalidScopeSelection, "the connection leaves no choice of scopes"));
    }
    let offered = [settings.asked(), settings.asked_optional()];
    for (chosen, offered) in [&selection.scopes, &selection.optional_scopes].into_iter().zip(&offered) {
        if let Some(unknown) = chosen.iter().find(|name| !offered.contains(name)) {
            let shown: String =
                unknown.chars().filter(|character| !character.is_control()).take(60).collect();
            let detail = format!("the connection does not ask for scope `{shown}`");
            return Err(Error::new(Code::InvalidScopeSelection, detail));
        }
    }
    let first = union(&settings.required, &selection.scopes);
    Ok(union(&first, &union(&settings.required_optional, &selection.optional_scopes)))
}

/// Splits what an account wants into the connection's two lists. A scope that both lists have stands in both.
pub(crate) fn optional_part(connection: &ConnectionRow, wanted: &[String]) -> (Vec<String>, Vec<String>) {
    let settings = ScopeSettings::of(connection);
    let (first, second) = (settings.asked(), settings.asked_optional());
    let in_second = |name: &&String| second.contains(name);
    let optional = wanted.iter().filter(in_second).cloned().collect();
    let main = wanted.iter().filter(|name| first.contains(name) || !second.contains(name)).cloned().collect();
    (main, optional)
}
