use std::borrow::Cow;
use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{self, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A piece of a template.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Part {
    /// Text that stays as it is.
    Literal(String),
    /// A name whose value goes here.
    Placeholder(String),
}

/// A text with `{name}` placeholders; `{{` and `}}` are literal braces.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Template {
    source: String,
    parts: Vec<Part>,
}

/// Why a text is not a template.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TemplateError {
    /// A brace without its partner.
    #[error("has a lone `{0}`; write it twice for a literal brace")]
    LoneBrace(char),
    /// Something between braces that is not a name.
    #[error(
        "has `{{{0}}}`, which is not a placeholder name (letters, digits and _; use `derive` to compute or pick a part)"
    )]
    BadName(String),
}

impl Template {
    /// Reads a template.
    ///
    /// # Errors
    /// A lone brace, or braces around something that is not a name.
    pub fn parse(source: &str) -> Result<Self, TemplateError> {
        let mut parts = Vec::new();
        let mut literal = String::new();
        let mut characters = source.chars().peekable();
        while let Some(character) = characters.next() {
            match character {
                '{' | '}' if characters.next_if_eq(&character).is_some() => literal.push(character),
                '{' => {
                    let name: String =
                        std::iter::from_fn(|| characters.next_if(|next| !"{}".contains(*next))).collect();
                    if characters.next_if_eq(&'}').is_none() {
                        return Err(TemplateError::LoneBrace('{'));
                    }
                    if !is_name(&name) {
                        return Err(TemplateError::BadName(name));
                    }
                    if !literal.is_empty() {
                        parts.push(Part::Literal(std::mem::take(&mut literal)));
                    }
                    parts.push(Part::Placeholder(name));
                }
                '}' => return Err(TemplateError::LoneBrace('}')),
                other => literal.push(other),
            }
        }
        if !literal.is_empty() {
            parts.push(Part::Literal(literal));
        }
        Ok(Self { source: source.to_owned(), parts })
    }

    /// The template as it was written.
    pub fn source(&self) -> &str {
        &self.source
    }

    /// The pieces in order.
    pub fn parts(&self) -> &[Part] {
        &self.parts
    }

    /// The names of the placeholders in order, with repetitions.
    pub fn placeholders(&self) -> impl Iterator<Item = &str> {
        self.parts.iter().filter_map(|part| match part {
            Part::Placeholder(name) => Some(name.as_str()),
            Part::Literal(_) => None,
        })
    }
}

/// Whether `name` may stand between braces.
pub(crate) fn is_name(name: &str) -> bool {
    name.starts_with(|first: char| first.is_ascii_alphabetic())
        && name.len() <= 64
        && name.chars().all(|each| each.is_ascii_alphanumeric() || each == '_')
}

/// One template, or alternatives of which the first whose placeholders all have values is used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Text(Vec<Template>);

impl Text {
    /// A text of one template.
    ///
    /// # Errors
    /// Those of [`Template::parse`].
    pub fn parse(source: &str) -> Result<Self, TemplateError> {
        Template::parse(source).map(|template| Self(vec![template]))
    }

    /// A text of several alternatives, best first.
    ///
    /// # Errors
    /// Those of [`Template::parse`].
    pub fn from_alternatives(sources: &[&str]) -> Result<Self, TemplateError> {
        sources.iter().map(|source| Template::parse(source)).collect::<Result<_, _>>().map(Self)
    }

    /// The alternatives, best first; never empty after loading.
    pub fn alternatives(&self) -> &[Template] {
        &self.0
    }

    /// The first alternative as it was written.
    pub fn source(&self) -> &str {
        self.0.first().map_or("", Template::source)
    }

    /// The names of the placeholders of all alternatives, with repetitions.
    pub fn placeholders(&self) -> impl Iterator<Item = &str> {
        self.0.iter().flat_map(Template::placeholders)
    }

    /// Whether no alternative has a placeholder.
    pub fn is_constant(&self) -> bool {
        self.placeholders().next().is_none()
    }
}

impl Serialize for Text {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0.as_slice() {
            [one] => serializer.serialize_str(one.source()),
            many => serializer.collect_seq(many.iter().map(Template::source)),
        }
    }
}

impl<'de> Deserialize<'de> for Text {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(TextVisitor)
    }
}

struct TextVisitor;

impl TextVisitor {
    fn one<E: de::Error>(source: &str) -> Result<Text, E> {
        Text::parse(source).map_err(|error| E::custom(format!("text {error}")))
    }
}

impl<'de> Visitor<'de> for TextVisitor {
    type Value = Text;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a text, or a list of alternative texts (quote numbers with a decimal point)")
    }

    fn visit_str<E: de::Error>(self, source: &str) -> Result<Text, E> {
        Self::one(source)
    }

    fn visit_bool<E: de::Error>(self, value: bool) -> Result<Text, E> {
        Self::one(&value.to_string())
    }

    fn visit_i64<E: de::Error>(self, value: i64) -> Result<Text, E> {
        Self::one(&value.to_string())
    }

    fn visit_u64<E: de::Error>(self, value: u64) -> Result<Text, E> {
        Self::one(&value.to_string())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut sequence: A) -> Result<Text, A::Error> {
        let mut alternatives = Vec::new();
        while let Some(source) = sequence.next_element::<String>()? {
            alternatives.extend(Self::one::<A::Error>(&source)?.0);
        }
        if alternatives.is_empty() {
            return Err(de::Error::custom("list of alternatives is empty"));
        }
        Ok(Text(alternatives))
    }
}

impl JsonSchema for Text {
    fn schema_name() -> Cow<'static, str> {
        "Text".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "A text with {placeholders}, or a list of alternatives: the first whose placeholders all have values is used.",
            "anyOf": [
                { "type": ["string", "integer", "boolean"] },
                { "type": "array", "minItems": 1, "items": { "type": "string" } }
            ]
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn placeholders_and_doubled_braces_are_told_apart() {
        let template = Template::parse("a{{b}}{c}-{step2_BhRestToken}").unwrap();
        assert_eq!(template.placeholders().collect::<Vec<_>>(), ["c", "step2_BhRestToken"]);
        assert_eq!(template.parts().first(), Some(&Part::Literal("a{b}".into())));
    }

    #[test]
    fn lone_braces_and_expressions_are_refused() {
        assert_eq!(Template::parse("a{b"), Err(TemplateError::LoneBrace('{')));
        assert_eq!(Template::parse("a}b"), Err(TemplateError::LoneBrace('}')));
        assert_eq!(Template::parse("{a.b}"), Err(TemplateError::BadName("a.b".into())));
        assert_eq!(Template::parse("{}"), Err(TemplateError::BadName(String::new())));
    }

    #[test]
    fn alternatives_and_scalars_are_read_and_written_back() {
        let read: Vec<Text> = serde_json::from_str(r#"["x", ["{a}", "b"], 3, true]"#).unwrap();
        assert_eq!(serde_json::to_string(&read).unwrap(), r#"["x",["{a}","b"],"3","true"]"#);
        assert!(serde_json::from_str::<Text>("[]").is_err());
        assert!(serde_json::from_str::<Text>("1.0").is_err());
    }
}
