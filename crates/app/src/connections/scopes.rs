//! Which scopes a connection asks for, and what a change of them means for its accounts.

use keybearer_connectors::schema::AuthMethod;
use keybearer_connectors::scopes as grammar;
use keybearer_core::{Error, FieldViolation, Result};

use super::find;
use super::types::{ScopeImpact, ScopeSettings, union};
use crate::access::{Caller, Permission};
use crate::config::SharedCredential;
use crate::state::App;

const MAX_SCOPES: usize = 500;
const MAX_LENGTH: usize = 500;

/// What a connection asks for when nobody chose.
pub(super) fn defaults(method: &AuthMethod, shared: Option<&SharedCredential>) -> ScopeSettings {
    let offered =
        |name: &String| shared.is_none_or(|shared| shared.scopes.is_empty() || shared.scopes.contains(name));
    ScopeSettings {
        scopes: grammar::defaults(method).into_iter().filter(offered).collect(),
        required: required(method),
        ..ScopeSettings::default()
    }
}

fn required(method: &AuthMethod) -> Vec<String> {
    method.scopes.iter().filter(|scope| scope.required).map(|scope| scope.name.clone()).collect()
}

/// Checks a selection, and adds what the connector always needs. Scopes that the connector does not list are kept:
/// providers have more than any list.
///
/// # Errors
/// `InvalidArgument` at the list that holds something that is no scope.
pub(super) fn check(
    method: &AuthMethod,
    given: &ScopeSettings,
    shared: Option<&SharedCredential>,
) -> Result<ScopeSettings> {
    let mut violations = Vec::new();
    let mut check = |field: &str, list: &[String]| {
        let problem = problem(method, list);
        let outside = list.iter().find(|name| {
            shared.is_some_and(|shared| !shared.scopes.is_empty() && !shared.scopes.contains(name))
        });
        let problem = problem
            .or_else(|| outside.map(|name| format!("holds `{name}`, which the shared app may not ask for")));
        if let Some(description) = problem {
            violations.push(FieldViolation { field: field.to_owned(), description });
        }
    };
    check("scopes.scopes", &given.scopes);
    check("scopes.required", &given.required);
    check("scopes.optional_scopes", &given.optional_scopes);
    check("scopes.required_optional", &given.required_optional);
    let second = !given.optional_scopes.is_empty() || !given.required_optional.is_empty();
    if second && method.optional_scopes.is_none() && method.authorize_extra_scope_param.is_none() {
        violations.push(FieldViolation {
            field: "scopes.optional_scopes".to_owned(),
            description: "must be empty: this connector has one list of scopes".to_owned(),
        });
    }
    if !violations.is_empty() {
        return Err(Error::fields(violations));
    }
    Ok(ScopeSettings {
        scopes: union(&given.scopes, &[]),
        required: union(&required(method), &given.required),
        optional_scopes: union(&given.optional_scopes, &[]),
        required_optional: union(&given.required_optional, &[]),
        selectable: given.selectable,
    })
}

/// RFC 6749 §3.3, and nothing that would be read as two scopes.
fn problem(method: &AuthMethod, list: &[String]) -> Option<String> {
    if list.len() > MAX_SCOPES {
        return Some(format!("must have at most {MAX_SCOPES} entries"));
    }
    let separator = grammar::separator(method);
    let is_scope = |name: &String| {
        let characters = name.bytes().all(|byte| matches!(byte, 0x21 | 0x23..=0x5b | 0x5d..=0x7e));
        let parted = !separator.trim().is_empty() && name.contains(separator.trim());
        (1..=MAX_LENGTH).contains(&name.len()) && characters && !parted
    };
    let wrong = list.iter().find(|name| !is_scope(name))?;
    let shown: String = wrong.chars().filter(|character| !character.is_control()).take(60).collect();
    Some(format!("must hold one scope per entry, without spaces, quotes and backslashes (got `{shown}`)"))
}

/// What other scopes would mean for the accounts of a connection. Nothing is changed.
///
/// # Errors
/// `PermissionDenied`, `ConnectionNotFound`, and those of a scope that is none.
pub async fn scope_impact(
    app: &App,
    caller: &Caller,
    id_or_name: &str,
    wanted: &ScopeSettings,
) -> Result<ScopeImpact> {
    caller.require(Permission::ConnectorsRead)?;
    let row = find::row(app, &caller.environment, id_or_name).await?;
    let connector = find::connector(app, &caller.environment, &row.connector).await?;
    let method = find::method(&connector, Some(&row.method))?;
    let (before, after) = (ScopeSettings::of(&row).wanted(), check(method, wanted, None)?.wanted());
    let only = |one: &[String], other: &[String]| -> Vec<String> {
        one.iter().filter(|name| !other.contains(name)).cloned().collect()
    };
    let mut impact = ScopeImpact {
        added: only(&after, &before),
        removed: only(&before, &after),
        ..ScopeImpact::default()
    };
    for group in app.db().count_granted_scopes(&row.id).await? {
        if group.granted_scopes.is_empty() {
            impact.unknown += group.accounts;
        } else if !grammar::not_granted(method, &group.granted_scopes, &after).is_empty() {
            impact.must_sign_in_again += group.accounts;
        }
        if group.granted_scopes.iter().any(|name| impact.removed.contains(name)) {
            impact.hold_removed += group.accounts;
        }
    }
    Ok(impact)
}
