use std::collections::HashSet;

use regex::Regex;

use super::Report;
use crate::schema::{AuthMethod, BUILTINS, Connector, Field, MethodType, Place, TokenAuth, uses};

/// Names that signers and grants read without a placeholder.
const READ_BY_ENGINE: &[&str] = &[
    "client_id",
    "client_secret",
    "username",
    "password",
    "private_key",
    "key_id",
    "subject",
    "access_key_id",
    "secret_access_key",
    "session_token",
    "region",
    "service",
    "access_token",
    "access_token_secret",
    "refresh_token",
];

pub(super) fn check(connector: &Connector, method: &AuthMethod, report: &mut Report<'_>) {
    let mut seen = HashSet::new();
    let used: HashSet<String> = uses(connector, method)
        .into_iter()
        .filter_map(|used| used.text.ok())
        .flat_map(|text| text.placeholders().map(str::to_owned).collect::<Vec<_>>())
        .collect();
    for field in &method.fields {
        let key = format!("fields[{}]", field.name);
        if !seen.insert(&field.name) {
            report.error(&key, "is there twice");
        }
        one(method, field, &key, report);
        let file =
            field.kind == Some(crate::schema::FieldKind::JsonFile) || field.format.as_deref() == Some("json");
        let read =
            used.contains(&field.name) || READ_BY_ENGINE.contains(&field.name.as_str()) || field.unmapped;
        let service_key = file && method.kind == MethodType::ServiceAccount;
        if !read && !service_key {
            report.warning(&key, "is asked for and never used");
        }
        let help = field.help.is_some() || field.where_to_find_url.is_some();
        if field.secret && field.place == Place::Account && !help {
            report.warning(format!("{key}.help"), "users are not told where to find it");
        }
    }
    client(method, report);
}

fn one(method: &AuthMethod, field: &Field, key: &str, report: &mut Report<'_>) {
    let snake = field.name.starts_with(|first: char| first.is_ascii_lowercase())
        && field.name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_');
    if !snake {
        report.error(format!("{key}.name"), "must be snake_case");
    }
    let standard = ["client_id", "client_secret", "access_token", "refresh_token"];
    if BUILTINS.contains(&field.name.as_str()) && !standard.contains(&field.name.as_str()) {
        report.error(format!("{key}.name"), "is the name of a builtin");
    }
    let regex = field.pattern.as_ref().map(|pattern| Regex::new(&format!("^(?:{pattern})$")));
    match &regex {
        Some(Err(_)) => report.error(format!("{key}.pattern"), "is not a regular expression"),
        Some(Ok(regex)) => {
            for (name, value) in [("example", &field.example), ("default", &field.default)] {
                // examples may be shortened with an ellipsis
                if value.as_deref().is_some_and(|value| !value.contains('…') && !regex.is_match(value)) {
                    report.error(format!("{key}.{name}"), "does not match the pattern");
                }
            }
        }
        None => {}
    }
    if field
        .default
        .as_ref()
        .is_some_and(|default| !field.choices.is_empty() && !field.choices.contains(default))
    {
        report.error(format!("{key}.default"), "is not one of the values");
    }
    if field.fixed && field.default.is_none() {
        report.error(format!("{key}.default"), "must be given for a fixed field");
    }
    if field.secret && field.default.as_deref().is_some_and(|default| !default.is_empty()) && !field.fixed {
        report.error(format!("{key}.default"), "must not be given for a secret");
    }
    let sounds_secret = ["secret", "password", "private_key", "api_key", "token"]
        .iter()
        .any(|word| field.name == *word || field.name.ends_with(&format!("_{word}")));
    if sounds_secret && !field.secret && !field.fixed {
        report.error(format!("{key}.secret"), "must be set for a value of this name");
    }
    if field.discovered && !method.captured_names().any(|name| name == field.name) {
        report.error(format!("{key}.discovered"), "nothing captures or extracts it");
    }
}

fn client(method: &AuthMethod, report: &mut Report<'_>) {
    let has = |name: &str| method.fields.iter().any(|field| field.name == name);
    let client = matches!(
        method.kind,
        MethodType::Oauth2
            | MethodType::Oauth1
            | MethodType::Oauth1Token
            | MethodType::Oauth2ClientCredentials
    );
    if !client || method.token_auth_method == TokenAuth::Custom {
        return;
    }
    if !has("client_id") {
        report.error("fields", "must have client_id for this type");
    }
    let secret = !matches!(method.token_auth_method, TokenAuth::None | TokenAuth::PrivateKeyJwt);
    if secret && !has("client_secret") {
        report.error("fields", "must have client_secret for this way of client authentication");
    }
    let redirect = method.has_redirect();
    for field in
        method.fields.iter().filter(|field| matches!(field.name.as_str(), "client_id" | "client_secret"))
    {
        if redirect && field.place == Place::Account {
            report.error(
                format!("fields[{}].in", field.name),
                "must be connection for a method with a redirect",
            );
        }
    }
}
