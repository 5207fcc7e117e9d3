//! Reading patterns: what is there, with a violation at each key that cannot be what it is.

use std::collections::BTreeMap;

use keybearer_core::FieldViolation;
use serde_json::{Map, Value};

use super::own::{self, Beyond, Guide};
use crate::template::header_value;

const MAX_PATTERNS: usize = 20;
const MAX_FIELDS: usize = 50;
const MAX_TEXT: usize = 2048;

/// What is wrong.
#[derive(Debug, Default)]
pub(super) struct Report(pub Vec<FieldViolation>);

impl Report {
    /// The first thing that is wrong with a key is the one that is told.
    pub fn add(&mut self, field: impl Into<String>, description: impl Into<String>) {
        let field = field.into();
        if !self.0.iter().any(|known| known.field == field) {
            self.0.push(FieldViolation { field, description: description.into() });
        }
    }
}

/// The kinds that a developer can describe.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum PatternType {
    Oauth,
    Basic,
    Bearer,
    ApiKey,
    NoAuth,
}

impl PatternType {
    const ALL: [(&'static str, Self); 5] = [
        ("OAUTH", Self::Oauth),
        ("BASIC", Self::Basic),
        ("BEARER", Self::Bearer),
        ("API_KEY", Self::ApiKey),
        ("NO_AUTH", Self::NoAuth),
    ];

    /// The id of the method; it must not change, since connections name it.
    pub fn id(self) -> &'static str {
        match self {
            Self::Oauth => "oauth",
            Self::Basic => "basic",
            Self::Bearer => "bearer",
            Self::ApiKey => "api_key",
            Self::NoAuth => "no_auth",
        }
    }

    /// The word of the definition, for those without an exchange.
    pub fn method_type(self) -> &'static str {
        match self {
            Self::Oauth => "oauth2",
            Self::NoAuth => "none",
            other => other.id(),
        }
    }
}

/// One pattern.
#[derive(Debug)]
pub(super) struct Pattern {
    /// Where it stands, for example `auth_patterns[0]`.
    pub at: String,
    pub kind: PatternType,
    pub label: String,
    pub inputs: Vec<Input>,
    pub oauth: Option<Oauth>,
    pub header: Option<String>,
    pub mutations: BTreeMap<String, Mutation>,
    pub is_mcp: bool,
    /// Pins of the hosts that calls may go to.
    pub domains: Vec<String>,
    /// Keys of ours, which the wire's reference does not have.
    pub guide: Guide,
}

/// A value that an account gives.
#[derive(Debug)]
pub(super) struct Input {
    pub at: String,
    pub name: String,
    pub label: String,
    pub kind: String,
    pub hint: Option<String>,
    pub required: Option<bool>,
    pub choices: Vec<String>,
    pub default: Option<String>,
    pub is_path: bool,
    pub header: Option<String>,
    pub query: Option<String>,
}

/// What happens to a value before it is sent.
#[derive(Debug, Default)]
pub(super) struct Mutation {
    pub default: String,
    pub prefix: String,
    pub suffix: String,
}

/// The OAuth part of a pattern.
#[derive(Debug, Default)]
pub(super) struct Oauth {
    pub authorize_uri: Option<String>,
    pub token_uri: Option<String>,
    pub user_info_uri: Option<String>,
    pub scopes: Vec<Value>,
    pub pkce: Option<bool>,
    pub scope_param: Option<String>,
    pub more: Beyond,
}

/// Every pattern of the list.
pub(super) fn patterns(list: &Value, report: &mut Report) -> Vec<Pattern> {
    let Some(list) = list.as_array().filter(|list| (1..=MAX_PATTERNS).contains(&list.len())) else {
        report.add("auth_patterns", format!("must be a list of 1 to {MAX_PATTERNS} patterns"));
        return Vec::new();
    };
    let mut patterns = Vec::new();
    for (index, pattern) in list.iter().enumerate() {
        let at = format!("auth_patterns[{index}]");
        match pattern.as_object() {
            Some(object) => patterns.extend(self::pattern(&Keys { at, object }, report)),
            None => report.add(at, "must be an object"),
        }
    }
    patterns
}

fn pattern(keys: &Keys<'_>, report: &mut Report) -> Option<Pattern> {
    let words = keys.text("type", report).unwrap_or_default().to_ascii_uppercase();
    let Some((_, kind)) = PatternType::ALL.into_iter().find(|(word, _)| *word == words) else {
        let known: Vec<&str> = PatternType::ALL.iter().map(|(word, _)| *word).collect();
        report.add(keys.at("type"), format!("must be one of {}", known.join(", ")));
        return None;
    };
    let mut inputs = inputs(keys, "fields", report);
    inputs.extend(self::inputs(keys, "account_fields", report));
    let header = keys.text("auth_header_key_override", report);
    check_header(keys.at("auth_header_key_override"), header.as_deref(), report);
    let oauth = keys.object("oauth_config", report).map(|keys| oauth(&keys, report));
    let label = keys.text("display_name", report);
    keys.text("description", report);
    Some(Pattern {
        at: keys.at.clone(),
        kind,
        label: label.unwrap_or_else(|| words.replace('_', " ")),
        inputs,
        oauth,
        header,
        mutations: mutations(keys, report),
        is_mcp: keys.flag("is_mcp", report).unwrap_or_default(),
        domains: domains(keys, report),
        guide: own::guide(keys, report),
    })
}

fn inputs(keys: &Keys<'_>, key: &str, report: &mut Report) -> Vec<Input> {
    let list = keys.list(key, report);
    if list.len() > MAX_FIELDS {
        report.add(keys.at(key), format!("must have at most {MAX_FIELDS} entries"));
    }
    let mut inputs = Vec::new();
    for (index, entry) in list.iter().enumerate() {
        let at = format!("{}[{index}]", keys.at(key));
        match entry.as_object() {
            Some(object) => inputs.push(input(&Keys { at, object }, report)),
            None => report.add(at, "must be an object"),
        }
    }
    inputs
}

fn input(keys: &Keys<'_>, report: &mut Report) -> Input {
    let name = keys.text("field_name", report).unwrap_or_default();
    let header = keys.text("header_name", report);
    check_header(keys.at("header_name"), header.as_deref(), report);
    let query = keys.text("query_name", report);
    if query.as_ref().is_some_and(|query| query.len() > 100 || query.chars().any(char::is_control)) {
        report.add(keys.at("query_name"), "must be the name of a query parameter of at most 100 characters");
    } else if query.is_some() && header.is_some() {
        report.add(keys.at("query_name"), "must not be given beside header_name");
    }
    let (mut choices, mut default) = (Vec::new(), None);
    for (index, option) in keys.list("options", report).iter().enumerate() {
        let value = option.get("value").and_then(Value::as_str).filter(|value| !value.is_empty());
        let Some(value) = value else {
            report.add(format!("{}[{index}].value", keys.at("options")), "must be a text");
            continue;
        };
        choices.push(value.to_owned());
        if option.get("default") == Some(&Value::Bool(true)) {
            default = Some(value.to_owned());
        }
    }
    Input {
        at: keys.at.clone(),
        label: keys.text("label", report).unwrap_or_else(|| name.clone()),
        kind: keys.text("input_type", report).unwrap_or_default().to_ascii_lowercase(),
        hint: keys.text("hint", report),
        required: keys.flag("required", report),
        choices,
        default,
        is_path: keys.flag("is_path_param", report).unwrap_or_default(),
        header,
        query,
        name,
    }
}

fn oauth(keys: &Keys<'_>, report: &mut Report) -> Oauth {
    Oauth {
        authorize_uri: keys.text("authorize_uri", report),
        token_uri: keys.text("token_uri", report),
        user_info_uri: keys.text("user_info_uri", report),
        scopes: keys.list("available_scopes", report).to_vec(),
        pkce: keys.flag("pkce_enabled", report),
        scope_param: keys.text("custom_scope_name", report),
        more: own::beyond(keys, report),
    }
}

fn mutations(keys: &Keys<'_>, report: &mut Report) -> BTreeMap<String, Mutation> {
    let mut mutations = BTreeMap::new();
    let Some(all) = keys.object("auth_field_mutations", report) else {
        return mutations;
    };
    for name in all.object.keys() {
        let Some(keys) = all.object(name, report) else { continue };
        // white space counts: `Token ` is a prefix
        let mut text = |key: &str| {
            let text = keys.raw(key, report).unwrap_or_default();
            if let Err(reason) = header_value(&text) {
                report.add(keys.at(key), reason);
            }
            text
        };
        let mutation = Mutation { default: text("default"), prefix: text("prefix"), suffix: text("suffix") };
        mutations.insert(name.clone(), mutation);
    }
    mutations
}

/// `example.com`, `*.example.com` or `.example.com`, with `https://` before it or not.
fn domains(keys: &Keys<'_>, report: &mut Report) -> Vec<String> {
    let mut pins = Vec::new();
    for (index, entry) in keys.list("allowed_proxy_domains", report).iter().enumerate() {
        let text = entry.as_str().unwrap_or_default().trim().to_ascii_lowercase();
        let host = text.strip_prefix("https://").unwrap_or(&text).trim_end_matches('/');
        let pin = host.strip_prefix('*').unwrap_or(host);
        let name = pin.strip_prefix('.').unwrap_or(pin);
        let fits = name.contains('.')
            && url::Host::parse(name)
                .is_ok_and(|host| matches!(host, url::Host::Domain(found) if found == name));
        if fits && (pin == host || pin.starts_with('.')) {
            pins.push(pin.to_owned());
        } else {
            report.add(
                format!("{}[{index}]", keys.at("allowed_proxy_domains")),
                "must be a host such as api.example.com or *.example.com",
            );
        }
    }
    pins
}

fn check_header(at: String, name: Option<&str>, report: &mut Report) {
    if name.is_some_and(|name| !crate::lint::is_settable(name)) {
        report.add(at, "must be the name of a header that can be set");
    }
}

/// The keys of an object, read one by one. Absent, null and empty are the same.
pub(super) struct Keys<'a> {
    pub at: String,
    pub object: &'a Map<String, Value>,
}

impl<'a> Keys<'a> {
    pub fn at(&self, key: &str) -> String {
        format!("{}.{key}", self.at)
    }

    fn get(&self, key: &str) -> Option<&'a Value> {
        self.object.get(key).filter(|value| !value.is_null())
    }

    pub fn text(&self, key: &str, report: &mut Report) -> Option<String> {
        let text = self.raw(key, report)?;
        Some(text.trim().to_owned()).filter(|text| !text.is_empty())
    }

    fn raw(&self, key: &str, report: &mut Report) -> Option<String> {
        match self.get(key)? {
            Value::String(text) if text.len() <= MAX_TEXT => Some(text.clone()),
            Value::String(_) => {
                report.add(self.at(key), format!("must have at most {MAX_TEXT} characters"));
                None
            }
            _ => {
                report.add(self.at(key), "must be a text");
                None
            }
        }
    }

    pub fn flag(&self, key: &str, report: &mut Report) -> Option<bool> {
        let value = self.get(key)?;
        if value.as_bool().is_none() {
            report.add(self.at(key), "must be true or false");
        }
        value.as_bool()
    }

    pub fn list(&self, key: &str, report: &mut Report) -> &'a [Value] {
        match self.get(key) {
            None => &[],
            Some(Value::Array(list)) => list,
            Some(_) => {
                report.add(self.at(key), "must be a list");
                &[]
            }
        }
    }

    pub fn object(&self, key: &str, report: &mut Report) -> Option<Keys<'a>> {
        match self.get(key)? {
            Value::Object(object) => Some(Keys { at: self.at(key), object }),
            _ => {
                report.add(self.at(key), "must be an object");
                None
            }
        }
    }
}
