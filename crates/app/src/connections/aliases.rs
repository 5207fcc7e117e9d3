//! The wire has fixed names for some connection fields; connectors name them as their provider does.

use keybearer_connectors::schema::{AuthMethod, Place};

/// A name of the wire, and what connectors call it.
const ALIASES: &[(&str, &[&str])] = &[
    ("tenant_id", &["tenant"]),
    ("app_name", &["app_title"]),
    ("googleads_developer_token", &["developer_token"]),
];

/// The document of a service account on the wire; a connector that takes one secret from the developer takes this.
const SERVICE_ACCOUNT: &str = "service_account_json";

/// What the method calls the field that came as `name`.
pub(super) fn own_name<'a>(method: &'a AuthMethod, name: &'a str) -> &'a str {
    let has = |name: &str| method.field(name).is_some_and(|field| field.place == Place::Connection);
    if has(name) {
        return name;
    }
    if name == SERVICE_ACCOUNT {
        let mut secrets = method
            .fields
            .iter()
            .filter(|field| field.place == Place::Connection && field.secret && !field.fixed);
        if let (Some(only), None) = (secrets.next(), secrets.next()) {
            return &only.name;
        }
    }
    let known = ALIASES.iter().find(|(wire, _)| *wire == name).map(|(_, own)| *own);
    known.unwrap_or_default().iter().copied().find(|own| has(own)).unwrap_or(name)
}

/// The value of a field under the wire's name for it.
pub fn by_wire_name<'a>(
    fields: &'a std::collections::BTreeMap<String, String>,
    name: &str,
) -> Option<&'a String> {
    let known = ALIASES.iter().find(|(wire, _)| *wire == name).map(|(_, own)| *own);
    fields.get(name).or_else(|| known.unwrap_or_default().iter().find_map(|own| fields.get(*own)))
}
