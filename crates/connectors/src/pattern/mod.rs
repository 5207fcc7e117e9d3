//! Connectors that a developer describes over the API: from the wire's auth patterns to a definition.
//!
//! The patterns themselves are kept elsewhere as they were given; keys that are not read here do no harm. What comes
//! out is an ordinary definition, so that there is one engine and nothing in it knows of patterns.

mod address;
mod fields;
mod lines;
mod oauth;
mod own;
mod placement;
mod read;
mod reverse;
mod unread;

use keybearer_core::FieldViolation;
use serde_json::{Map, Value, json};

use crate::schema::Connector;
use address::{Pin, Wire};
use read::{Pattern, PatternType, Report};

pub use address::Address;
pub use lines::line_of;
pub use reverse::{Reversed, reverse};
pub use unread::unread;

/// A connector as a developer describes it.
#[derive(Clone, Copy, Debug)]
pub struct Described<'a> {
    /// What the definition is called.
    pub slug: &'a str,
    /// What people call it.
    pub display_name: &'a str,
    /// What it is.
    pub description: &'a str,
    /// What calls go below; `{{name}}` stands for a value of the account.
    pub proxy_url: &'a str,
    /// Whether calls may go through the proxy.
    pub proxy_enabled: bool,
    /// The auth patterns, a list of objects.
    pub auth_patterns: &'a Value,
}

/// A definition, and where its requests go.
#[derive(Clone, Debug, PartialEq)]
pub struct Compiled {
    /// The definition.
    pub connector: Connector,
    /// Every address that is called, with the key at which it stands.
    pub addresses: Vec<Address>,
}

/// Makes a definition.
///
/// # Errors
/// One violation for each wrong key.
pub fn compile(described: &Described<'_>) -> Result<Compiled, Vec<FieldViolation>> {
    let mut report = Report::default();
    let base = address::read("proxy_url", described.proxy_url, &mut report);
    let base = base.filter(|base| base.is_base(&mut report));
    let patterns = read::patterns(described.auth_patterns, &mut report);
    let mut addresses: Vec<Address> = base.iter().map(Wire::address).collect();
    let mut methods = Vec::new();
    for (index, pattern) in patterns.iter().enumerate() {
        let same = patterns.iter().take(index).filter(|other| other.kind == pattern.kind).count();
        let mut one = One { pattern, base: base.as_ref(), report: &mut report, addresses: &mut addresses };
        methods.push(one.method(same));
    }
    if !report.0.is_empty() {
        return Err(report.0);
    }
    let kind = if patterns.iter().any(|pattern| pattern.is_mcp) { "mcp" } else { "api" };
    let definition = json!({
        "slug": described.slug,
        "display_name": described.display_name,
        "kind": kind,
        "blurb": described.description,
        "proxy_disabled": !described.proxy_enabled,
        "auth": methods,
        "api": {"base_url": base.map(|base| base.text)},
    });
    // a definition that the schema refuses is a fault of this module, told without the values
    let connector = serde_json::from_value(definition).map_err(|_| {
        vec![FieldViolation {
            field: "auth_patterns".to_owned(),
            description: "cannot be made into a connector".to_owned(),
        }]
    })?;
    Ok(Compiled { connector, addresses })
}

/// Whether a pattern says that the service is an MCP server.
pub fn is_mcp(auth_patterns: &Value) -> bool {
    let patterns = auth_patterns.as_array().into_iter().flatten();
    patterns.into_iter().any(|pattern| pattern.get("is_mcp") == Some(&Value::Bool(true)))
}

/// One pattern on its way to a method.
struct One<'a, 'r> {
    pattern: &'a Pattern,
    base: Option<&'a Wire>,
    report: &'r mut Report,
    addresses: &'r mut Vec<Address>,
}

impl One<'_, '_> {
    fn method(&mut self, same: usize) -> Value {
        let pattern = self.pattern;
        let id = pattern.kind.id();
        let id = if same == 0 { id.to_owned() } else { format!("{id}_{}", same + 1) };
        let mut method =
            Map::from_iter([("id".to_owned(), json!(id)), ("label".to_owned(), json!(pattern.label))]);
        let mut api = Map::new();
        if pattern.kind == PatternType::Oauth {
            method.extend(oauth::endpoints(self));
        } else {
            method.insert("type".to_owned(), json!(pattern.kind.method_type()));
        }
        method.extend(own::guidance(pattern));
        if let Some(pins) = self.base.and_then(|base| base_pins(base, pattern)) {
            api.insert("pinned_hosts".to_owned(), json!(pins));
        }
        let made = fields::fields(self);
        let placed = placement::placement(self, &made);
        method.insert("fields".to_owned(), Value::Array(made.iter().map(fields::Made::definition).collect()));
        method.insert("credential_placement".to_owned(), placed);
        if !api.is_empty() {
            method.insert("api".to_owned(), Value::Object(api));
        }
        Value::Object(method)
    }

    /// Whether this name is a value that the base address needs.
    fn in_base(&self, name: &str) -> bool {
        self.base.is_some_and(|base| base.names.iter().any(|used| used == name))
    }
}

/// Where calls may go when the account's values decide about the host; `None` when they do not.
///
/// A user's own credential may go to the host that the user names, since nobody else's goes with it; the client secret
/// of OAuth never goes to the base address at all.
fn base_pins(base: &Wire, pattern: &Pattern) -> Option<Vec<String>> {
    match &base.pin {
        Pin::Fixed => None,
        _ if !pattern.domains.is_empty() => Some(pattern.domains.clone()),
        Pin::Below(domain) => Some(vec![domain.clone()]),
        Pin::Open => Some(vec!["*".to_owned()]),
    }
}
