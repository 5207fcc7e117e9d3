//! Query and path parameters as JSON: dotted names reach into nested messages, a repeated key makes a list.

use keybearer_core::{Error, FieldViolation, Result};
use prost_reflect::{FieldDescriptor, Kind, MessageDescriptor};
use serde_json::{Map, Value};

/// Most parameters that are read from one query.
const MOST: usize = 1000;

/// Writes the query's parameters into `target`; names that the message does not have are ignored.
///
/// # Errors
/// [`keybearer_core::Code::InvalidArgument`] naming a parameter whose value does not fit.
pub(super) fn apply_query(
    query: &str,
    message: &MessageDescriptor,
    target: &mut Map<String, Value>,
) -> Result<()> {
    for (position, (name, value)) in form_urlencoded::parse(query.as_bytes()).enumerate() {
        if position >= MOST {
            return Err(Error::field("query", format!("must have at most {MOST} parameters")));
        }
        apply(&name, &value, message, target)?;
    }
    Ok(())
}

/// Writes one parameter into `target`.
///
/// # Errors
/// As [`apply_query`].
pub(super) fn apply(
    name: &str,
    value: &str,
    message: &MessageDescriptor,
    target: &mut Map<String, Value>,
) -> Result<()> {
    let (first, rest) = name.split_once('.').map_or((name, None), |(first, rest)| (first, Some(rest)));
    let Some(field) = message.get_field_by_name(first).or_else(|| message.get_field_by_json_name(first))
    else {
        return Ok(());
    };
    let key = field.name().to_owned();
    match (rest, field.kind()) {
        (Some(rest), Kind::Message(inner)) if !field.is_list() && !field.is_map() => {
            let nested = target.entry(key).or_insert_with(|| Value::Object(Map::new()));
            match nested {
                Value::Object(nested) => apply(rest, value, &inner, nested),
                _ => Err(misfit(name, "cannot be given twice")),
            }
        }
        (Some(_), _) => Ok(()),
        (None, _) => {
            let value = scalar(&field, value).ok_or_else(|| misfit(name, &expectation(&field)))?;
            if !field.is_list() {
                target.insert(key, value);
                return Ok(());
            }
            match target.entry(key).or_insert_with(|| Value::Array(Vec::new())) {
                Value::Array(entries) => entries.push(value),
                _ => return Err(misfit(name, "must be a list")),
            }
            Ok(())
        }
    }
}

fn misfit(name: &str, description: &str) -> Error {
    Error::fields(vec![FieldViolation { field: name.to_owned(), description: description.to_owned() }])
}

/// The JSON that proto's JSON mapping expects for a parameter's text; `None` when it does not fit.
fn scalar(field: &FieldDescriptor, text: &str) -> Option<Value> {
    if field.is_map() {
        return None;
    }
    match field.kind() {
        Kind::Bool => text.parse().ok().map(Value::Bool),
        Kind::Enum(kind) => {
            if let Ok(number) = text.parse::<i32>() {
                return Some(Value::from(number));
            }
            kind.get_value_by_name(text).map(|value| Value::from(value.name()))
        }
        Kind::Int32 | Kind::Sint32 | Kind::Sfixed32 => text.parse::<i32>().ok().map(Value::from),
        Kind::Uint32 | Kind::Fixed32 => text.parse::<u32>().ok().map(Value::from),
        Kind::Int64 | Kind::Sint64 | Kind::Sfixed64 => text.parse::<i64>().ok().map(Value::from),
        Kind::Uint64 | Kind::Fixed64 => text.parse::<u64>().ok().map(Value::from),
        Kind::Double | Kind::Float => {
            text.parse::<f64>().ok().filter(|number| number.is_finite()).map(Value::from)
        }
        Kind::String | Kind::Bytes => Some(Value::from(text)),
        Kind::Message(inner) => match inner.full_name() {
            "google.protobuf.Timestamp"
            | "google.protobuf.Duration"
            | "google.protobuf.StringValue"
            | "google.protobuf.BytesValue" => Some(Value::from(text)),
            "google.protobuf.FieldMask" => Some(Value::from(camel_case(text))),
            name if name.starts_with("google.protobuf.") && name.ends_with("Value") => {
                scalar(&inner.get_field_by_name("value")?, text)
            }
            _ => None,
        },
    }
}

/// Proto's JSON mapping writes the names of a mask in camelCase only; everywhere else both spellings count.
fn camel_case(text: &str) -> String {
    let mut after_underscore = false;
    let mut written = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '_' => after_underscore = true,
            _ if std::mem::take(&mut after_underscore) => written.extend(letter.to_uppercase()),
            _ => written.push(letter),
        }
    }
    written
}

/// What a field takes, in words that follow its name.
pub(super) fn expectation(field: &FieldDescriptor) -> String {
    if field.is_list() {
        return "must be a list of acceptable values".to_owned();
    }
    if field.is_map() {
        return "must be an object of acceptable values".to_owned();
    }
    match field.kind() {
        Kind::Bool => "must be true or false".to_owned(),
        Kind::Enum(kind) => {
            let names: Vec<_> = kind.values().map(|value| value.name().to_owned()).collect();
            format!("must be one of {}", names.join(", "))
        }
        Kind::String => "must be text".to_owned(),
        Kind::Bytes => "must be base64".to_owned(),
        Kind::Message(inner) => match inner.full_name() {
            "google.protobuf.Timestamp" => "must be an RFC 3339 time".to_owned(),
            "google.protobuf.Duration" => "must be a duration such as 60s".to_owned(),
            _ => "must be an acceptable object".to_owned(),
        },
        _ => "must be a number within range".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::Descriptors;

    fn query(message: &str, query: &str) -> Result<Value> {
        let descriptors = Descriptors::load().unwrap();
        let message = descriptors.pool().get_message_by_name(message).unwrap();
        let mut target = Map::new();
        apply_query(query, &message, &mut target).map(|()| Value::Object(target))
    }

    const LIST: &str = "scalekit.v1.connected_accounts.ListConnectedAccountsRequest";
    const PROVIDERS: &str = "scalekit.v1.providers.ListProvidersRequest";

    #[test]
    fn repeated_keys_make_a_list_and_both_spellings_count() {
        let json = query(LIST, "connection_names=a&connectionNames=b+c&pageSize=5").unwrap();
        assert_eq!(json.to_string(), r#"{"connection_names":["a","b c"],"page_size":5}"#);
    }

    #[test]
    fn dots_reach_into_nested_messages() {
        let json = query(PROVIDERS, "filter.provider_type=CUSTOM").unwrap();
        assert_eq!(json.to_string(), r#"{"filter":{"provider_type":"CUSTOM"}}"#);
        let json = query(PROVIDERS, "filter.providerType=2").unwrap();
        assert_eq!(json.to_string(), r#"{"filter":{"provider_type":2}}"#);
    }

    #[test]
    fn a_mask_takes_both_spellings() {
        const UPDATE: &str = "scalekit.v1.organizations.UpdateOrganizationRequest";
        for text in ["display_name,external_id", "displayName,externalId"] {
            let json = query(UPDATE, &format!("update_mask={text}")).unwrap();
            assert_eq!(json.to_string(), r#"{"update_mask":"displayName,externalId"}"#);
        }
    }

    #[test]
    fn unknown_names_are_ignored_and_misfits_are_named() {
        assert_eq!(query(LIST, "nope=1&filter.x=2&identifier.deep=3").unwrap().to_string(), "{}");
        for (text, field) in [("page_size=-1", "page_size"), ("page_size=99999999999", "page_size")] {
            assert_eq!(query(LIST, text).unwrap_err().violations[0].field, field);
        }
        let error = query(PROVIDERS, "filter.provider_type=SOME").unwrap_err();
        assert!(error.detail.contains("must be one of DEFAULT, CUSTOM, ALL"), "{}", error.detail);
        assert!(query(PROVIDERS, "filter=x").is_err());
    }

    #[test]
    fn a_flood_of_parameters_is_refused() {
        assert!(query(LIST, &"identifier=a&".repeat(1001)).is_err());
    }
}
