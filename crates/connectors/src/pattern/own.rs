//! Keys that only Keybearer reads: what the developer is told, and what some token endpoints need.
//!
//! The reference's own clients keep them as they keep every key they do not know.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};
use url::Url;

use super::read::{Keys, Pattern, PatternType, Report};

const MAX_STEPS: usize = 30;
const MAX_STEP: usize = 500;
const MAX_PARAMS: usize = 20;

/// What a developer does at the service before a connection works.
#[derive(Debug, Default)]
pub(super) struct Guide {
    steps: Vec<String>,
    url: Option<String>,
    redirect: Option<Value>,
}

/// What the OAuth part can say beyond the wire.
#[derive(Debug, Default)]
pub(super) struct Beyond {
    pub revocation_uri: Option<String>,
    client_authentication: Option<String>,
    authorize_params: BTreeMap<String, String>,
    scope_separator: Option<String>,
}

/// The standard parameters, which a definition must not set as if they were further ones.
const STANDARD: [&str; 9] = [
    "client_id",
    "client_secret",
    "redirect_uri",
    "response_type",
    "scope",
    "state",
    "code_challenge",
    "code_challenge_method",
    "nonce",
];

/// The keys of a pattern.
pub(super) fn guide(keys: &Keys<'_>, report: &mut Report) -> Guide {
    let url = keys.text("setup_url", report);
    let is_web = |text: &String| Url::parse(text).is_ok_and(|url| url.scheme() == "https" && url.has_host());
    if url.as_ref().is_some_and(|url| !is_web(url) || url.contains(['{', '}'])) {
        report.add(keys.at("setup_url"), "must be an https address");
    }
    Guide { steps: steps(keys, report), url, redirect: redirect(keys, report) }
}

fn steps(keys: &Keys<'_>, report: &mut Report) -> Vec<String> {
    let list = keys.list("setup_steps", report);
    if list.len() > MAX_STEPS {
        report.add(keys.at("setup_steps"), format!("must have at most {MAX_STEPS} entries"));
    }
    let mut steps = Vec::new();
    for (index, entry) in list.iter().enumerate() {
        match entry.as_str().map(str::trim).filter(|text| !text.is_empty() && text.len() <= MAX_STEP) {
            Some(text) => steps.push(text.to_owned()),
            None => report.add(
                format!("{}[{index}]", keys.at("setup_steps")),
                format!("must be a text of at most {MAX_STEP} characters"),
            ),
        }
    }
    steps
}

fn redirect(keys: &Keys<'_>, report: &mut Report) -> Option<Value> {
    let rules = keys.object("redirect_rules", report)?;
    let mut made = Map::new();
    for (key, known) in
        [("https", ["required", "localhost_ok", "any"]), ("match", ["exact", "subpath", "any_port"])]
    {
        let Some(word) = rules.text(key, report) else { continue };
        if !known.contains(&word.as_str()) {
            report.add(rules.at(key), format!("must be one of {}", known.join(", ")));
        }
        made.insert(key.to_owned(), json!(word));
    }
    if let Some(length) = rules.object.get("max_len").filter(|value| !value.is_null()) {
        if !length.as_u64().is_some_and(|length| (10..=4096).contains(&length)) {
            report.add(rules.at("max_len"), "must be a number from 10 to 4096");
        }
        made.insert("max_len".to_owned(), length.clone());
    }
    Some(Value::Object(made))
}

/// The keys of the OAuth part.
pub(super) fn beyond(keys: &Keys<'_>, report: &mut Report) -> Beyond {
    let known = ["client_secret_post", "client_secret_basic", "none"];
    let client = keys.text("client_authentication", report);
    if client.as_ref().is_some_and(|word| !known.contains(&word.as_str())) {
        report.add(keys.at("client_authentication"), format!("must be one of {}", known.join(", ")));
    }
    let separator = match keys.object.get("scope_separator") {
        Some(Value::String(text)) if matches!(text.as_str(), " " | "," | "+" | ";" | "|") => {
            Some(text.clone())
        }
        None | Some(Value::Null) => None,
        Some(_) => {
            report.add(keys.at("scope_separator"), "must be a space or one of , + ; |");
            None
        }
    };
    Beyond {
        revocation_uri: keys.text("revocation_uri", report),
        client_authentication: client,
        authorize_params: params(keys, report),
        scope_separator: separator,
    }
}

fn params(keys: &Keys<'_>, report: &mut Report) -> BTreeMap<String, String> {
    let mut params = BTreeMap::new();
    let Some(all) = keys.object("authorize_params", report) else { return params };
    if all.object.len() > MAX_PARAMS {
        report.add(keys.at("authorize_params"), format!("must have at most {MAX_PARAMS} entries"));
    }
    for name in all.object.keys() {
        let Some(value) = all.text(name, report) else {
            report.add(all.at(name), "must have a value");
            continue;
        };
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"_-.".contains(&byte);
        if name.is_empty() || !name.bytes().all(plain) || STANDARD.contains(&name.as_str()) {
            report
                .add(all.at(name), "must not be a parameter that is sent anyway, nor hold other characters");
        }
        params.insert(name.clone(), value);
    }
    params
}

/// The keys of a method that say how it is set up.
pub(super) fn guidance(pattern: &Pattern) -> Map<String, Value> {
    let mut method = Map::new();
    let mut steps = pattern.guide.steps.clone();
    if steps.is_empty() && pattern.kind == PatternType::Oauth {
        steps = vec![
            "Register an OAuth app at the service with the redirect URI of the connection.".to_owned(),
            "Give the app's client ID and client secret to the connection.".to_owned(),
        ];
    }
    if !steps.is_empty() || pattern.guide.url.is_some() {
        method.insert("setup".to_owned(), json!({"steps": steps, "console_url": pattern.guide.url}));
    }
    if let Some(rules) = pattern.guide.redirect.clone().filter(|_| pattern.kind == PatternType::Oauth) {
        method.insert("redirect_rules".to_owned(), rules);
    }
    method
}

/// The keys of a method that say how tokens are asked for.
pub(super) fn exchange(beyond: &Beyond) -> Map<String, Value> {
    let mut method = Map::new();
    if let Some(way) = &beyond.client_authentication {
        method.insert("token_auth_method".to_owned(), json!(way));
    }
    if !beyond.authorize_params.is_empty() {
        // braces are braces: nothing of an account goes into what a browser shows
        let literal = |text: &String| json!(text.replace('{', "{{").replace('}', "}}"));
        let params: Map<String, Value> =
            beyond.authorize_params.iter().map(|(name, value)| (name.clone(), literal(value))).collect();
        method.insert("authorize_params".to_owned(), Value::Object(params));
    }
    if let Some(separator) = &beyond.scope_separator {
        method.insert("scope_separator".to_owned(), json!(separator));
    }
    method
}
