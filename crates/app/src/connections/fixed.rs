//! Account fields that the developer gives for all users, so that nobody is asked for them.

use std::collections::BTreeMap;

use keybearer_connectors::forms::{self, Require};
use keybearer_connectors::schema::{AuthMethod, Connector, Place};
use keybearer_core::{Error, FieldViolation, Result};
use keybearer_store::ConnectionRow;

use super::types::ConnectionConfig;

/// Takes a change of the fixed fields over. Secrets stay with those they belong to.
///
/// # Errors
/// `InvalidArgument` at each field that cannot be fixed, or not to that value.
pub(super) fn apply(
    connector: &Connector,
    method: &AuthMethod,
    fixed: &mut BTreeMap<String, String>,
    patch: &BTreeMap<String, String>,
) -> Result<()> {
    let mut violations = Vec::new();
    for (name, value) in patch {
        if value.trim().is_empty() {
            fixed.remove(name);
            continue;
        }
        match method.field(name).filter(|field| field.place == Place::Account) {
            Some(field) if !field.secret => drop(fixed.insert(name.clone(), value.trim().to_owned())),
            Some(_) => violations.push(wrong(name, "is a secret, which each user brings")),
            None => violations.push(wrong(name, "is no field that users are asked for")),
        }
    }
    if !violations.is_empty() {
        return Err(Error::fields(violations));
    }
    let checked = forms::check(connector, method, Place::Account, fixed, Require::Given);
    let cleaned = checked.map_err(|violations| {
        let named =
            violations.into_iter().map(|one| FieldViolation { field: format!("fixed.{}", one.field), ..one });
        Error::fields(named.collect())
    })?;
    *fixed = cleaned.iter().map(|(name, value)| (name.to_owned(), value.expose().clone())).collect();
    Ok(())
}

fn wrong(name: &str, description: &str) -> FieldViolation {
    FieldViolation { field: format!("fixed.{name}"), description: description.to_owned() }
}

/// The fixed fields of a stored connection.
pub(crate) fn values(row: &ConnectionRow) -> BTreeMap<String, String> {
    ConnectionConfig::of(row).fixed
}

/// Whether the developer gives this field for everybody.
pub(crate) fn is_fixed(row: &ConnectionRow, name: &str) -> bool {
    row.config.get("fixed").and_then(|fixed| fixed.get(name)).is_some()
}
