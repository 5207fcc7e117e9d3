//! Words of enums: one that is none must not pass as if it had not been said.

use keybearer_core::{Error, Result};
use prost_reflect::{EnumDescriptor, FieldDescriptor, Kind, MessageDescriptor};
use serde_json::Value;

use super::params;

/// Looks for a word that its enum does not have, at any depth of the contract's own messages.
///
/// # Errors
/// [`keybearer_core::Code::InvalidArgument`] naming the field and the words that it takes.
pub(super) fn check(message: &MessageDescriptor, json: &Value, path: &str) -> Result<()> {
    // the JSON of well-known messages is not that of their fields
    if message.full_name().starts_with("google.protobuf.") {
        return Ok(());
    }
    for (key, value) in json.as_object().into_iter().flatten() {
        let field = message.get_field_by_name(key).or_else(|| message.get_field_by_json_name(key));
        let Some(field) = field.filter(|field| !field.is_map()) else { continue };
        let at = if path.is_empty() { field.name().to_owned() } else { format!("{path}.{}", field.name()) };
        match value {
            Value::Array(entries) if field.is_list() => {
                entries.iter().try_for_each(|entry| check_value(&field, entry, &at))?;
            }
            one => check_value(&field, one, &at)?,
        }
    }
    Ok(())
}

fn check_value(field: &FieldDescriptor, value: &Value, at: &str) -> Result<()> {
    match field.kind() {
        Kind::Message(inner) => check(&inner, value, at),
        Kind::Enum(kind) if value.as_str().is_some_and(|word| !has(&kind, word)) => {
            Err(Error::field(at, params::expectation(field)))
        }
        _ => Ok(()),
    }
}

/// Whether the enum has the word; a number may come as text.
fn has(kind: &EnumDescriptor, word: &str) -> bool {
    kind.get_value_by_name(word).is_some() || word.parse::<i32>().is_ok()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::api::Descriptors;

    fn fields(name: &str, json: &Value) -> Vec<String> {
        let descriptors = Descriptors::load().unwrap();
        let message = descriptors.pool().get_message_by_name(name).unwrap();
        check(&message, json, "")
            .err()
            .into_iter()
            .flat_map(|error| error.violations)
            .map(|one| one.field)
            .collect()
    }

    #[test]
    fn a_word_that_the_enum_does_not_have_is_named() {
        const CREATE: &str = "scalekit.v1.connections.CreateEnvironmentConnectionRequest";
        let ask =
            |kind: Value| json!({"connection": {"type": kind, "context": {"type": "anything"}}, "more": "x"});
        assert_eq!(fields(CREATE, &ask(json!("OAUHT"))), ["connection.type"]);
        for good in [json!("OAUTH"), json!(4), json!("4"), json!(null)] {
            assert!(fields(CREATE, &ask(good)).is_empty());
        }
    }
}
