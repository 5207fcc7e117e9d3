use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};
use zeroize::Zeroize;

use keybearer_core::SecretString;

use crate::path::{Path, scalar_text};

const MAX_BODY: usize = 1 << 20;

/// A provider's answer as data, treated as a secret: `Debug` shows nothing, the text is wiped on drop.
///
/// JSON, form-encoded text (becomes an object of strings) and plain text (becomes one string) are read, told
/// apart by shape, because providers send wrong content types. `$body` in a [`Path`] is the whole body as text.
#[derive(Clone, PartialEq)]
pub struct Document {
    value: Value,
    repeated: Vec<String>,
}

/// Why a body is not a [`Document`]. Never holds any of the body.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DocumentError {
    /// Nothing but white space.
    #[error("answer must not be empty")]
    Empty,
    /// More than 1 MiB.
    #[error("answer must be at most 1 MiB")]
    TooLarge,
    /// Not UTF-8 text.
    #[error("answer must be UTF-8 text")]
    NotText,
    /// Starts like HTML or XML.
    #[error("answer must be JSON or form-encoded (got markup)")]
    Markup,
    /// Starts like JSON and is not, or is nested deeper than 128 levels.
    #[error("answer must be well-formed JSON")]
    Malformed,
}

impl Document {
    /// Reads the body of an answer; `content_type` only decides between form-encoded and plain text.
    ///
    /// # Errors
    /// [`DocumentError`]; a `null`, a list or a number is a document, in which no token will be found.
    pub fn from_body(content_type: Option<&str>, body: &[u8]) -> Result<Self, DocumentError> {
        if body.len() > MAX_BODY {
            return Err(DocumentError::TooLarge);
        }
        let text = std::str::from_utf8(body).map_err(|_| DocumentError::NotText)?;
        let text = text.trim_start_matches('\u{feff}').trim();
        let says = |kind: &str| content_type.is_some_and(|value| value.to_ascii_lowercase().contains(kind));
        match text.chars().next() {
            None => Err(DocumentError::Empty),
            Some('{' | '[' | '"') => Self::from_json(text),
            Some('<') => Err(DocumentError::Markup),
            Some(_) if says("json") => Self::from_json(text),
            Some(_) if says("form-urlencoded") || looks_like_form(text) => Ok(Self::from_form(text)),
            Some(_) => Ok(Self::from_value(Value::from(text))),
        }
    }

    /// Reads JSON. Of a repeated key the first value stays; see [`Document::is_ambiguous`].
    ///
    /// # Errors
    /// [`DocumentError::Malformed`].
    pub fn from_json(text: &str) -> Result<Self, DocumentError> {
        let mut repeated = Vec::new();
        let mut deserializer = serde_json::Deserializer::from_str(text);
        let value = Strict(&mut repeated)
            .deserialize(&mut deserializer)
            .and_then(|value| deserializer.end().map(|()| value))
            .map_err(|_| DocumentError::Malformed)?;
        Ok(Self { value, repeated })
    }

    /// Reads `a=b&c=d`. Of a repeated name the first value stays.
    pub fn from_form(text: &str) -> Self {
        let mut members = Map::new();
        let mut repeated = Vec::new();
        for (name, value) in form_urlencoded::parse(text.as_bytes()) {
            note_member(&mut members, &mut repeated, name.into_owned(), Value::from(value.into_owned()));
        }
        Self { value: Value::Object(members), repeated }
    }

    /// Takes a value that was read elsewhere.
    pub fn from_value(value: Value) -> Self {
        Self { value, repeated: Vec::new() }
    }

    /// The data itself. Call it only to read named values; it holds tokens.
    pub fn expose(&self) -> &Value {
        &self.value
    }

    /// The first value at `path`.
    pub fn find(&self, path: &Path) -> Option<&Value> {
        path.find(&self.value)
    }

    /// The scalar at `path` as text; for `$body` the whole body as text.
    pub fn text(&self, path: &Path) -> Option<SecretString> {
        let value = self.find(path)?;
        match scalar_text(value) {
            Some(text) => Some(SecretString::from(text)),
            None if path.is_body() && !value.is_null() => Some(SecretString::from(value.to_string())),
            None => None,
        }
    }

    /// Whether the last key of `path` came twice with different values somewhere in the document.
    pub fn is_ambiguous(&self, path: &Path) -> bool {
        path.last_key().is_some_and(|key| self.repeated.iter().any(|repeated| repeated == key))
    }
}

impl fmt::Debug for Document {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Document(***)")
    }
}

impl Drop for Document {
    fn drop(&mut self) {
        wipe(&mut self.value);
    }
}

fn wipe(value: &mut Value) {
    match value {
        Value::String(text) => text.zeroize(),
        Value::Array(list) => list.iter_mut().for_each(wipe),
        Value::Object(members) => members.values_mut().for_each(wipe),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// `name=value` pairs without white space; a bare token may end in `=` padding and is not a form.
fn looks_like_form(text: &str) -> bool {
    let first = text.split('&').next().unwrap_or_default();
    let named = first.split_once('=').is_some_and(|(name, value)| {
        !value.trim_matches('=').is_empty()
            && !name.is_empty()
            && name.len() <= 64
            && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.'))
    });
    named && !text.contains(char::is_whitespace)
}

fn note_member(members: &mut Map<String, Value>, repeated: &mut Vec<String>, key: String, mut value: Value) {
    match members.get(&key) {
        None => {
            members.insert(key, value);
        }
        Some(first) => {
            if *first != value && !repeated.contains(&key) {
                repeated.push(key);
            }
            wipe(&mut value);
        }
    }
}

/// Builds a value and notes keys that come twice with different values, which plain parsing would hide.
struct Strict<'a>(&'a mut Vec<String>);

impl<'de> DeserializeSeed<'de> for Strict<'_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Strict<'_> {
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

    fn visit_f64<E: serde::de::Error>(self, value: f64) -> Result<Value, E> {
        Number::from_f64(value).map(Value::Number).ok_or_else(|| E::custom("number must be finite"))
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(Value::from(value))
    }

    fn visit_string<E>(self, value: String) -> Result<Value, E> {
        Ok(Value::String(value))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut access: A) -> Result<Value, A::Error> {
        let mut list = Vec::new();
        while let Some(value) = access.next_element_seed(Strict(self.0))? {
            list.push(value);
        }
        Ok(Value::Array(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Value, A::Error> {
        let mut members = Map::new();
        while let Some(key) = access.next_key::<String>()? {
            let value = access.next_value_seed(Strict(self.0))?;
            note_member(&mut members, self.0, key, value);
        }
        if members.len() > 10_000 {
            return Err(A::Error::custom("object must have at most 10000 members"));
        }
        Ok(Value::Object(members))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(body: &str) -> Result<Document, DocumentError> {
        Document::from_body(None, body.as_bytes())
    }

    fn text(document: &Document, path: &str) -> Option<String> {
        document.text(&Path::parse(path).unwrap()).map(|text| text.expose().clone())
    }

    #[test]
    fn json_is_read_whatever_the_content_type_says() {
        let document =
            Document::from_body(Some("text/html"), "\u{feff} {\"access_token\":\"t\",\"n\":1}".as_bytes())
                .unwrap();
        assert_eq!(text(&document, "access_token").as_deref(), Some("t"));
        assert_eq!(text(&document, "n").as_deref(), Some("1"));
    }

    #[test]
    fn form_encoded_text_becomes_an_object() {
        let document = read("access_token=a%2Bb&scope=repo%2Cgist&token_type=bearer").unwrap();
        assert_eq!(text(&document, "access_token").as_deref(), Some("a+b"));
        assert_eq!(text(&document, "scope").as_deref(), Some("repo,gist"));
    }

    #[test]
    fn a_bare_token_is_the_body_even_with_padding() {
        for body in ["abc.def.ghi", "dG9rZW4=", "dG9rZW4==", "1e5", "null", "0123"] {
            assert_eq!(text(&read(body).unwrap(), "$body").as_deref(), Some(body));
        }
        assert_eq!(text(&read("\"quoted\"").unwrap(), "$body").as_deref(), Some("quoted"));
    }

    #[test]
    fn unreadable_bodies_have_typed_errors() {
        assert_eq!(read(""), Err(DocumentError::Empty));
        assert_eq!(read(" \r\n"), Err(DocumentError::Empty));
        assert_eq!(read("<html>cnry</html>"), Err(DocumentError::Markup));
        assert_eq!(read("{\"a\":"), Err(DocumentError::Malformed));
        assert_eq!(read("{\"a\":1} x"), Err(DocumentError::Malformed));
        assert_eq!(read("{\"expires_in\":NaN}"), Err(DocumentError::Malformed));
        assert_eq!(read(&"[".repeat(900_000)), Err(DocumentError::Malformed));
        assert_eq!(Document::from_body(None, &[0xff, 0xfe]), Err(DocumentError::NotText));
        assert_eq!(Document::from_body(None, &vec![b' '; MAX_BODY + 1]), Err(DocumentError::TooLarge));
    }

    #[test]
    fn keys_that_come_twice_with_different_values_are_ambiguous() {
        let document = read(r#"{"access_token":"a","access_token":"b","scope":"x","scope":"x"}"#).unwrap();
        assert!(document.is_ambiguous(&Path::key("access_token")));
        assert!(!document.is_ambiguous(&Path::key("scope")));
        assert!(read("access_token=a&access_token=b").unwrap().is_ambiguous(&Path::key("access_token")));
    }
}
