//! JSON within bounds: no duplicate keys, limited depth, whole numbers without a fraction.

use std::fmt;

use keybearer_core::{Code, Error, Result};
use serde::Deserialize;
use serde::de::{DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};

/// Deepest nesting of a request body.
const DEPTH: usize = 64;

/// Largest whole number that a double holds exactly.
const EXACT: f64 = 9_007_199_254_740_992.0;

/// Reads a request body.
///
/// # Errors
/// [`Code::InvalidArgument`] for anything that is not one JSON value, and for duplicate keys and deep nesting.
/// The text itself is not repeated: it may hold a secret.
pub(super) fn parse(bytes: &[u8]) -> Result<Value> {
    let mut deserializer = serde_json::Deserializer::from_slice(bytes);
    let value = Bounded(DEPTH).deserialize(&mut deserializer);
    value.and_then(|value| deserializer.end().map(|()| value)).map_err(|error| {
        let what = match error.classify() {
            serde_json::error::Category::Eof => "the JSON ends too early".to_owned(),
            serde_json::error::Category::Data => error.to_string(),
            _ => format!("it is not JSON at line {} column {}", error.line(), error.column()),
        };
        Error::new(Code::InvalidArgument, format!("the request body cannot be read: {what}"))
    })
}

/// Prints whole doubles as integers: `1`, not `1.0`. Upstream APIs and their schemas tell the two apart.
pub(super) fn with_whole_numbers(value: &mut Value) {
    match value {
        Value::Number(number) => {
            if let Some(float) = number.as_f64().filter(|_| number.is_f64())
                && float.fract() == 0.0
                && float.abs() < EXACT
            {
                #[expect(clippy::cast_possible_truncation, reason = "whole and within 2^53")]
                let whole = float as i64;
                *number = Number::from(whole);
            }
        }
        Value::Array(entries) => entries.iter_mut().for_each(with_whole_numbers),
        Value::Object(entries) => entries.values_mut().for_each(with_whole_numbers),
        _ => {}
    }
}

struct Bounded(usize);

impl<'de> DeserializeSeed<'de> for Bounded {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl Bounded {
    fn inner<E: serde::de::Error>(&self) -> Result<Self, E> {
        self.0.checked_sub(1).map(Self).ok_or_else(|| E::custom("it is nested too deeply"))
    }
}

impl<'de> Visitor<'de> for Bounded {
    type Value = Value;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(Value::from(value))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(Value::from(value))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(Value::from(value))
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(Value::from(value))
    }

    fn visit_string<E>(self, value: String) -> Result<Value, E> {
        Ok(Value::from(value))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut entries: A) -> Result<Value, A::Error> {
        let mut list = Vec::new();
        while let Some(entry) = entries.next_element_seed(self.inner()?)? {
            list.push(entry);
        }
        Ok(Value::Array(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Value, A::Error> {
        let mut map = Map::new();
        while let Some(key) = entries.next_key::<Key>()? {
            let value = entries.next_value_seed(self.inner()?)?;
            if map.insert(key.0, value).is_some() {
                return Err(serde::de::Error::custom("it has a key twice"));
            }
        }
        Ok(Value::Object(map))
    }
}

#[derive(Deserialize)]
struct Key(String);

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(text: &str) -> String {
        parse(text.as_bytes()).unwrap_err().detail.into_owned()
    }

    #[test]
    fn duplicate_keys_are_refused_at_any_depth() {
        assert!(refusal(r#"{"a":{"b":1,"b":2}}"#).contains("a key twice"));
        assert!(refusal(r#"{"a":1,"\u0061":2}"#).contains("a key twice"));
    }

    #[test]
    fn deep_nesting_is_refused_without_recursion_to_the_end() {
        assert!(refusal(&"[".repeat(100_000)).contains("nested too deeply"));
        assert!(parse(format!("{}{}", "[".repeat(60), "]".repeat(60)).as_bytes()).is_ok());
    }

    #[test]
    fn what_is_not_json_is_refused_without_repeating_it() {
        for bad in ["", "{", "cnry_1", r#"{"a":NaN}"#, r#""\ud800""#, "{} {}", "1e999", "\u{feff}{}"] {
            let text = refusal(bad);
            assert!(text.starts_with("the request body cannot be read"), "{bad}: {text}");
            assert!(!text.contains("cnry"), "{text}");
        }
        assert!(parse(b"\"\xff\"").is_err());
    }

    #[test]
    fn whole_doubles_print_without_a_fraction() {
        let mut value = serde_json::json!({ "a": 1.0, "b": [2.5, -3.0, 1e300], "c": 7 });
        with_whole_numbers(&mut value);
        assert_eq!(value.to_string(), r#"{"a":1,"b":[2.5,-3,1e+300],"c":7}"#);
    }
}
