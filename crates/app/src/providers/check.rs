//! What a custom connector may be.

use std::collections::{BTreeMap, BTreeSet};

use keybearer_connectors::pattern::{Compiled, Described, compile};
use keybearer_core::{Error, FieldViolation, Result};
use keybearer_store::CustomConnectorRow;
use serde_json::Value;

use crate::state::App;

/// Longest list of patterns, as JSON text.
const MAX_PATTERNS: usize = 64 * 1024;

/// Makes the definition of a row, without asking whether it is allowed.
pub(super) fn compiled(row: &CustomConnectorRow) -> Result<Compiled> {
    let described = Described {
        slug: &row.identifier,
        display_name: &row.display_name,
        description: &row.description,
        proxy_url: &row.proxy_url,
        proxy_enabled: row.proxy_enabled,
        auth_patterns: &row.auth_patterns,
    };
    compile(&described).map_err(Error::fields)
}

/// Checks a row before it is stored. Nobody is contacted.
///
/// # Errors
/// `InvalidArgument` with one violation for each wrong field.
pub(super) fn check(app: &App, row: &CustomConnectorRow) -> Result<Compiled> {
    let mut violations = Vec::new();
    let mut wrong = |field: &str, description: &str| {
        violations.push(FieldViolation { field: field.to_owned(), description: description.to_owned() });
    };
    let plain = |c: char| c.is_ascii_alphanumeric() || c == ' ';
    let name = &row.display_name;
    if name.trim().is_empty() || name.len() > 200 || !name.chars().all(plain) {
        wrong("display_name", "must have 1 to 200 letters, digits and spaces, and not only spaces");
    }
    if row.description.chars().count() > 2000 {
        wrong("description", "must have at most 2000 characters");
    }
    let icon = &row.icon_src;
    let is_address = || icon.parse::<url::Url>().is_ok_and(|url| url.scheme() == "https" && url.has_host());
    if !icon.is_empty() && (icon.len() > 2048 || !is_address()) {
        wrong("icon_src", "must be empty or an https address of at most 2048 characters");
    }
    if row.auth_patterns.to_string().len() > MAX_PATTERNS {
        wrong("auth_patterns", "must have at most 65536 characters as JSON");
    }
    violations.extend(metadata(&row.metadata));
    let compiled = match compiled(row) {
        Ok(compiled) => Some(compiled),
        Err(error) => {
            violations.extend(error.violations);
            None
        }
    };
    for address in compiled.iter().flat_map(|compiled| &compiled.addresses) {
        // a name is not looked up: that it leads to a public address is asked when it is called
        if let Some(refused) = address.fixed.as_ref().and_then(|url| app.egress().check_written(url).err()) {
            let description = format!("must be an https address that this server may call ({refused})");
            violations.push(FieldViolation { field: address.at.clone(), description });
        }
    }
    match compiled {
        Some(compiled) if violations.is_empty() => Ok(compiled),
        _ => Err(Error::fields(violations)),
    }
}

fn metadata(metadata: &Value) -> Option<FieldViolation> {
    let pairs: BTreeMap<String, String> = serde_json::from_value(metadata.clone()).unwrap_or_default();
    let length = |text: &str| text.chars().count();
    let fits = pairs.len() <= 20
        && pairs
            .iter()
            .all(|(key, value)| (3..=25).contains(&length(key)) && (1..=256).contains(&length(value)));
    (!fits).then(|| FieldViolation {
        field: "metadata".to_owned(),
        description: "must have at most 20 pairs, with keys of 3 to 25 and values of 1 to 256 characters"
            .to_owned(),
    })
}

/// Hosts, as they are written, to which something can be sent.
pub(super) fn destinations(compiled: &Compiled) -> BTreeSet<String> {
    let origins = compiled.addresses.iter().map(|address| address.origin.clone());
    let methods = compiled.connector.auth.iter();
    let pins = methods.flat_map(|method| {
        let own = compiled.connector.api_for(method).pinned_hosts.unwrap_or_default();
        method.pinned_hosts.iter().cloned().chain(own)
    });
    origins.chain(pins).collect()
}

/// Whether `after` can send something to a host to which `before` could not.
pub(super) fn new_destinations(before: &Compiled, after: &Compiled) -> bool {
    !destinations(after).is_subset(&destinations(before))
}

/// Whether a value that was secret may be shown after a change.
pub(super) fn reveals(before: &Compiled, after: &Compiled) -> bool {
    let secrets = before.connector.auth.iter().flat_map(|method| {
        method
            .fields
            .iter()
            .filter(|field| field.secret)
            .map(|field| (method.id.as_str(), field.name.as_str()))
    });
    secrets.into_iter().any(|(method, name)| {
        let now = after.connector.method(method).and_then(|method| method.field(name));
        now.is_some_and(|field| !field.secret)
    })
}
