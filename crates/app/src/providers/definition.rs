//! A definition as text: the JSON object that `keybearer connectors add --file` takes.

use std::collections::BTreeMap;

use keybearer_connectors::pattern::reverse;
use keybearer_core::{Error, FieldViolation, Result};
use serde_json::{Value, json};

use super::find;
use super::types::{CreateProvider, CustomProvider, Provider};
use crate::access::{Caller, Permission};
use crate::state::App;

/// A definition to begin with.
#[derive(Clone, Debug, PartialEq)]
pub struct Draft {
    /// What it says.
    pub described: CreateProvider,
    /// What the connector has and a definition cannot say.
    pub left_out: Vec<String>,
}

/// Reads a definition. The second is the object itself, keys that nothing reads included.
///
/// # Errors
/// `InvalidArgument` at `text` with the line and column, or at each key that has the wrong type.
pub fn parse(text: &str) -> Result<(CreateProvider, Value)> {
    let value: Value = serde_json::from_str(text).map_err(|error| {
        // what ends with its line is told on that line, not at the beginning of the next
        let at = match (error.line(), error.column()) {
            (line, 0) => format!("must be JSON: line {}, at its end", line.saturating_sub(1).max(1)),
            (line, column) => format!("must be JSON: line {line}, column {column}"),
        };
        Error::field("text", format!("{at}: {}", reason(&error)))
    })?;
    if !value.is_object() {
        return Err(Error::field("text", "must be a JSON object"));
    }
    let mut wrong = Vec::new();
    let described = CreateProvider {
        display_name: word(&value, "display_name", &mut wrong),
        description: word(&value, "description", &mut wrong),
        proxy_url: word(&value, "proxy_url", &mut wrong),
        icon_src: word(&value, "icon_src", &mut wrong),
        proxy_enabled: match value.get("proxy_enabled") {
            None | Some(Value::Null) => false,
            Some(Value::Bool(enabled)) => *enabled,
            Some(_) => {
                wrong.push(violation("proxy_enabled", "must be true or false"));
                false
            }
        },
        auth_patterns: value.get("auth_patterns").cloned().unwrap_or_default(),
        metadata: match value.get("metadata").filter(|value| !value.is_null()) {
            None => BTreeMap::new(),
            Some(pairs) => serde_json::from_value(pairs.clone()).unwrap_or_else(|_| {
                wrong.push(violation("metadata", "must be an object of texts"));
                BTreeMap::new()
            }),
        },
    };
    if wrong.is_empty() { Ok((described, value)) } else { Err(Error::fields(wrong)) }
}

/// What a parser says, without where, which is told in words of ours.
fn reason(error: &serde_json::Error) -> String {
    let text = error.to_string();
    text.split(" at line ").next().unwrap_or_default().to_owned()
}

fn word(value: &Value, key: &str, wrong: &mut Vec<FieldViolation>) -> String {
    match value.get(key) {
        None | Some(Value::Null) => String::new(),
        Some(Value::String(text)) => text.clone(),
        Some(_) => {
            wrong.push(violation(key, "must be a text"));
            String::new()
        }
    }
}

fn violation(field: &str, description: &str) -> FieldViolation {
    FieldViolation { field: field.to_owned(), description: description.to_owned() }
}

/// The object of a definition, without what is empty.
pub fn keys(described: &CreateProvider) -> Value {
    let mut object = json!({
        "display_name": described.display_name,
        "description": described.description,
        "proxy_url": described.proxy_url,
        "proxy_enabled": described.proxy_enabled,
        "auth_patterns": described.auth_patterns,
        "icon_src": described.icon_src,
        "metadata": described.metadata,
    });
    if let Some(object) = object.as_object_mut() {
        object.retain(|key, value| match key.as_str() {
            "description" | "icon_src" => value.as_str() != Some(""),
            "metadata" => value.as_object().is_some_and(|pairs| !pairs.is_empty()),
            _ => true,
        });
    }
    object
}

/// A definition as text.
pub fn text(definition: &Value) -> String {
    format!("{definition:#}\n")
}

impl CustomProvider {
    /// What was described.
    pub fn described(&self) -> CreateProvider {
        CreateProvider {
            display_name: self.display_name.clone(),
            description: self.description.clone(),
            auth_patterns: self.auth_patterns.clone(),
            proxy_url: self.proxy_url.clone(),
            proxy_enabled: self.proxy_enabled,
            icon_src: self.icon_src.clone(),
            metadata: self.metadata.clone(),
        }
    }
}

/// The definition of a connector, to make another one of. One of the catalogue is told as far as it can be.
///
/// # Errors
/// [`keybearer_core::Code::PermissionDenied`], [`keybearer_core::Code::ConnectorNotFound`].
pub async fn draft_of(app: &App, caller: &Caller, name: &str) -> Result<Draft> {
    caller.require(Permission::ConnectorsRead)?;
    match find::get(app, caller, name).await? {
        Provider::Custom(custom) => Ok(Draft { described: custom.described(), left_out: Vec::new() }),
        Provider::Catalogue(connector) => Ok(Draft::of_catalogue(&connector)),
    }
}

impl Draft {
    /// What a definition can say of a connector of the catalogue.
    pub fn of_catalogue(connector: &keybearer_connectors::Connector) -> Self {
        let reversed = reverse(connector);
        let plain: String =
            connector.display_name.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { ' ' }).collect();
        let described = CreateProvider {
            display_name: plain.split_whitespace().collect::<Vec<_>>().join(" "),
            description: connector.blurb.clone().unwrap_or_default(),
            auth_patterns: reversed.auth_patterns,
            proxy_url: reversed.proxy_url,
            proxy_enabled: !connector.proxy_disabled,
            ..CreateProvider::default()
        };
        Self { described, left_out: reversed.left_out }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_that_is_no_definition_is_told_where() {
        let error = parse("{\n  \"display_name\": }").unwrap_err();
        assert!(error.violations[0].description.contains("line 2, column"), "{error}");
        let error = parse("{\"display_name\": 1, \"proxy_enabled\": \"yes\", \"metadata\": []}").unwrap_err();
        let fields: Vec<&str> = error.violations.iter().map(|one| one.field.as_str()).collect();
        assert_eq!(fields, ["display_name", "proxy_enabled", "metadata"]);
    }

    #[test]
    fn a_definition_survives_as_text() {
        let text = "{\"display_name\": \"My CRM\", \"proxy_url\": \"https://a.example\", \"proxy_enabled\": true, \"auth_patterns\": [{\"type\": \"BEARER\", \"x\": 1}]}";
        let (described, value) = parse(text).unwrap();
        assert_eq!(keys(&described), value);
        assert_eq!(parse(&super::text(&value)).unwrap().0, described);
    }
}
