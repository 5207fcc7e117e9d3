//! Parameters of calls: templates, alternatives, nested JSON, left out when null.

use keybearer_oauth::Params as Wire;
use serde_json::{Map, Value};

use super::EngineError;
use super::values::Values;
use crate::schema::Params;
use crate::template::Text;

/// A JSON tree whose texts are templates; `None` for null. Numbers and booleans stay what they are.
pub(crate) fn tree(value: &Value, values: &Values<'_>) -> Result<Option<Value>, EngineError> {
    Ok(match value {
        Value::Null => None,
        Value::Bool(_) | Value::Number(_) => Some(value.clone()),
        Value::String(source) => Some(Value::from(values.raw(&text(source)?, "a body")?.expose().as_str())),
        Value::Array(items) => {
            let mut filled = Vec::with_capacity(items.len());
            for item in items {
                filled.push(tree(item, values)?.unwrap_or(Value::Null));
            }
            Some(Value::Array(filled))
        }
        Value::Object(members) => {
            let mut filled = Map::new();
            for (name, member) in members {
                filled.insert(name.clone(), tree(member, values)?.unwrap_or(Value::Null));
            }
            Some(Value::Object(filled))
        }
    })
}

/// Lays parameters over those that are there: a text replaces, null takes out. A text whose placeholder has no
/// value is left out; a list of texts holds alternatives.
pub(crate) fn lay_over(wire: &mut Wire, params: &Params, values: &Values<'_>) -> Result<(), EngineError> {
    for (name, value) in params {
        match value {
            Value::Null => wire.remove(name),
            Value::String(source) => set_text(wire, name, &text(source)?, values)?,
            Value::Array(items) if !items.is_empty() && items.iter().all(Value::is_string) => {
                let alternatives: Vec<&str> = items.iter().filter_map(Value::as_str).collect();
                set_text(wire, name, &alternatives_of(&alternatives)?, values)?;
            }
            Value::Bool(_) | Value::Number(_) => {
                wire.remove(name);
                wire.push_json(name.clone(), value.clone());
            }
            Value::Array(_) | Value::Object(_) => {
                if let Some(filled) = tree(value, values)? {
                    wire.remove(name);
                    wire.push_json(name.clone(), filled);
                }
            }
        }
    }
    Ok(())
}

fn set_text(wire: &mut Wire, name: &str, text: &Text, values: &Values<'_>) -> Result<(), EngineError> {
    if text.is_constant() {
        wire.set(name, values.raw(text, "a parameter")?);
    } else if let Some(value) = values.optional(text)? {
        wire.set(name, value);
    }
    Ok(())
}

/// A text of a [`Value`] as a template. Definitions that were linted never fail here.
pub(crate) fn text(source: &str) -> Result<Text, EngineError> {
    Text::parse(source).map_err(|_| EngineError::NotOffered("template that can be read"))
}

fn alternatives_of(sources: &[&str]) -> Result<Text, EngineError> {
    Text::from_alternatives(sources).map_err(|_| EngineError::NotOffered("template that can be read"))
}
