//! The values a developer gives: cleaned, checked, and sorted into what may be shown and what is sealed.

use std::collections::BTreeMap;

use keybearer_connectors::Bindings;
use keybearer_connectors::forms::{self, Require};
use keybearer_connectors::schema::{AuthMethod, Connector, MethodType, Place};
use keybearer_core::{CredentialSource, Error, FieldViolation, Result};
use serde_json::{Map, Value};

use super::aliases;
use super::types::Warning;
use crate::state::App;

const ID: &str = "client_id";
const SECRET: &str = "client_secret";

/// Parameters of the authorization request that bind the answer to us, or that have a setting of their own.
pub(super) const RESERVED_PARAMS: &[&str] = &[
    "client_id",
    "client_secret",
    "redirect_uri",
    "state",
    "response_type",
    "response_mode",
    "code_challenge",
    "code_challenge_method",
    "request",
    "request_uri",
    "scope",
    "nonce",
    "code",
    "code_verifier",
];

/// What was given, before it is checked.
#[derive(Clone, Copy)]
pub(super) struct Given<'a> {
    pub client_id: Option<&'a str>,
    pub fields: &'a BTreeMap<String, String>,
    pub secrets: &'a Bindings,
}

/// What was given, checked and sorted.
#[derive(Clone, Debug, Default)]
pub(super) struct Values {
    pub client_id: Option<String>,
    /// May be shown.
    pub fields: BTreeMap<String, String>,
    /// Is sealed.
    pub secrets: Bindings,
    /// Plain fields that were given empty.
    pub cleared: Vec<String>,
}

/// Cleans and checks what was given, and sorts it by what the connector says about each field.
///
/// # Errors
/// `InvalidArgument` with one violation for each wrong field.
pub(super) fn read(connector: &Connector, method: &AuthMethod, given: Given<'_>) -> Result<Values> {
    let mut values = Values::default();
    let mut input = BTreeMap::new();
    for (name, text) in texts(given) {
        let name = aliases::own_name(method, &name).to_owned();
        if text.trim().is_empty() {
            if !is_secret(method, &name) {
                values.cleared.push(name);
            }
        } else if is_undeclared_client(method, &name) {
            sort(method, &mut values, &name, unquoted(text.trim()));
        } else {
            input.insert(name, text);
        }
    }
    let cleaned =
        forms::check(connector, method, Place::Connection, &input, Require::Given).map_err(Error::fields)?;
    for (name, value) in cleaned.iter() {
        sort(method, &mut values, name, value.expose());
    }
    Ok(values)
}

/// Without the quotes that came along when it was copied.
fn unquoted(text: &str) -> &str {
    let inner = |quote: char| text.strip_prefix(quote)?.strip_suffix(quote);
    ['"', '\'', '`'].into_iter().find_map(inner).map_or(text, str::trim)
}

fn texts(given: Given<'_>) -> BTreeMap<String, String> {
    let mut texts = given.fields.clone();
    texts.extend(given.secrets.iter().map(|(name, value)| (name.to_owned(), value.expose().clone())));
    texts.extend(given.client_id.map(|id| (ID.to_owned(), id.to_owned())));
    texts
}

fn is_secret(method: &AuthMethod, name: &str) -> bool {
    name == SECRET || method.field(name).is_some_and(|field| field.secret)
}

/// Client id and secret of a method whose definition does not list them as fields.
fn is_undeclared_client(method: &AuthMethod, name: &str) -> bool {
    matches!(name, ID | SECRET) && method.field(name).is_none() && uses_client(method)
}

fn uses_client(method: &AuthMethod) -> bool {
    matches!(
        method.kind,
        MethodType::Oauth2 | MethodType::Oauth1 | MethodType::McpOauth | MethodType::Oauth2ClientCredentials
    )
}

fn sort(method: &AuthMethod, values: &mut Values, name: &str, value: &str) {
    if is_secret(method, name) {
        values.secrets.insert(name, value);
    } else if name == ID {
        values.client_id = Some(value.to_owned());
    } else {
        values.fields.insert(name.to_owned(), value.to_owned());
    }
}

/// Checks client id and secret against each other.
///
/// # Errors
/// `InvalidArgument` at `client_id` or `client_secret`.
pub(super) fn check_client(client_id: Option<&str>, secrets: &Bindings) -> Result<()> {
    let mut violations = Vec::new();
    let mut wrong = |field: &str, description: &str| {
        violations.push(FieldViolation { field: field.to_owned(), description: description.to_owned() });
    };
    if client_id.is_some_and(|id| id.chars().any(|c| c.is_whitespace() || c.is_control())) {
        wrong(ID, "must not contain white space");
    }
    if let Some(secret) = secrets.get(SECRET) {
        let secret = secret.expose();
        if secret.chars().any(|c| matches!(c, '\r' | '\n')) {
            wrong(SECRET, "must be one line");
        } else if secret.chars().any(|c| c.is_whitespace() || c.is_control()) {
            wrong(SECRET, "must not contain white space");
        } else if client_id == Some(secret.as_str()) {
            wrong(SECRET, "must differ from the client id");
        }
    }
    if violations.is_empty() { Ok(()) } else { Err(Error::fields(violations)) }
}

/// What looks odd about client id and secret.
pub(super) fn hints(method: &AuthMethod, client_id: Option<&str>, secrets: &Bindings) -> Vec<Warning> {
    let mut both = Bindings::new();
    if let Some(id) = client_id {
        both.insert(ID, id);
    }
    if let Some(secret) = secrets.get(SECRET) {
        both.insert(SECRET, secret.clone());
    }
    let hints = forms::hints(method, &both).into_iter();
    hints.map(|hint| Warning { field: hint.field.to_owned(), says: hint.kind.says().to_owned() }).collect()
}

/// What the operator's app may be used with: it never goes to a host that a connection names, and its id and
/// secret are never mixed with others.
///
/// # Errors
/// `InvalidArgument` at each field that cannot be set together with shared credentials.
pub(super) fn check_shared(connector: &Connector, method: &AuthMethod, values: &Values) -> Result<()> {
    let mut violations = Vec::new();
    let mut wrong = |field: &str, description: &str| {
        violations.push(FieldViolation { field: field.to_owned(), description: description.to_owned() });
    };
    if values.client_id.is_some() {
        wrong(ID, "cannot be set together with shared credentials");
    }
    if values.secrets.get(SECRET).is_some() {
        wrong(SECRET, "cannot be set together with shared credentials");
    }
    for name in values.fields.keys().map(String::as_str).chain(values.secrets.iter().map(|(name, _)| name)) {
        let chooses = method
            .field(name)
            .is_some_and(|field| field.choices.is_empty() && forms::decides_host(connector, method, field));
        if chooses {
            wrong(name, "decides where requests go and cannot be set together with shared credentials");
        }
    }
    if violations.is_empty() { Ok(()) } else { Err(Error::fields(violations)) }
}

/// What a connection has, as far as it matters for being complete.
#[derive(Clone, Copy)]
pub(super) struct Have<'a> {
    pub source: CredentialSource,
    pub client_id: Option<&'a str>,
    pub fields: &'a BTreeMap<String, String>,
    pub secrets: &'a [String],
}

/// The fields that are still needed before a connection can be used.
pub(super) fn missing(app: &App, connector: &Connector, method: &AuthMethod, have: Have<'_>) -> Vec<String> {
    let shared = have.source == CredentialSource::Shared;
    let has = |name: &str| {
        (shared && matches!(name, ID | SECRET))
            || (name == ID && have.client_id.is_some())
            || have.fields.contains_key(name)
            || have.secrets.iter().any(|secret| secret == name)
            || app.config().known_fields.contains_key(name)
    };
    let form = forms::connection_form(connector, method);
    let needed =
        form.iter().filter(|field| field.required && !field.generated).map(|field| field.name.as_str());
    let undeclared = (method.has_redirect() && method.field(ID).is_none() && !method.dcr).then_some(ID);
    needed.chain(undeclared).filter(|name| !has(name)).map(str::to_owned).collect()
}

/// Violations for fields that a connection in use cannot be without.
pub(super) fn must_be_given(missing: &[String]) -> Error {
    let violation =
        |field: &String| FieldViolation { field: field.clone(), description: "must be given".to_owned() };
    Error::fields(missing.iter().map(violation).collect())
}

/// Checks the further parameters of the authorization request.
///
/// # Errors
/// `InvalidArgument` at `extra_authorize_params`.
pub(super) fn check_extra(method: &AuthMethod, extra: &BTreeMap<String, String>) -> Result<()> {
    let wrong = |text: String| Err(Error::field("extra_authorize_params", text));
    if extra.len() > 30 {
        return wrong("must have at most 30 entries".to_owned());
    }
    for (name, value) in extra {
        let renamed = method.authorize_param_names.values().flatten().any(|to| to == name);
        let second = method.optional_scopes.as_ref().is_some_and(|optional| optional.param == *name);
        if renamed || second || RESERVED_PARAMS.contains(&name.to_ascii_lowercase().as_str()) {
            return wrong(format!("must not hold `{name}`, which Keybearer sets"));
        }
        let plain = |text: &str, max: usize| text.len() <= max && !text.chars().any(char::is_control);
        if name.is_empty() || !plain(name, 100) || !plain(value, 2000) {
            return wrong(
                "must hold names of 1 to 100 and values of up to 2000 characters on one line".to_owned(),
            );
        }
    }
    Ok(())
}

/// The texts of a `context` that are connection fields.
pub(super) fn of_context(method: &AuthMethod, context: &Map<String, Value>) -> BTreeMap<String, String> {
    let is_field = |name: &str| {
        method.fields.iter().any(|field| {
            field.name == name
                && field.place == Place::Connection
                && !field.fixed
                && !field.discovered
                && !field.secret
        })
    };
    let texts = context.iter().filter(|(name, _)| is_field(name));
    texts.filter_map(|(name, value)| value.as_str().map(|text| (name.clone(), text.to_owned()))).collect()
}

/// Checks a text that people read.
///
/// # Errors
/// `InvalidArgument` at `field`.
pub(super) fn check_text(field: &str, text: &str, max: usize) -> Result<()> {
    if text.chars().count() > max || text.chars().any(char::is_control) {
        return Err(Error::field(field, format!("must be one line of at most {max} characters")));
    }
    Ok(())
}
