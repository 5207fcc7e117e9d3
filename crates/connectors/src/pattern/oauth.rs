//! The OAuth part of a pattern.

use serde_json::{Map, Value, json};

use super::One;
use super::address::{self, Pin, Wire};
use super::read::{Mutation, Oauth, PatternType};

/// The keys of a method that an OAuth pattern gives besides its fields.
pub(super) fn endpoints(one: &mut One<'_, '_>) -> Map<String, Value> {
    let mut method = Map::new();
    let mut set = |key: &str, value: Value| drop(method.insert(key.to_owned(), value));
    let none = Oauth::default();
    let oauth = one.pattern.oauth.as_ref().unwrap_or(&none);
    let pkce = if oauth.pkce == Some(false) { "none" } else { "S256" };
    set("pkce", json!(pkce));
    if one.discovers() {
        set("type", json!("mcp_oauth"));
        set("dcr", json!(true));
        return method;
    }
    set("type", json!("oauth2"));
    let mut pins: Vec<String> = Vec::new();
    for (at, wire) in one.oauth_addresses() {
        match wire {
            Some(wire) => {
                pins.extend(one.pins(&wire));
                match at {
                    "revoke" => set(at, json!({"url": wire.text, "auth": "client"})),
                    _ => set(at, json!(wire.text)),
                }
                one.addresses.push(wire.address());
            }
            None if matches!(at, "userinfo_url" | "revoke") => {}
            None => one.report.add(
                format!(
                    "{}.oauth_config.{}",
                    one.pattern.at,
                    if at == "token_url" { "token_uri" } else { "authorize_uri" }
                ),
                "must be given",
            ),
        }
    }
    pins.sort();
    pins.dedup();
    set("pinned_hosts", json!(pins));
    set("scopes", Value::Array(scopes(one, oauth)));
    if let Some(name) = &oauth.scope_param {
        set("authorize_param_names", json!({"scope": name}));
    }
    method.extend(super::own::exchange(&oauth.more));
    method
}

fn scopes(one: &mut One<'_, '_>, oauth: &Oauth) -> Vec<Value> {
    let mut scopes: Vec<Value> = Vec::new();
    for (index, entry) in oauth.scopes.iter().enumerate() {
        let text = |key: &str| entry.get(key).and_then(Value::as_str).filter(|text| !text.is_empty());
        let Some(name) = text("scope") else {
            let at = format!("{}.oauth_config.available_scopes[{index}].scope", one.pattern.at);
            one.report.add(at, "must be a text");
            continue;
        };
        let required = entry.get("required") == Some(&Value::Bool(true));
        let says = text("description").or_else(|| text("display_name"));
        scopes.push(json!({
            "name": name, "required": required, "default": required, "says": says,
            "plain": text("display_name").or_else(|| text("description")),
        }));
    }
    scopes
}

impl One<'_, '_> {
    /// Whether the endpoints come from the MCP server itself.
    pub(super) fn discovers(&self) -> bool {
        let oauth = self.pattern.oauth.as_ref();
        let named = oauth.is_some_and(|oauth| oauth.authorize_uri.is_some() || oauth.token_uri.is_some());
        self.pattern.kind == PatternType::Oauth && self.pattern.is_mcp && !named
    }

    /// The addresses of the OAuth part by their key in a definition; those that are wrong are in the report.
    fn oauth_addresses(&mut self) -> Vec<(&'static str, Option<Wire>)> {
        let none = Oauth::default();
        let oauth = self.pattern.oauth.as_ref().unwrap_or(&none);
        let all = [
            ("authorize_url", "authorize_uri", &oauth.authorize_uri),
            ("token_url", "token_uri", &oauth.token_uri),
            ("userinfo_url", "user_info_uri", &oauth.user_info_uri),
            ("revoke", "revocation_uri", &oauth.more.revocation_uri),
        ];
        let mut found = Vec::new();
        for (key, wire_key, text) in all {
            let at = format!("{}.oauth_config.{wire_key}", self.pattern.at);
            match text.as_ref().map(|text| address::read(&at, text, self.report)) {
                // what is wrong is told already
                Some(None) => {}
                read => found.push((key, read.flatten())),
            }
        }
        found
    }

    /// The hosts that an address of the OAuth part may lead to. The client secret goes to them, so that a user can
    /// never choose one freely.
    fn pins(&mut self, wire: &Wire) -> Vec<String> {
        let domains = &self.pattern.domains;
        match &wire.pin {
            Pin::Fixed => Vec::new(),
            Pin::Below(domain) => vec![domain.clone()],
            Pin::Open if !domains.is_empty() => domains.clone(),
            Pin::Open => {
                self.report.add(
                    wire.at.as_str(),
                    "must end with a fixed domain, or allowed_proxy_domains must name the hosts: the client secret is sent there",
                );
                Vec::new()
            }
        }
    }

    /// The names of values in all addresses, each once.
    pub(super) fn address_names(&self) -> Vec<String> {
        let mut names: Vec<String> = self.base.map(|base| base.names.clone()).unwrap_or_default();
        let mut quiet = super::read::Report::default();
        let oauth = self.pattern.oauth.as_ref().filter(|_| self.pattern.kind == PatternType::Oauth);
        let texts = oauth.iter().flat_map(|oauth| {
            [&oauth.authorize_uri, &oauth.token_uri, &oauth.user_info_uri, &oauth.more.revocation_uri]
        });
        for wire in texts.flatten().filter_map(|text| address::read("", text, &mut quiet)) {
            names.extend(wire.names);
        }
        let mut seen = std::collections::HashSet::new();
        names.retain(|name| seen.insert(name.clone()));
        names
    }

    /// Whether a value stands in the host of an address.
    pub(super) fn in_host(&self, name: &str) -> bool {
        self.base.is_some_and(|base| base.host_names.iter().any(|used| used == name))
    }

    /// What happens to a value before it is sent.
    pub(super) fn mutation(&self, name: &str) -> Option<&Mutation> {
        self.pattern.mutations.get(name)
    }

    /// Whether something is sent when a value is not given.
    pub(super) fn has_default(&self, name: &str) -> bool {
        self.mutation(name).is_some_and(|mutation| !mutation.default.is_empty())
    }
}
