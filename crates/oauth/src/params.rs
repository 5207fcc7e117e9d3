use std::fmt;

use keybearer_core::SecretString;
use serde_json::{Map, Value};

use crate::document::Document;
use crate::encoding::form_encode;
use crate::path::scalar_text;

/// Named values in the order in which they were added; every value is a secret.
///
/// `Debug` prints the names. A name may come more than once, which only form and query encoding can express.
#[derive(Clone, Default)]
pub struct Params(Vec<(String, ParamValue)>);

#[derive(Clone)]
enum ParamValue {
    Text(SecretString),
    Json(Document),
}

impl ParamValue {
    fn text(&self) -> SecretString {
        match self {
            Self::Text(text) => text.clone(),
            Self::Json(document) => {
                let value = document.expose();
                scalar_text(value).unwrap_or_else(|| value.to_string()).into()
            }
        }
    }
}

impl Params {
    /// No values.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a value at the end.
    pub fn push(&mut self, name: impl Into<String>, value: impl Into<SecretString>) {
        self.0.push((name.into(), ParamValue::Text(value.into())));
    }

    /// Adds a number, list or object at the end; form and query encoding write it as JSON text.
    pub fn push_json(&mut self, name: impl Into<String>, value: Value) {
        self.0.push((name.into(), ParamValue::Json(Document::from_value(value))));
    }

    /// Replaces the value of `name`, keeping its place, or adds it at the end.
    pub fn set(&mut self, name: &str, value: impl Into<SecretString>) {
        let value = ParamValue::Text(value.into());
        match self.0.iter_mut().find(|(known, _)| known == name) {
            Some((_, place)) => *place = value,
            None => self.0.push((name.to_owned(), value)),
        }
    }

    /// Gives every value called `from` the name `to`, keeping its place.
    pub fn rename(&mut self, from: &str, to: &str) {
        for (name, _) in self.0.iter_mut().filter(|(name, _)| name == from) {
            to.clone_into(name);
        }
    }

    /// Takes every value called `name` out.
    pub fn remove(&mut self, name: &str) {
        self.0.retain(|(known, _)| known != name);
    }

    /// Sets a header: replaces every value whose name differs in upper and lower case only.
    pub fn set_header(&mut self, name: &str, value: impl Into<SecretString>) {
        self.0.retain(|(known, _)| !known.eq_ignore_ascii_case(name));
        self.push(name, value);
    }

    /// Takes every empty value out.
    pub fn remove_empty(&mut self) {
        self.0.retain(|(_, value)| !value.text().is_empty());
    }

    /// The first value called `name`, as text.
    pub fn get(&self, name: &str) -> Option<SecretString> {
        self.0.iter().find(|(known, _)| known == name).map(|(_, value)| value.text())
    }

    /// Whether a value called `name` is here.
    pub fn contains(&self, name: &str) -> bool {
        self.0.iter().any(|(known, _)| known == name)
    }

    /// The names, in order.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|(name, _)| name.as_str())
    }

    /// Names and values as text, in order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, SecretString)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value.text()))
    }

    /// Adds all values of `other` at the end.
    pub fn extend(&mut self, other: &Self) {
        self.0.extend(other.0.iter().cloned());
    }

    /// How many values there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are no values.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// `application/x-www-form-urlencoded` text; also fit for a query string.
    pub fn to_form(&self) -> SecretString {
        let mut text = String::new();
        for (name, value) in self.iter() {
            if !text.is_empty() {
                text.push('&');
            }
            text.push_str(&form_encode(name));
            text.push('=');
            text.push_str(&form_encode(value.expose()));
        }
        text.into()
    }

    /// A JSON object; of a repeated name the last value counts.
    pub fn to_json(&self) -> SecretString {
        let members: Map<String, Value> = self
            .0
            .iter()
            .map(|(name, value)| match value {
                ParamValue::Text(text) => (name.clone(), Value::from(text.expose().as_str())),
                ParamValue::Json(document) => (name.clone(), document.expose().clone()),
            })
            .collect();
        let object = Document::from_value(Value::Object(members));
        object.expose().to_string().into()
    }
}

impl fmt::Debug for Params {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Params")?;
        formatter.debug_list().entries(self.names()).finish()
    }
}

impl<N: Into<String>, V: Into<SecretString>> FromIterator<(N, V)> for Params {
    fn from_iter<I: IntoIterator<Item = (N, V)>>(pairs: I) -> Self {
        let mut params = Self::new();
        for (name, value) in pairs {
            params.push(name, value);
        }
        params
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn sample() -> Params {
        let mut params: Params =
            [("grant_type", "authorization_code"), ("code", "a b+c")].into_iter().collect();
        params.push_json("nested", json!({"n": 1}));
        params
    }

    #[test]
    fn bodies_keep_the_order_of_adding() {
        assert_eq!(
            sample().to_form().expose(),
            "grant_type=authorization_code&code=a+b%2Bc&nested=%7B%22n%22%3A1%7D"
        );
        assert_eq!(
            sample().to_json().expose(),
            r#"{"grant_type":"authorization_code","code":"a b+c","nested":{"n":1}}"#
        );
    }

    #[test]
    fn set_and_rename_keep_the_place() {
        let mut params = sample();
        params.set("grant_type", "x");
        params.rename("code", "auth_code");
        params.remove("nested");
        params.set("new", "");
        assert_eq!(params.to_form().expose(), "grant_type=x&auth_code=a+b%2Bc&new=");
        params.remove_empty();
        assert_eq!(params.names().collect::<Vec<_>>(), ["grant_type", "auth_code"]);
    }

    #[test]
    fn debug_shows_names_only() {
        assert_eq!(format!("{:?}", sample()), r#"Params["grant_type", "code", "nested"]"#);
    }
}
