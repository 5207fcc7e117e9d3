//! The values that an account gives.

use serde_json::{Map, Value, json};

use super::address::is_reserved;
use super::read::{Input, PatternType};
use super::{One, placement};

/// A field of the method.
#[derive(Debug)]
pub(super) struct Made {
    pub name: String,
    pub header: Option<String>,
    pub query: Option<String>,
    pub required: bool,
    pub secret: bool,
    /// May be where the credential stands: no value of an address, no header of its own.
    pub is_candidate: bool,
    of_connection: bool,
    keys: Map<String, Value>,
}

impl Made {
    /// As the definition has it.
    pub fn definition(&self) -> Value {
        let mut keys = self.keys.clone();
        keys.insert("name".to_owned(), json!(self.name));
        keys.insert("in".to_owned(), json!(if self.of_connection { "connection" } else { "account" }));
        keys.insert("required".to_owned(), json!(self.required));
        keys.insert("secret".to_owned(), json!(self.secret));
        Value::Object(keys)
    }

    fn plain(name: &str, label: &str) -> Self {
        Self {
            name: name.to_owned(),
            header: None,
            query: None,
            required: true,
            secret: false,
            is_candidate: false,
            of_connection: false,
            keys: Map::from_iter([("label".to_owned(), json!(label))]),
        }
    }

    fn of_connection(mut self, secret: bool, required: bool) -> Self {
        (self.of_connection, self.secret, self.required) = (true, secret, required);
        self
    }

    /// A credential that the pattern does not list although its type needs it.
    fn credential(one: &One<'_, '_>, name: &str, label: &str, secret: bool) -> Self {
        Self { secret, is_candidate: true, required: !one.has_default(name), ..Self::plain(name, label) }
    }
}

/// Every field of a pattern: those it lists, those its type needs, and a field for each value of an address.
pub(super) fn fields(one: &mut One<'_, '_>) -> Vec<Made> {
    let mut made: Vec<Made> = Vec::new();
    if one.pattern.kind == PatternType::Oauth {
        let public = one.pattern.oauth.as_ref().is_some_and(|oauth| oauth.pkce == Some(true));
        let found = one.discovers();
        made.push(Made::plain("client_id", "Client ID").of_connection(false, !found));
        made.push(Made::plain("client_secret", "Client secret").of_connection(true, !public && !found));
    }
    for input in &one.pattern.inputs {
        let field = of_input(one, input);
        if made.iter().any(|other| other.name == field.name) {
            one.report.add(format!("{}.field_name", input.at), "is there twice");
        } else {
            made.push(field);
        }
    }
    add_credentials(one, &mut made);
    for name in placement::secret_names(one.pattern.kind, &made) {
        if let Some(field) = made.iter_mut().find(|field| field.name == name) {
            field.secret = true;
            field.keys.remove("default");
        }
    }
    let names = one.address_names();
    for name in names {
        if made.iter().any(|field| field.name == name) {
            continue;
        }
        if is_reserved(&name) || one.pattern.kind == PatternType::Oauth && name.ends_with("_token") {
            one.report
                .add("proxy_url", format!("must not hold {{{{{name}}}}}, which has a meaning of its own"));
        }
        made.push(Made::plain(&name, &words(&name)));
    }
    made
}

fn of_input(one: &mut One<'_, '_>, input: &Input) -> Made {
    let at = format!("{}.field_name", input.at);
    let plain = input.name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    if !plain || !input.name.starts_with(|first: char| first.is_ascii_alphabetic()) || input.name.len() > 64 {
        one.report.add(&at, "must begin with a letter and hold at most 64 letters, digits and `_`");
    } else if is_reserved(&input.name)
        || one.pattern.kind == PatternType::Oauth && input.name.ends_with("_token")
    {
        one.report.add(&at, "must not be this name, which has a meaning of its own");
    }
    let in_address = one.address_names().contains(&input.name);
    let is_path = input.is_path || in_address;
    let secret = input.kind == "password" || input.header.is_some() || input.query.is_some();
    if secret && one.in_host(&input.name) {
        one.report.add(&at, "must not be a password, since it becomes part of a host name");
    }
    let placed = input.header.is_some() || input.query.is_some();
    let is_candidate = !is_path && !placed && one.pattern.kind != PatternType::Oauth;
    let mutated = one.has_default(&input.name);
    // an address without its value cannot be built; a credential is needed unless the pattern says otherwise
    let required = in_address || input.required.unwrap_or(is_candidate || placed);
    let mut keys = Map::from_iter([("label".to_owned(), json!(input.label))]);
    if let Some(hint) = &input.hint {
        keys.insert("help".to_owned(), json!(hint));
    }
    if !input.choices.is_empty() {
        keys.insert("enum".to_owned(), json!(input.choices));
        keys.insert("kind".to_owned(), json!("enum"));
    } else if input.kind == "number" {
        keys.insert("kind".to_owned(), json!("number"));
    }
    if let Some(default) = input.default.as_ref().filter(|_| !secret) {
        keys.insert("default".to_owned(), json!(default));
    }
    Made {
        name: input.name.clone(),
        header: input.header.clone(),
        query: input.query.clone(),
        required: required && !mutated,
        secret,
        is_candidate,
        of_connection: false,
        keys,
    }
}

/// What a type cannot be without.
fn add_credentials(one: &One<'_, '_>, made: &mut Vec<Made>) {
    let candidates = made.iter().filter(|field| field.is_candidate).count();
    let with_header = made.iter().any(|field| field.header.is_some() || field.query.is_some());
    match one.pattern.kind {
        PatternType::ApiKey if candidates == 0 && !with_header => {
            made.push(Made::credential(one, "api_key", "API key", true));
        }
        PatternType::Bearer if candidates == 0 => made.push(Made::credential(one, "token", "Token", true)),
        PatternType::Basic if candidates == 0 => {
            made.push(Made::credential(one, "username", "User name", false));
            made.push(Made::credential(one, "password", "Password", true));
        }
        _ => {}
    }
}

fn words(name: &str) -> String {
    let mut words = name.replace('_', " ");
    if let Some(first) = words.get_mut(..1) {
        first.make_ascii_uppercase();
    }
    words
}
