//! Credentials as they come in, brought into one shape and checked against what the connector takes.

use std::collections::BTreeMap;

use keybearer_connectors::Bindings;
use keybearer_connectors::engine::auth_type;
use keybearer_connectors::forms::{self, Require};
use keybearer_connectors::schema::{AuthMethod, Connector, Place};
use keybearer_core::{AuthType, Code, Error, FieldViolation, Result, SecretString};
use serde_json::{Map, Value};

use super::types::{Credentials, OauthTokens};

/// Names under which the wire's clients send a key, whatever the connector calls it.
const KEY_NAMES: &[&str] = &["api_key", "token", "api_token", "access_token", "key"];

/// Credentials in one shape; empty ones are none.
#[derive(Clone, Debug, Default)]
pub(super) struct Given {
    /// OAuth tokens, if there are any.
    pub tokens: Option<OauthTokens>,
    /// Account fields, cleaned.
    pub fields: Bindings,
    /// `path_variables` as they were given.
    pub path_variables: Option<Map<String, Value>>,
    /// Whether credentials were given at all, and not only values that stand beside them.
    pub is_credential: bool,
}

/// Brings credentials into one shape. Nobody is asked whether they work.
///
/// # Errors
/// [`Code::CredentialTypeMismatch`] when the connection takes another kind; `InvalidArgument` at each wrong field.
/// No message holds a value.
pub(super) fn read(
    connector: &Connector,
    method: &AuthMethod,
    credentials: &Credentials,
    fields: &BTreeMap<String, SecretString>,
) -> Result<Given> {
    let mut given = Given::default();
    let mut input: BTreeMap<String, String> =
        fields.iter().map(|(name, value)| (name.clone(), value.expose().clone())).collect();
    match credentials {
        Credentials::None => given.is_credential = !input.is_empty() && !method.has_redirect(),
        Credentials::Oauth(tokens) => read_oauth(method, tokens, &mut given, &mut input)?,
        Credentials::Static { details } => read_static(method, details, &mut given, &mut input)?,
        Credentials::ServiceAccount { subject } => read_subject(method, subject, &mut given, &mut input)?,
        Credentials::TrustedIdp => return Err(mismatch(method, "keys of a federated identity")),
    }
    input.retain(|_, value| !value.is_empty());
    let checked = forms::check(connector, method, Place::Account, &input, Require::Given);
    given.fields = checked.map_err(Error::fields)?;
    Ok(given)
}

fn mismatch(method: &AuthMethod, what: &str) -> Error {
    let takes = match auth_type(method) {
        AuthType::Oauth => "OAuth tokens (oauth_token)",
        AuthType::OauthM2m => "client credentials (static_auth or oauth_token)",
        AuthType::Oauth1 => "OAuth 1.0a tokens (oauth_token)",
        AuthType::ServiceAccount => "a service account (google_dwd or static_auth)",
        AuthType::NoAuth => "no credential",
        AuthType::Basic | AuthType::Bearer | AuthType::ApiKey | AuthType::Custom => {
            "the fields of static_auth"
        }
    };
    Error::new(Code::CredentialTypeMismatch, format!("{what} were given, the connection takes {takes}"))
}

fn read_oauth(
    method: &AuthMethod,
    tokens: &OauthTokens,
    given: &mut Given,
    input: &mut BTreeMap<String, String>,
) -> Result<()> {
    let present = |token: &Option<SecretString>| token.clone().filter(|token| !token.is_empty());
    let (access, refresh) = (present(&tokens.access_token), present(&tokens.refresh_token));
    let domain = tokens.domain.clone().filter(|domain| !domain.is_empty());
    if access.is_none() && refresh.is_none() {
        // Node sends an empty `oauth_token{}` for connections of every kind
        return Ok(());
    }
    if !matches!(auth_type(method), AuthType::Oauth | AuthType::OauthM2m | AuthType::Oauth1) {
        return Err(mismatch(method, "OAuth tokens"));
    }
    for (name, token) in [("access_token", &access), ("refresh_token", &refresh)] {
        let one_line = token.as_ref().is_none_or(|token| !token.expose().chars().any(char::is_control));
        if !one_line {
            return Err(Error::field(format!("oauth_token.{name}"), "must be one line"));
        }
    }
    if let Some(domain) = &domain
        && method.field("domain").is_some_and(|field| field.place == Place::Account)
    {
        input.insert("domain".to_owned(), domain.clone());
    }
    given.is_credential = true;
    given.tokens =
        Some(OauthTokens { access_token: access, refresh_token: refresh, domain, ..tokens.clone() });
    Ok(())
}

fn read_static(
    method: &AuthMethod,
    details: &SecretString,
    given: &mut Given,
    input: &mut BTreeMap<String, String>,
) -> Result<()> {
    let details: Map<String, Value> = match serde_json::from_str(details.expose()) {
        Ok(Value::Object(details)) => details,
        Ok(Value::Null) => Map::new(),
        // the parser's own message could quote a value
        _ => return Err(Error::field("static_auth.details", "must be an object")),
    };
    let (mut texts, mut violations) = (BTreeMap::new(), Vec::new());
    for (name, value) in details {
        match (name.as_str(), value) {
            ("path_variables", Value::Object(variables)) => {
                texts.extend(path_fields(method, &variables));
                given.path_variables = Some(variables).filter(|variables| !variables.is_empty());
            }
            (_, Value::String(text)) => drop(texts.insert(name, text)),
            (_, Value::Number(number)) => drop(texts.insert(name, number.to_string())),
            (_, Value::Bool(flag)) => drop(texts.insert(name, flag.to_string())),
            (_, Value::Null) => {}
            _ => violations.push(FieldViolation {
                field: format!("static_auth.details.{name}"),
                description: "must be a text".to_owned(),
            }),
        }
    }
    if !violations.is_empty() {
        return Err(Error::fields(violations));
    }
    texts.retain(|_, text| !text.is_empty());
    if texts.is_empty() {
        return Ok(());
    }
    let takes_fields = method.fields.iter().any(|field| field.place == Place::Account);
    if method.has_redirect() || (auth_type(method) == AuthType::NoAuth && !takes_fields) {
        return Err(mismatch(method, "fields"));
    }
    input.extend(renamed(method, texts));
    given.is_credential = true;
    Ok(())
}

/// Where the connector asks for exactly one secret, it may come under a usual name.
fn renamed(method: &AuthMethod, texts: BTreeMap<String, String>) -> BTreeMap<String, String> {
    let mut secrets =
        method.fields.iter().filter(|field| field.place == Place::Account && field.secret && !field.fixed);
    let (Some(only), None) = (secrets.next(), secrets.next()) else {
        return texts;
    };
    let rename = |(name, text): (String, String)| {
        let usual = method.field(&name).is_none() && KEY_NAMES.contains(&name.as_str());
        (if usual { only.name.clone() } else { name }, text)
    };
    texts.into_iter().map(rename).collect()
}

fn read_subject(
    method: &AuthMethod,
    subject: &str,
    given: &mut Given,
    input: &mut BTreeMap<String, String>,
) -> Result<()> {
    if subject.is_empty() {
        return Ok(());
    }
    let takes = method.field("subject").is_some_and(|field| field.place == Place::Account);
    if auth_type(method) != AuthType::ServiceAccount || !takes {
        return Err(mismatch(method, "the subject of a service account"));
    }
    input.insert("subject".to_owned(), subject.to_owned());
    given.is_credential = true;
    Ok(())
}

/// The texts among `variables` that are plain account fields of the method.
pub(super) fn path_fields(method: &AuthMethod, variables: &Map<String, Value>) -> BTreeMap<String, String> {
    let is_plain = |name: &str| {
        method.field(name).is_some_and(|field| {
            field.place == Place::Account && !field.secret && !field.fixed && !field.discovered
        })
    };
    let texts = variables.iter().filter(|(name, _)| is_plain(name));
    texts.filter_map(|(name, value)| value.as_str().map(|text| (name.clone(), text.to_owned()))).collect()
}

/// Account fields that an `api_config` brings: its own keys and those of `path_variables`.
///
/// # Errors
/// `InvalidArgument` at each wrong field.
pub(super) fn of_api_config(
    connector: &Connector,
    method: &AuthMethod,
    api_config: &Map<String, Value>,
) -> Result<Bindings> {
    let mut input = path_fields(method, api_config);
    if let Some(Value::Object(variables)) = api_config.get("path_variables") {
        input.extend(path_fields(method, variables));
    }
    input.retain(|_, value| !value.is_empty());
    forms::check(connector, method, Place::Account, &input, Require::Given).map_err(Error::fields)
}
