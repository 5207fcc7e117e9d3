//! From a definition of the catalogue back to patterns, as far as patterns can say it.

use serde_json::{Map, Value, json};

use crate::schema::{AuthMethod, Connector, MethodType, Pkce, Place, Scope, TokenAuth};

/// What a definition becomes.
#[derive(Clone, Debug, PartialEq)]
pub struct Reversed {
    /// What calls go below.
    pub proxy_url: String,
    /// The patterns.
    pub auth_patterns: Value,
    /// What patterns cannot say, in the words of the definition.
    pub left_out: Vec<String>,
}

/// Keys that are about the definition, not about what is sent.
const QUIET: &[&str] = &[
    "id",
    "type",
    "label",
    "environment",
    "merged_from",
    "also_from",
    "sources",
    "evidence",
    "quirks",
    "confidence",
    "gap",
    "status",
    "pkce",
    "fields",
    "credential_placement",
    "setup",
    "client_id_hint",
    "client_secret_hint",
    "credential_probe",
    "app_review",
    "lifetimes",
    "embedded_browser_refused",
    "pinned_hosts",
    "scopes",
    "api",
    "authorize_url",
    "token_url",
    "userinfo_url",
    "redirect_rules",
    "scope_returns_granted",
    "introspect_url",
    "device_authorization_url",
    "registration_url",
    "dcr",
    "registration",
    "discovery",
    "issuer",
    "iss_supported",
    "default_scopes",
    "scope_separator",
    "token_auth_method",
    "authorize_params",
    "revoke",
];

/// The patterns of a definition. What cannot be said in them is named.
pub fn reverse(connector: &Connector) -> Reversed {
    let mut left_out = Vec::new();
    let mut patterns: Vec<Value> = Vec::new();
    for method in &connector.auth {
        match kind(method) {
            Some(kind) => patterns.push(pattern(connector, method, kind, &mut left_out)),
            None => left_out.push(format!("the way to sign in `{}`", method.id)),
        }
    }
    let api = serde_json::to_value(&connector.api).unwrap_or_default();
    for key in ["headers", "query", "rate_limit", "transport"] {
        if api.get(key).is_some_and(|value| !is_empty(value)) {
            left_out.push(format!("`api.{key}`"));
        }
    }
    let proxy_url = connector.api.base_url.as_ref().map(|text| doubled(text.source())).unwrap_or_default();
    Reversed { proxy_url, auth_patterns: Value::Array(patterns), left_out }
}

fn kind(method: &AuthMethod) -> Option<&'static str> {
    match method.kind {
        MethodType::Oauth2 => Some("OAUTH"),
        MethodType::Basic => Some("BASIC"),
        MethodType::Bearer => Some("BEARER"),
        MethodType::ApiKey => Some("API_KEY"),
        MethodType::None => Some("NO_AUTH"),
        _ => None,
    }
}

fn pattern(connector: &Connector, method: &AuthMethod, kind: &str, left_out: &mut Vec<String>) -> Value {
    let mut pattern = Map::new();
    pattern.insert("type".to_owned(), json!(kind));
    if let Some(label) = &method.label {
        pattern.insert("display_name".to_owned(), json!(label));
    }
    if kind == "OAUTH" {
        pattern.insert("oauth_config".to_owned(), oauth(method, left_out));
    }
    let (header, before) = placed(method, kind, left_out);
    if let Some(header) = header {
        pattern.insert("auth_header_key_override".to_owned(), json!(header));
    }
    if let Some((field, before)) = before {
        pattern.insert("auth_field_mutations".to_owned(), json!({field: {"prefix": before}}));
    }
    let inputs = inputs(method);
    if !inputs.is_empty() {
        let key = if kind == "OAUTH" { "account_fields" } else { "fields" };
        pattern.insert(key.to_owned(), Value::Array(inputs));
    }
    let given = |name: &str| !matches!(name, "client_id" | "client_secret");
    for field in method.fields.iter().filter(|field| field.place == Place::Connection && given(&field.name)) {
        left_out.push(format!("the developer's field `{}`", field.name));
    }
    let pins = connector.api_for(method).pinned_hosts.unwrap_or_else(|| method.pinned_hosts.clone());
    let domains: Vec<String> = pins
        .iter()
        .filter(|pin| pin.as_str() != "*")
        .map(|pin| pin.strip_prefix('.').map_or_else(|| pin.clone(), |rest| format!("*.{rest}")))
        .collect();
    if !domains.is_empty() {
        pattern.insert("allowed_proxy_domains".to_owned(), json!(domains));
    }
    guide(method, &mut pattern);
    let all = serde_json::to_value(method).unwrap_or_default();
    for (key, value) in all.as_object().into_iter().flatten() {
        if !QUIET.contains(&key.as_str()) && !is_empty(value) {
            left_out.push(format!("`{}.{key}`", method.id));
        }
    }
    Value::Object(pattern)
}

fn guide(method: &AuthMethod, pattern: &mut Map<String, Value>) {
    if let Some(setup) = &method.setup {
        if !setup.steps.is_empty() {
            pattern.insert("setup_steps".to_owned(), json!(setup.steps));
        }
        let url = setup.console_url.as_ref().map(|url| url.source()).filter(|url| !url.contains('{'));
        if let Some(url) = url.filter(|url| url.starts_with("https://")) {
            pattern.insert("setup_url".to_owned(), json!(url));
        }
    }
    if let Some(rules) = &method.redirect_rules {
        let rules = serde_json::to_value(rules).unwrap_or_default();
        let kept = ["https", "match", "max_len"]
            .into_iter()
            .filter_map(|key| rules.get(key).map(|value| (key.to_owned(), value.clone())));
        pattern.insert("redirect_rules".to_owned(), Value::Object(kept.collect()));
    }
}

fn oauth(method: &AuthMethod, left_out: &mut Vec<String>) -> Value {
    let mut oauth = Map::new();
    let mut set = |key: &str, value: Value| drop(oauth.insert(key.to_owned(), value));
    let urls = [
        ("authorize_uri", &method.authorize_url),
        ("token_uri", &method.token_url),
        ("user_info_uri", &method.userinfo_url),
    ];
    for (key, url) in urls {
        if let Some(url) = url {
            set(key, json!(doubled(url.source())));
        }
    }
    if let Some(revoke) = &method.revoke {
        let plain = revoke.body.is_none() && revoke.headers.is_empty() && revoke.method == "POST";
        let client = serde_json::to_value(revoke.auth).is_ok_and(|auth| auth == json!("client"));
        match plain && client {
            true => set("revocation_uri", json!(doubled(revoke.url.source()))),
            false => left_out.push(format!("`{}.revoke`", method.id)),
        }
    }
    if method.pkce == Pkce::None {
        set("pkce_enabled", json!(false));
    }
    match method.token_auth_method {
        TokenAuth::ClientSecretPost => {}
        TokenAuth::ClientSecretBasic => set("client_authentication", json!("client_secret_basic")),
        TokenAuth::None => set("client_authentication", json!("none")),
        _ => left_out.push(format!("`{}.token_auth_method`", method.id)),
    }
    if let Some(separator) = &method.scope_separator {
        set("scope_separator", json!(separator));
    }
    let params = params(method, left_out);
    if !params.is_empty() {
        set("authorize_params", Value::Object(params));
    }
    if !method.scopes.is_empty() {
        set("available_scopes", Value::Array(method.scopes.iter().map(scope).collect()));
    }
    Value::Object(oauth)
}

fn params(method: &AuthMethod, left_out: &mut Vec<String>) -> Map<String, Value> {
    let constant =
        |value: &Value| value.as_str().filter(|text| !text.contains(['{', '}'])).map(str::to_owned);
    let params: Map<String, Value> = method
        .authorize_params
        .iter()
        .filter_map(|(name, value)| constant(value).map(|text| (name.clone(), json!(text))))
        .collect();
    if params.len() < method.authorize_params.len() {
        left_out.push(format!("some of `{}.authorize_params`", method.id));
    }
    params
}

fn scope(scope: &Scope) -> Value {
    let mut entry = Map::from_iter([("scope".to_owned(), json!(scope.name))]);
    let words = [("display_name", &scope.plain), ("description", &scope.says)];
    entry.extend(
        words.into_iter().filter_map(|(key, text)| text.as_ref().map(|text| (key.to_owned(), json!(text)))),
    );
    if scope.required {
        entry.insert("required".to_owned(), json!(true));
    }
    Value::Object(entry)
}

/// The header that carries the credential, when it is not the usual one, and what stands before it.
fn placed(
    method: &AuthMethod,
    kind: &str,
    left_out: &mut Vec<String>,
) -> (Option<String>, Option<(String, String)>) {
    let placement = &method.credential_placement;
    let odd = |left_out: &mut Vec<String>| left_out.push(format!("`{}.credential_placement`", method.id));
    if !placement.query.is_empty() || !placement.body.is_empty() || placement.signing.is_some() {
        odd(left_out);
    }
    if kind == "BASIC" || placement.headers.is_empty() {
        return (placement.basic.as_ref().and_then(|basic| basic.header.clone()), None);
    }
    if placement.headers.len() > 1 {
        odd(left_out);
    }
    let Some((header, text)) = placement.headers.iter().next() else { return (None, None) };
    let own = (!header.eq_ignore_ascii_case("authorization")).then(|| header.clone());
    let source = text.source();
    let Some((before, rest)) = source.split_once('{') else { return (own, None) };
    let name = rest.split('}').next().unwrap_or_default().to_owned();
    if !rest.ends_with('}') || rest.matches('}').count() > 1 {
        odd(left_out);
    }
    let usual = if matches!(kind, "OAUTH" | "BEARER") { "Bearer " } else { "" };
    match before.strip_prefix(usual) {
        Some("") => (own, None),
        Some(more) => (own, Some((name, more.to_owned()))),
        None => {
            odd(left_out);
            (own, None)
        }
    }
}

fn inputs(method: &AuthMethod) -> Vec<Value> {
    let asked =
        |field: &&crate::schema::Field| field.place == Place::Account && !field.fixed && !field.discovered;
    let entry = |field: &crate::schema::Field| {
        let mut entry = Map::from_iter([
            ("field_name".to_owned(), json!(field.name)),
            ("label".to_owned(), json!(field.label)),
            ("input_type".to_owned(), json!(if field.secret { "password" } else { "text" })),
            ("required".to_owned(), json!(field.required)),
        ]);
        if let Some(help) = &field.help {
            entry.insert("hint".to_owned(), json!(help));
        }
        if !field.choices.is_empty() {
            let option =
                |value: &String| json!({"value": value, "default": field.default.as_ref() == Some(value)});
            entry.insert("options".to_owned(), Value::Array(field.choices.iter().map(option).collect()));
        }
        Value::Object(entry)
    };
    method.fields.iter().filter(asked).map(entry).collect()
}

/// `{name}` as `{{name}}`.
fn doubled(text: &str) -> String {
    text.replace('{', "{{").replace('}', "}}")
}

fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null | Value::Bool(false) => true,
        Value::Array(list) => list.is_empty(),
        Value::Object(map) => map.is_empty(),
        _ => false,
    }
}
