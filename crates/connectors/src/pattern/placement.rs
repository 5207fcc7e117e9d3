//! Where the credential travels.

use serde_json::{Map, Value, json};

use super::One;
use super::fields::Made;
use super::read::{Mutation, PatternType};

/// The `credential_placement` of a method.
pub(super) fn placement(one: &mut One<'_, '_>, fields: &[Made]) -> Value {
    let mut placement = Map::new();
    let mut headers: Map<String, Value> = Map::new();
    let mut used: Vec<String> = Vec::new();
    let query = query(one, fields, &mut used);
    for field in fields {
        if let Some(header) = &field.header {
            let twice = headers.keys().any(|other| other.eq_ignore_ascii_case(header));
            if twice {
                one.report
                    .add(format!("{}.fields", one.pattern.at), format!("names header `{header}` twice"));
            }
            let mutation = take(one, &mut used, &[&field.name]);
            headers.insert(header.clone(), text("", &field.name, mutation));
        }
    }
    let with_header = !headers.is_empty() || !query.is_empty();
    if !query.is_empty() {
        placement.insert("query".to_owned(), Value::Object(query));
    }
    let own = one.pattern.header.clone();
    let header = own.clone().unwrap_or_else(|| "Authorization".to_owned());
    match one.pattern.kind {
        PatternType::Oauth => {
            let mutation = take(one, &mut used, &["access_token", "token"]);
            headers.insert(header, text("Bearer ", "access_token", mutation));
        }
        PatternType::Bearer => {
            if let Some(field) = credential(fields, "token") {
                let mutation = take(one, &mut used, &[&field.name, "token"]);
                headers.insert(header, text("Bearer ", &field.name, mutation));
            }
        }
        PatternType::ApiKey if !with_header => {
            if let Some(field) = credential(fields, "api_key") {
                let mutation = take(one, &mut used, &[&field.name, "api_key"]);
                headers.insert(header, text("", &field.name, mutation));
            }
        }
        PatternType::Basic => drop(placement.insert("basic".to_owned(), basic(one, fields, &mut used, own))),
        PatternType::ApiKey | PatternType::NoAuth => {}
    }
    if !headers.is_empty() {
        placement.insert("headers".to_owned(), Value::Object(headers));
    }
    if fields.iter().any(|field| field.secret && one.in_base(&field.name)) {
        // keeps such addresses out of logs
        placement.insert("base_url".to_owned(), json!(true));
    }
    let unused =
        one.pattern.mutations.keys().filter(|name| !used.contains(name)).cloned().collect::<Vec<_>>();
    for name in unused {
        let at = format!("{}.auth_field_mutations.{name}", one.pattern.at);
        one.report.add(at, "must be a field that is sent as a credential");
    }
    Value::Object(placement)
}

/// The values that travel in the query.
fn query(one: &mut One<'_, '_>, fields: &[Made], used: &mut Vec<String>) -> Map<String, Value> {
    let mut query = Map::new();
    for field in fields {
        let Some(name) = &field.query else { continue };
        if query.contains_key(name) {
            one.report
                .add(format!("{}.fields", one.pattern.at), format!("names query parameter `{name}` twice"));
        }
        let mutation = take(one, used, &[&field.name]);
        query.insert(name.clone(), text("", &field.name, mutation));
    }
    query
}

/// The field that holds the credential: the one of the usual name, else a secret one, else the first.
fn credential<'f>(fields: &'f [Made], usual: &str) -> Option<&'f Made> {
    let mut candidates = fields.iter().filter(|field| field.is_candidate);
    let named = fields.iter().find(|field| field.is_candidate && field.name == usual);
    let secret = fields.iter().find(|field| field.is_candidate && field.secret);
    named.or(secret).or_else(|| candidates.next())
}

/// The fields that are secret whatever the pattern calls them: what is sent as the credential, and the user name where
/// nothing else proves anything.
pub(super) fn secret_names(kind: PatternType, fields: &[Made]) -> Vec<String> {
    let found = match kind {
        PatternType::Bearer => credential(fields, "token"),
        PatternType::ApiKey => credential(fields, "api_key")
            .filter(|_| !fields.iter().any(|field| field.header.is_some() || field.query.is_some())),
        PatternType::Basic => {
            let (username, password) = halves(fields);
            password.filter(|field| field.required).or(username)
        }
        PatternType::Oauth | PatternType::NoAuth => None,
    };
    let password = halves(fields).1.filter(|_| kind == PatternType::Basic);
    found.into_iter().chain(password).map(|field| field.name.clone()).collect()
}

/// User name and password.
fn halves(fields: &[Made]) -> (Option<&Made>, Option<&Made>) {
    let candidates = || fields.iter().filter(|field| field.is_candidate);
    let named = |name: &str| candidates().find(|field| field.name == name);
    let plain = || candidates().find(|field| !field.secret && field.name != "password");
    let username =
        named("username").or_else(plain).or_else(|| candidates().find(|one| one.name != "password"));
    let others = || candidates().filter(|field| username.is_none_or(|taken| taken.name != field.name));
    let password =
        named("password").or_else(|| others().find(|field| field.secret)).or_else(|| others().next());
    (username, password)
}

fn basic(one: &One<'_, '_>, fields: &[Made], used: &mut Vec<String>, header: Option<String>) -> Value {
    let (username, password) = halves(fields);
    let mut half = |field: Option<&Made>, usual: &str| {
        let name = field.map(|field| field.name.as_str());
        let mutation = take(one, used, &[name.unwrap_or(usual), usual]);
        match field {
            Some(field) if field.required => text("", &field.name, mutation),
            Some(field) => optional(&field.name, mutation),
            None => json!(fixed(mutation)),
        }
    };
    let mut basic = Map::new();
    basic.insert("username".to_owned(), half(username, "username"));
    basic.insert("password".to_owned(), half(password, "password"));
    if let Some(header) = header {
        basic.insert("header".to_owned(), json!(header));
    }
    Value::Object(basic)
}

/// The mutation under the first of these names that has one.
fn take<'m>(one: &'m One<'_, '_>, used: &mut Vec<String>, names: &[&str]) -> Option<&'m Mutation> {
    let name = names.iter().find(|name| one.pattern.mutations.contains_key(**name))?;
    used.push((*name).to_owned());
    one.mutation(name)
}

/// A text with the value, and one with the default for when there is none.
fn text(before: &str, name: &str, mutation: Option<&Mutation>) -> Value {
    let Some(mutation) = mutation else {
        return json!(format!("{before}{{{name}}}"));
    };
    let (prefix, suffix) = (literal(&mutation.prefix), literal(&mutation.suffix));
    let with = format!("{before}{prefix}{{{name}}}{suffix}");
    if mutation.default.is_empty() {
        return json!(with);
    }
    json!([with, format!("{before}{prefix}{}{suffix}", literal(&mutation.default))])
}

/// Like [`text`] for a half of HTTP Basic that may be empty.
fn optional(name: &str, mutation: Option<&Mutation>) -> Value {
    match text("", name, mutation) {
        Value::String(with) => json!([with, fixed(mutation)]),
        both => both,
    }
}

/// The text of a half for which there is no value.
fn fixed(mutation: Option<&Mutation>) -> String {
    mutation.map(|m| literal(&format!("{}{}{}", m.prefix, m.default, m.suffix))).unwrap_or_default()
}

/// A text in which braces are braces.
fn literal(text: &str) -> String {
    text.replace('{', "{{").replace('}', "}}")
}
