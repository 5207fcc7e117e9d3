//! The value of a placeholder: given for this call, bound, a default, computed, or made on the spot.

use std::cell::RefCell;
use std::collections::BTreeMap;

use keybearer_core::{SecretString, to_hex};
use keybearer_oauth::{Document, Path};

use super::{Context, EngineError, assertion, derive};
use crate::bindings::Bindings;
use crate::schema::step_of;
use crate::template::{Part, Template, Text};

/// How deep `derive` entries may use one another.
const MAX_DEPTH: usize = 8;

/// Resolves placeholders for one call.
pub(crate) struct Values<'a> {
    pub(crate) context: &'a Context<'a>,
    extra: Bindings,
    answers: &'a [Document],
    made: RefCell<BTreeMap<String, SecretString>>,
    depth: RefCell<usize>,
}

impl<'a> Values<'a> {
    pub(crate) fn new(context: &'a Context<'a>) -> Self {
        Self::with(context, Bindings::new(), &[])
    }

    /// With values of this call alone, and the answers of earlier steps.
    pub(crate) fn with(context: &'a Context<'a>, extra: Bindings, answers: &'a [Document]) -> Self {
        Self { context, extra, answers, made: RefCell::default(), depth: RefCell::default() }
    }

    /// The value of a placeholder, `None` when there is none.
    pub(crate) fn get(&self, name: &str) -> Result<Option<SecretString>, EngineError> {
        let method = self.context.method;
        let field = method.field(name);
        if let Some(field) = field.filter(|field| field.fixed) {
            return Ok(field.default.as_deref().map(SecretString::from));
        }
        if let Some(value) = self.extra.get(name).or_else(|| self.context.bindings.get(name)) {
            return Ok(Some(value.clone()));
        }
        if let Some(default) = field.and_then(|field| field.default.as_deref()) {
            return Ok(Some(default.into()));
        }
        if let Some(made) = self.made.borrow().get(name) {
            return Ok(Some(made.clone()));
        }
        let value = self.compute(name)?;
        if let Some(value) = &value {
            self.made.borrow_mut().insert(name.to_owned(), value.clone());
        }
        Ok(value)
    }

    fn compute(&self, name: &str) -> Result<Option<SecretString>, EngineError> {
        let method = self.context.method;
        if let Some(entry) = method.derive.iter().find(|entry| entry.name == name) {
            return self.deeper(name, || derive::value(entry, self));
        }
        if let (true, Some(entry)) = (method.assertion_output() == Some(name), &method.assertion) {
            return self.deeper(name, || assertion::signed(entry, self).map(Some));
        }
        if let Some((number, path)) = step_of(name) {
            return Ok(self.step(number, path));
        }
        match name {
            "uuid" => self.random(16).map(|bytes| Some(uuid(&bytes).into())),
            "nonce" => self.random(16).map(|bytes| Some(to_hex(&bytes).into())),
            "now" => Ok(Some(self.context.now.seconds().to_string().into())),
            _ => Ok(None),
        }
    }

    fn deeper(
        &self,
        name: &str,
        compute: impl FnOnce() -> Result<Option<SecretString>, EngineError>,
    ) -> Result<Option<SecretString>, EngineError> {
        if *self.depth.borrow() >= MAX_DEPTH {
            return Err(EngineError::Value {
                name: name.to_owned(),
                reason: "must not be computed from itself",
            });
        }
        *self.depth.borrow_mut() += 1;
        let result = compute();
        *self.depth.borrow_mut() -= 1;
        result
    }

    /// `_` in the name stands for a dot or for itself, whichever is there.
    fn step(&self, number: usize, path: &str) -> Option<SecretString> {
        let answer = self.answers.get(number.checked_sub(1)?)?;
        let dotted = path.replace('_', ".");
        [path, &dotted].into_iter().find_map(|path| answer.text(&Path::parse(path).ok()?))
    }

    pub(crate) fn random(&self, length: usize) -> Result<Vec<u8>, EngineError> {
        let mut bytes = vec![0_u8; length];
        self.context.entropy.fill(&mut bytes).map_err(|_| EngineError::Entropy)?;
        Ok(bytes)
    }

    /// The value of a placeholder that must have one.
    pub(crate) fn required(&self, name: &str, what: &'static str) -> Result<SecretString, EngineError> {
        self.get(name)?.ok_or_else(|| EngineError::Missing { what, name: name.to_owned() })
    }

    /// The first alternative whose placeholders all have non-empty values; the last one when none has, so that the
    /// error names what is missing there.
    pub(crate) fn choose<'t>(&self, text: &'t Text) -> Result<Option<&'t Template>, EngineError> {
        let alternatives = text.alternatives();
        for template in alternatives {
            let mut complete = true;
            for name in template.placeholders() {
                complete &= self.get(name)?.is_some_and(|value| !value.is_empty());
            }
            if complete {
                return Ok(Some(template));
            }
        }
        Ok(alternatives.last())
    }

    /// The text with its values as they are, for bodies. Empty values count as values.
    pub(crate) fn raw(&self, text: &Text, what: &'static str) -> Result<SecretString, EngineError> {
        self.fill(text, what, |_, value| Ok(value.to_owned()))
    }

    /// The text with its values, `None` when one is missing or empty.
    pub(crate) fn optional(&self, text: &Text) -> Result<Option<SecretString>, EngineError> {
        for template in text.alternatives() {
            let mut complete = true;
            for name in template.placeholders() {
                complete &= self.get(name)?.is_some_and(|value| !value.is_empty());
            }
            if complete {
                return self.raw(text, "text").map(Some);
            }
        }
        Ok(None)
    }

    /// The text as a header value, `None` when a placeholder has no value or an empty one.
    pub(crate) fn header(&self, name: &str, text: &Text) -> Result<Option<SecretString>, EngineError> {
        let Some(value) = self.optional(text)? else {
            return Ok(None);
        };
        crate::template::header_value(value.expose())
            .map_err(|reason| EngineError::Value { name: name.to_owned(), reason })?;
        let trimmed = value.expose().trim();
        Ok((!trimmed.is_empty()).then(|| SecretString::from(trimmed)))
    }

    /// Fills the chosen alternative; `encode` gets the placeholder's name and value.
    pub(crate) fn fill(
        &self,
        text: &Text,
        what: &'static str,
        encode: impl Fn(&str, &str) -> Result<String, EngineError>,
    ) -> Result<SecretString, EngineError> {
        let mut filled = String::new();
        for part in self.choose(text)?.map(Template::parts).unwrap_or_default() {
            match part {
                Part::Literal(literal) => filled.push_str(literal),
                Part::Placeholder(name) => {
                    let value = self.required(name, what)?;
                    filled.push_str(&encode(name, value.expose())?);
                }
            }
        }
        Ok(filled.into())
    }
}

/// Random bytes as a version 4 UUID.
fn uuid(bytes: &[u8]) -> String {
    let mut bytes: Vec<u8> = bytes.to_vec();
    if let Some(byte) = bytes.get_mut(6) {
        *byte = (*byte & 0x0f) | 0x40;
    }
    if let Some(byte) = bytes.get_mut(8) {
        *byte = (*byte & 0x3f) | 0x80;
    }
    let hex = to_hex(&bytes);
    let mut text = String::with_capacity(36);
    for (position, digit) in hex.chars().enumerate() {
        if matches!(position, 8 | 12 | 16 | 20) {
            text.push('-');
        }
        text.push(digit);
    }
    text
}
