//! A draft of a definition from an OpenAPI document (3.0, 3.1): its name, where calls go, how one proves oneself.
//!
//! The document is somebody else's: nothing outside of it is read, and what it says becomes values of a draft that a
//! person looks at before it is saved. What is not taken is told.

mod schemes;
mod server;

use serde_json::{Map, Value, json};

/// The longest document, in bytes.
pub const LARGEST: usize = 480 * 1024;
/// How many sentences about what was not taken are given at most.
const MOST_TOLD: usize = 40;

/// What a document says.
#[derive(Clone, Debug, PartialEq)]
pub struct Read {
    /// The object of a definition, as the command line's file has it.
    pub definition: Value,
    /// What was not taken over, in sentences.
    pub left_out: Vec<String>,
}

/// Reads a document in JSON or YAML.
///
/// # Errors
/// Why it is none, as what follows "the document". Nothing of what it holds is told.
pub fn read(text: &str) -> Result<Read, String> {
    if text.len() > LARGEST {
        return Err(format!("has more than {} KB", LARGEST / 1024));
    }
    let text = text.trim_start_matches('\u{feff}').trim();
    if text.is_empty() {
        return Err("is empty".to_owned());
    }
    let document = parse(text)?;
    let version = word(&document, "openapi");
    if document.get("swagger").is_some() {
        return Err("is of Swagger 2.0: convert it to OpenAPI 3 first".to_owned());
    }
    if !(version == "3.0" || version == "3.1" || version.starts_with("3.0.") || version.starts_with("3.1.")) {
        return Err("does not begin with `openapi: 3.0` or `3.1`".to_owned());
    }
    let mut told = Told::default();
    let info = document.get("info").cloned().unwrap_or_default();
    let base = server::base(&document, &mut told);
    let patterns = schemes::patterns(&document, &mut told);
    operations(&document, &mut told);
    let definition = json!({
        "display_name": name(&word(&info, "title")),
        "description": described(&info),
        "proxy_url": base,
        "proxy_enabled": true,
        "auth_patterns": patterns,
    });
    Ok(Read { definition, left_out: told.0 })
}

fn parse(text: &str) -> Result<Value, String> {
    let at = |line: usize, column: usize| format!("cannot be read at line {line}, column {column}");
    if text.starts_with('{') {
        return serde_json::from_str(text).map_err(|error| at(error.line(), error.column()));
    }
    let document: Value = serde_saphyr::from_str(text).map_err(|error| match error.location() {
        Some(location) => {
            let place = |number: u64| usize::try_from(number).unwrap_or(usize::MAX);
            at(place(location.line()), place(location.column()))
        }
        None => "cannot be read as JSON or YAML".to_owned(),
    })?;
    if document.is_object() { Ok(document) } else { Err("is no object".to_owned()) }
}

/// What was not taken over.
#[derive(Debug, Default)]
struct Told(Vec<String>);

impl Told {
    fn add(&mut self, sentence: String) {
        if self.0.len() < MOST_TOLD && !self.0.contains(&sentence) {
            self.0.push(sentence);
        }
    }
}

/// What a definition needs none of, and what it cannot say.
fn operations(document: &Value, told: &mut Told) {
    let paths = document.get("paths").and_then(Value::as_object);
    let items = || paths.into_iter().flat_map(Map::values).filter_map(Value::as_object);
    let is_method = |key: &&String| {
        ["get", "put", "post", "delete", "options", "head", "patch", "trace"].contains(&key.as_str())
    };
    let number: usize = items().map(|item| item.keys().filter(is_method).count()).sum();
    if number > 0 {
        told.add(format!("Its {number} operations: a connector needs none, calls may go to any path."));
    }
    let has = |key: &str| {
        items().any(|item| {
            item.contains_key(key)
                || item.iter().any(|(method, one)| is_method(&method) && one.get(key).is_some())
        })
    };
    if has("servers") {
        told.add("Addresses of single paths or operations: a connector has one.".to_owned());
    }
    if has("security") {
        told.add(
            "What single operations ask for: a way to sign in counts for the whole connector.".to_owned(),
        );
    }
}

/// The thing a reference inside the document leads to; `None` for any other reference.
fn resolve<'a>(document: &'a Value, value: &'a Value) -> Option<&'a Value> {
    let mut value = value;
    // as deep as anybody means it; a circle ends here
    for _ in 0..8 {
        match value.get("$ref").map(Value::as_str) {
            None => return Some(value),
            Some(reference) => value = document.pointer(reference?.strip_prefix('#')?)?,
        }
    }
    None
}

/// Letters, digits and spaces, as a connector's name has them.
fn name(title: &str) -> String {
    let plain: String = title.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { ' ' }).collect();
    let words: Vec<&str> = plain.split_whitespace().collect();
    let name: String = words.join(" ").chars().take(60).collect();
    if name.is_empty() { "New connector".to_owned() } else { name.trim_end().to_owned() }
}

/// The first paragraph of what it says of itself.
fn described(info: &Value) -> String {
    let text = match word(info, "summary") {
        summary if summary.is_empty() => word(info, "description"),
        summary => summary,
    };
    short(text.split("\n\n").next().unwrap_or_default(), 300)
}

fn word(value: &Value, key: &str) -> String {
    value.get(key).and_then(Value::as_str).unwrap_or_default().trim().to_owned()
}

/// A text of a document in one line that is not too long.
fn short(text: &str, most: usize) -> String {
    let plain: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    let line = plain.split_whitespace().collect::<Vec<_>>().join(" ");
    let mut short: String = line.chars().take(most).collect();
    if short.len() < line.len() {
        short.push('…');
    }
    short
}

#[cfg(test)]
mod openapi_tests;
