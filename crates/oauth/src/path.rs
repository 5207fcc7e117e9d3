use std::fmt;
use std::str::FromStr;

use serde_json::Value;

const MAX_LENGTH: usize = 512;

/// A place in a JSON answer.
///
/// Written `a.b[0].c`, `[0].id`, `list[*].id`, `accounts[is_default=true].id`, `['key.with.dots']`, `$` for the
/// whole document and `$body` for the whole body as text. A leading `$.` is allowed. `[*]` and a condition
/// mean the first match for [`Path::find`] and every match for [`Path::find_all`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Path {
    steps: Vec<Step>,
    body: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Step {
    Key(String),
    Index(usize),
    Each,
    Where { keys: Vec<String>, equals: String },
}

/// Why a text is not a [`Path`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PathError {
    /// Nothing written.
    #[error("path must not be empty")]
    Empty,
    /// More than 512 bytes.
    #[error("path must be at most 512 bytes")]
    TooLong,
    /// Two dots in a row, or a dot at an end.
    #[error("path must name a key between dots")]
    EmptyKey,
    /// A bracket without its pair, or with nothing readable inside.
    #[error("path must hold [number], [*], ['key'] or [key=value] in brackets")]
    Bracket,
}

impl FromStr for Path {
    type Err = PathError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::parse(text)
    }
}

impl fmt::Display for Path {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(if self.body { "$body" } else { "$" })?;
        for step in &self.steps {
            match step {
                Step::Key(key) if key.contains(['.', '[', ']']) => write!(formatter, "['{key}']")?,
                Step::Key(key) => write!(formatter, ".{key}")?,
                Step::Index(index) => write!(formatter, "[{index}]")?,
                Step::Each => formatter.write_str("[*]")?,
                Step::Where { keys, equals } => write!(formatter, "[{}='{equals}']", keys.join("."))?,
            }
        }
        Ok(())
    }
}

impl Path {
    /// Reads a path.
    ///
    /// # Errors
    /// [`PathError`] says what was expected.
    pub fn parse(text: &str) -> Result<Self, PathError> {
        if text.is_empty() {
            return Err(PathError::Empty);
        }
        if text.len() > MAX_LENGTH {
            return Err(PathError::TooLong);
        }
        if text == "$body" {
            return Ok(Self { steps: Vec::new(), body: true });
        }
        let rest = match text.strip_prefix('$') {
            Some("") => "",
            Some(rest) if rest.starts_with(['.', '[']) => rest.strip_prefix('.').unwrap_or(rest),
            _ => text,
        };
        Ok(Self { steps: steps(rest, text != "$")?, body: false })
    }

    /// A path of one key, taken as it is.
    pub fn key(key: &str) -> Self {
        Self { steps: vec![Step::Key(key.to_owned())], body: false }
    }

    /// Whether this is `$body`.
    pub fn is_body(&self) -> bool {
        self.body
    }

    /// The name of the last key on the way, if there is one.
    pub fn last_key(&self) -> Option<&str> {
        self.steps.iter().rev().find_map(|step| match step {
            Step::Key(key) => Some(key.as_str()),
            _ => None,
        })
    }

    /// The first value at this place; `null` counts as a value. `$body` finds the whole document.
    pub fn find<'a>(&self, document: &'a Value) -> Option<&'a Value> {
        self.find_all(document).into_iter().next()
    }

    /// Every value at this place, in the order of the document.
    pub fn find_all<'a>(&self, document: &'a Value) -> Vec<&'a Value> {
        let mut found = vec![document];
        for step in &self.steps {
            found = found.into_iter().flat_map(|value| step.follow(value)).collect();
        }
        found
    }

    /// The scalar at this place as text; see [`scalar_text`].
    pub fn text(&self, document: &Value) -> Option<String> {
        self.find(document).and_then(scalar_text)
    }
}

impl Step {
    fn follow<'a>(&self, value: &'a Value) -> Vec<&'a Value> {
        match self {
            Self::Key(key) => member(value, key).into_iter().collect(),
            Self::Index(index) => value.get(*index).into_iter().collect(),
            Self::Each => elements(value).collect(),
            Self::Where { keys, equals } => {
                elements(value).filter(|element| matches_condition(element, keys, equals)).collect()
            }
        }
    }
}

/// A string as it is, a number or a boolean as its JSON text; `None` for `null`, lists and objects.
pub fn scalar_text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(flag) => Some(flag.to_string()),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}

fn member<'a>(value: &'a Value, key: &str) -> Option<&'a Value> {
    match value {
        Value::Object(members) => members.get(key),
        Value::Array(list) => key.parse::<usize>().ok().and_then(|index| list.get(index)),
        _ => None,
    }
}

fn elements(value: &Value) -> impl Iterator<Item = &Value> {
    let (list, single) = match value {
        Value::Array(list) => (list.as_slice(), None),
        Value::Object(_) => (&[] as &[Value], Some(value)),
        _ => (&[] as &[Value], None),
    };
    list.iter().chain(single)
}

fn matches_condition(element: &Value, keys: &[String], equals: &str) -> bool {
    let found = keys.iter().try_fold(element, |value, key| member(value, key));
    found.and_then(scalar_text).is_some_and(|text| text == equals)
}

fn steps(mut rest: &str, required: bool) -> Result<Vec<Step>, PathError> {
    let mut steps = Vec::new();
    let mut key_expected = required && !rest.starts_with('[');
    while key_expected || !rest.is_empty() {
        if key_expected {
            let end = rest.find(['.', '[', ']']).unwrap_or(rest.len());
            let (key, after) = rest.split_at_checked(end).ok_or(PathError::EmptyKey)?;
            if key.is_empty() {
                return Err(PathError::EmptyKey);
            }
            steps.push(Step::Key(key.to_owned()));
            rest = after;
            key_expected = false;
        } else if let Some(after) = rest.strip_prefix('.') {
            rest = after;
            key_expected = true;
        } else {
            let inside = rest.strip_prefix('[').ok_or(PathError::Bracket)?;
            let (step, after) = bracket(inside)?;
            steps.push(step);
            rest = after;
        }
    }
    Ok(steps)
}

/// Reads what follows an opening bracket, up to and including the closing one.
fn bracket(inside: &str) -> Result<(Step, &str), PathError> {
    if let Some(quote) = inside.chars().next().filter(|first| matches!(first, '\'' | '"')) {
        let (key, after) = quoted(inside, quote)?;
        let after = after.strip_prefix(']').ok_or(PathError::Bracket)?;
        return Ok((Step::Key(key.to_owned()), after));
    }
    if let Some((left, right)) = inside.split_once('=').filter(|(left, _)| !left.contains([']', '['])) {
        return condition(left, right);
    }
    let (text, after) = inside.split_once(']').ok_or(PathError::Bracket)?;
    if text == "*" {
        return Ok((Step::Each, after));
    }
    let index = text.parse::<usize>().map_err(|_| PathError::Bracket)?;
    Ok((Step::Index(index), after))
}

fn condition<'a>(left: &str, right: &'a str) -> Result<(Step, &'a str), PathError> {
    let keys: Vec<String> = left.split('.').map(|key| key.trim().to_owned()).collect();
    if keys.iter().any(String::is_empty) {
        return Err(PathError::EmptyKey);
    }
    let (equals, after) = match right.chars().next() {
        Some(quote @ ('\'' | '"')) => {
            let (value, after) = quoted(right, quote)?;
            (value, after.strip_prefix(']').ok_or(PathError::Bracket)?)
        }
        _ => right.split_once(']').ok_or(PathError::Bracket)?,
    };
    Ok((Step::Where { keys, equals: equals.to_owned() }, after))
}

fn quoted(text: &str, quote: char) -> Result<(&str, &str), PathError> {
    text.strip_prefix(quote).and_then(|rest| rest.split_once(quote)).ok_or(PathError::Bracket)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn text(path: &str, document: &Value) -> Option<String> {
        Path::parse(path).unwrap().text(document)
    }

    #[test]
    fn every_written_form_finds_its_value() {
        let document = json!({
            "a": {"b": [{"c": "deep"}], "x.y": "dotted"},
            "accounts": [{"id": 1, "is_default": false}, {"id": 2, "is_default": true, "who": {"name": "Ada"}}],
        });
        assert_eq!(text("a.b[0].c", &document).as_deref(), Some("deep"));
        assert_eq!(text("$.a.b[0].c", &document).as_deref(), Some("deep"));
        assert_eq!(text("a.b.0.c", &document).as_deref(), Some("deep"));
        assert_eq!(text("a['x.y']", &document).as_deref(), Some("dotted"));
        assert_eq!(text("accounts[is_default=true].id", &document).as_deref(), Some("2"));
        assert_eq!(text("accounts[who.name='Ada'].id", &document).as_deref(), Some("2"));
        assert_eq!(text("accounts[is_default=maybe].id", &document), None);
        assert_eq!(text("a.missing.c", &document), None);
        assert_eq!(text("a.b", &document), None, "a list is not a scalar");
        assert_eq!(Path::parse("$").unwrap().find(&document), Some(&document));
        assert_eq!(text("[0].id", &json!([{"id": "first"}])).as_deref(), Some("first"));
        assert_eq!(text("$[0].id", &json!([{"id": "first"}])).as_deref(), Some("first"));
        assert_eq!(text("$schema", &json!({"$schema": "s"})).as_deref(), Some("s"));
    }

    #[test]
    fn each_collects_all_and_find_takes_the_first() {
        let document = json!({"list": [{"id": "a"}, {"id": "b"}, {}]});
        let path = Path::parse("list[*].id").unwrap();
        assert_eq!(path.find_all(&document), [&json!("a"), &json!("b")]);
        assert_eq!(path.text(&document).as_deref(), Some("a"));
    }

    #[test]
    fn a_condition_also_fits_a_single_object() {
        let document = json!({"account": {"id": 7, "kind": "main"}});
        assert_eq!(text("account[kind=main].id", &document).as_deref(), Some("7"));
    }

    #[test]
    fn malformed_paths_are_refused() {
        for (path, error) in [
            ("", PathError::Empty),
            ("a..b", PathError::EmptyKey),
            (".a", PathError::EmptyKey),
            ("a.", PathError::EmptyKey),
            ("a[", PathError::Bracket),
            ("a[]", PathError::Bracket),
            ("a[x]", PathError::Bracket),
            ("a[-1]", PathError::Bracket),
            ("a]b", PathError::Bracket),
            ("a[=1]", PathError::EmptyKey),
            ("a['b]", PathError::Bracket),
            ("a[0]b", PathError::Bracket),
        ] {
            assert_eq!(Path::parse(path), Err(error), "{path}");
        }
        assert_eq!(Path::parse(&"a".repeat(513)), Err(PathError::TooLong));
    }

    #[test]
    fn written_paths_read_back() {
        for path in ["$", "$body", "a.b[0].c", "a['x.y'][*]", "accounts[who.name='Ada'].id"] {
            let parsed = Path::parse(path).unwrap();
            assert_eq!(Path::parse(&parsed.to_string()), Ok(parsed.clone()), "{path}");
        }
    }
}
