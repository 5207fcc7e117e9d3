//! How one proves oneself.

use serde_json::{Map, Value, json};

use super::{Told, resolve, short, word};

/// How many ways are taken.
const MOST: usize = 20;
/// How many scopes are taken.
const MOST_SCOPES: usize = 60;

/// The auth patterns: those that the whole API asks for first.
pub(super) fn patterns(document: &Value, told: &mut Told) -> Vec<Value> {
    let nothing = Map::new();
    let all = document.pointer("/components/securitySchemes").and_then(Value::as_object).unwrap_or(&nothing);
    let mut names: Vec<&String> = Vec::new();
    let asked = document.get("security").and_then(Value::as_array).into_iter().flatten();
    let asked: Vec<&Map<String, Value>> = asked.filter_map(Value::as_object).collect();
    if asked.iter().any(|together| together.len() > 1) {
        told.add("That several schemes are asked for together: each became a way of its own.".to_owned());
    }
    for name in asked.iter().flat_map(|together| together.keys()).chain(all.keys()) {
        if !names.contains(&name) {
            names.push(name);
        }
    }
    let mut patterns = Vec::new();
    for name in names {
        let called = short(name, 60);
        let Some(scheme) = all.get(name).and_then(|scheme| resolve(document, scheme)) else {
            told.add(format!(
                "`{called}`: it is described elsewhere, and nothing outside the document is read."
            ));
            continue;
        };
        match pattern(&called, scheme, told) {
            Some(_) if patterns.len() == MOST => told.add(format!("`{called}`: more than {MOST} ways.")),
            Some(pattern) => patterns.push(pattern),
            None => {}
        }
    }
    if patterns.is_empty() {
        told.add("It describes no way to sign in that could be taken: choose one.".to_owned());
        patterns.push(json!({"type": "NO_AUTH"}));
    }
    patterns
}

fn pattern(called: &str, scheme: &Value, told: &mut Told) -> Option<Value> {
    let kind = word(scheme, "type");
    let mut made = match (kind.as_str(), word(scheme, "scheme").to_ascii_lowercase().as_str()) {
        ("apiKey", _) => api_key(called, scheme, told)?,
        ("http", "basic") => json!({"type": "BASIC"}),
        ("http", "bearer") => json!({"type": "BEARER"}),
        ("http", other) => {
            told.add(format!("`{called}`: HTTP authentication `{}`.", short(other, 40)));
            return None;
        }
        ("oauth2", _) => json!({"type": "OAUTH", "oauth_config": oauth(called, scheme, told)?}),
        ("openIdConnect", _) => {
            let url = short(&word(scheme, "openIdConnectUrl"), 200);
            told.add(format!("`{called}`: OpenID Connect. Press Read with {url} to fill in its endpoints."));
            return None;
        }
        (other, _) => {
            told.add(format!("`{called}`: sign-in of type `{}`.", short(other, 40)));
            return None;
        }
    };
    if let Some(pattern) = made.as_object_mut() {
        pattern.insert("display_name".to_owned(), json!(called));
    }
    Some(made)
}

/// A key in a header or in the query.
fn api_key(called: &str, scheme: &Value, told: &mut Told) -> Option<Value> {
    let (place, name) = (word(scheme, "in"), word(scheme, "name"));
    let mut field =
        json!({"field_name": "api_key", "label": "API key", "input_type": "password", "required": true});
    let hint = short(&word(scheme, "description"), 200);
    if let Some(field) = field.as_object_mut().filter(|_| !hint.is_empty()) {
        field.insert("hint".to_owned(), json!(hint));
    }
    match place.as_str() {
        "header" if name.eq_ignore_ascii_case("authorization") => {
            Some(json!({"type": "API_KEY", "fields": [field]}))
        }
        "header" => Some(json!({"type": "API_KEY", "auth_header_key_override": name, "fields": [field]})),
        "query" => {
            if let Some(field) = field.as_object_mut() {
                field.insert("query_name".to_owned(), json!(name));
            }
            Some(json!({"type": "API_KEY", "fields": [field]}))
        }
        other => {
            told.add(format!("`{called}`: a key in `{}`.", short(other, 40)));
            None
        }
    }
}

/// The authorization code flow with its scopes.
fn oauth(called: &str, scheme: &Value, told: &mut Told) -> Option<Value> {
    let flows = scheme.get("flows").and_then(Value::as_object);
    for (name, _) in flows.into_iter().flatten().filter(|(name, _)| *name != "authorizationCode") {
        told.add(format!("`{called}`: its flow `{}`; users consent by authorization code.", short(name, 40)));
    }
    let Some(flow) = flows.and_then(|flows| flows.get("authorizationCode")).filter(|flow| flow.is_object())
    else {
        told.add(format!("`{called}`: OAuth 2.0 without the authorization code flow."));
        return None;
    };
    let (token, refresh) = (word(flow, "tokenUrl"), word(flow, "refreshUrl"));
    if !refresh.is_empty() && refresh != token {
        told.add(format!("`{called}`: another address for refreshes; they go to the token's."));
    }
    let all = flow.get("scopes").and_then(Value::as_object).cloned().unwrap_or_default();
    if all.len() > MOST_SCOPES {
        told.add(format!("`{called}`: {} more scopes.", all.len() - MOST_SCOPES));
    }
    let scope = |(name, says): (&String, &Value)| {
        let says = short(says.as_str().unwrap_or_default(), 200);
        if says.is_empty() { json!({"scope": name}) } else { json!({"scope": name, "display_name": says}) }
    };
    let scopes: Vec<Value> = all.iter().take(MOST_SCOPES).map(scope).collect();
    let mut config = json!({"authorize_uri": word(flow, "authorizationUrl"), "token_uri": token});
    if let Some(config) = config.as_object_mut().filter(|_| !scopes.is_empty()) {
        config.insert("available_scopes".to_owned(), Value::Array(scopes));
    }
    Some(config)
}
