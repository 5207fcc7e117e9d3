use std::collections::HashMap;

use keybearer_core::{Error, FieldViolation, Result};
use prost_reflect::{DescriptorPool, DynamicMessage, FieldDescriptor, Kind, MessageDescriptor, Value};
use regex::Regex;

use crate::api::descriptors::extension;

/// What every field accepts, read from the `(keybearer.v1.rules)` options of the contract.
#[derive(Debug)]
pub struct Rules(HashMap<String, MessageRules>);

#[derive(Debug, Default)]
struct MessageRules {
    fields: Vec<(FieldDescriptor, FieldRules)>,
    at_most_one_of: Vec<Vec<String>>,
    at_least_one_of: Vec<Vec<String>>,
}

#[derive(Debug, Default)]
struct FieldRules {
    required: bool,
    min_len: usize,
    max_len: usize,
    pattern: Option<Regex>,
    prefix: String,
    one_of: Vec<String>,
    min_items: usize,
    max_items: usize,
    unique: bool,
    at_most: Option<u64>,
    defined_only: bool,
    min_seconds: i64,
    max_seconds: i64,
    items: Option<Box<FieldRules>>,
    keys: Option<Box<FieldRules>>,
    values: Option<Box<FieldRules>>,
}

impl Rules {
    /// Reads the rules of every message.
    ///
    /// # Errors
    /// [`keybearer_core::Code::Internal`] when a pattern is not a regular expression.
    pub(super) fn read(pool: &DescriptorPool) -> Result<Self> {
        let on_field = extension(pool, "keybearer.v1.rules")?;
        let on_message = extension(pool, "keybearer.v1.message_rules")?;
        let mut all = HashMap::new();
        for message in pool.all_messages().filter(|message| !message.is_map_entry()) {
            let mut rules = MessageRules::default();
            if let Some(options) = message.options().get_extension(&on_message).as_message() {
                rules.at_most_one_of = groups(options, "at_most_one_of");
                rules.at_least_one_of = groups(options, "at_least_one_of");
            }
            for field in message.fields() {
                let options = field.options();
                let own = match options.get_extension(&on_field).as_message() {
                    Some(found) if options.has_extension(&on_field) => read_rules(found)?,
                    _ => FieldRules::default(),
                };
                rules.fields.push((field, own));
            }
            all.insert(message.full_name().to_owned(), rules);
        }
        Ok(Self(all))
    }

    /// Checks a request against the rules.
    ///
    /// # Errors
    /// [`keybearer_core::Code::InvalidArgument`] with every violation; the values themselves are not repeated.
    pub fn check(&self, message: &DynamicMessage) -> Result<()> {
        let mut violations = Vec::new();
        self.check_message(message, "", &mut violations);
        if violations.is_empty() { Ok(()) } else { Err(Error::fields(violations)) }
    }

    fn check_message(&self, message: &DynamicMessage, path: &str, violations: &mut Vec<FieldViolation>) {
        let descriptor = prost_reflect::ReflectMessage::descriptor(message);
        let Some(rules) = self.0.get(descriptor.full_name()) else {
            return;
        };
        for (field, rules) in &rules.fields {
            let at =
                if path.is_empty() { field.name().to_owned() } else { format!("{path}.{}", field.name()) };
            check_field(message, field, rules, &at, violations);
            if message.has_field(field) {
                self.descend(message.get_field(field).as_ref(), &at, violations);
            }
        }
        for names in &rules.at_most_one_of {
            if names.iter().filter(|name| is_given(message, &descriptor, name)).count() > 1 {
                violations.push(violation(path, &format!("must have only one of {}", names.join(" and "))));
            }
        }
        for names in &rules.at_least_one_of {
            if !names.iter().any(|name| is_given(message, &descriptor, name)) {
                violations.push(violation(path, &format!("must have {}", names.join(" or "))));
            }
        }
    }

    fn descend(&self, value: &Value, path: &str, violations: &mut Vec<FieldViolation>) {
        match value {
            Value::Message(inner) => self.check_message(inner, path, violations),
            Value::List(entries) => {
                for (position, entry) in entries.iter().enumerate() {
                    self.descend(entry, &format!("{path}[{position}]"), violations);
                }
            }
            _ => {}
        }
    }
}

fn is_given(message: &DynamicMessage, descriptor: &MessageDescriptor, name: &str) -> bool {
    descriptor.get_field_by_name(name).is_some_and(|field| {
        message.has_field(&field)
            && match message.get_field(&field).as_ref() {
                Value::String(text) => !text.is_empty(),
                Value::List(entries) => !entries.is_empty(),
                _ => true,
            }
    })
}

fn check_field(
    message: &DynamicMessage,
    field: &FieldDescriptor,
    rules: &FieldRules,
    at: &str,
    violations: &mut Vec<FieldViolation>,
) {
    let given = message.has_field(field);
    if rules.required && !given {
        violations.push(violation(at, "must be set"));
        return;
    }
    if !given && field.supports_presence() {
        return;
    }
    let value = message.get_field(field);
    let optional = field.supports_presence() && !rules.required;
    if let Some(description) = complaint(value.as_ref(), field, rules, optional) {
        violations.push(violation(at, &description));
    }
    let inner = match value.as_ref() {
        Value::List(entries) => rules.items.as_ref().and_then(|items| {
            entries.iter().enumerate().find_map(|(position, entry)| {
                complaint(entry, field, items, false).map(|words| (format!("{at}[{position}]"), words))
            })
        }),
        Value::Map(entries) => entries.iter().find_map(|(key, value)| {
            let key = Value::from(key.clone());
            let of_key = rules.keys.as_ref().and_then(|keys| complaint(&key, field, keys, false));
            let of_value = || rules.values.as_ref().and_then(|values| complaint(value, field, values, false));
            of_key
                .map(|words| format!("keys {words}"))
                .or_else(|| of_value().map(|words| format!("values {words}")))
                .map(|words| (at.to_owned(), words))
        }),
        _ => None,
    };
    violations.extend(inner.map(|(at, words)| violation(&at, &words)));
}

/// What is wrong with one value, in words that follow the field's name.
fn complaint(value: &Value, field: &FieldDescriptor, rules: &FieldRules, optional: bool) -> Option<String> {
    match value {
        Value::String(text) => text_complaint(text, rules, optional),
        Value::Message(inner) => wrapped_complaint(inner, rules, optional),
        Value::List(entries) => {
            let mut unique = entries.iter().filter_map(Value::as_str).collect::<Vec<_>>();
            unique.sort_unstable();
            let repeated = rules.unique && unique.windows(2).any(|pair| matches!(pair, [a, b] if a == b));
            if repeated {
                Some("must not repeat an entry".to_owned())
            } else {
                count_complaint(entries.len(), rules)
            }
        }
        Value::Map(entries) => count_complaint(entries.len(), rules),
        Value::U32(number) => number_complaint(u64::from(*number), rules),
        Value::U64(number) => number_complaint(*number, rules),
        Value::I32(number) => number_complaint(u64::try_from(*number).unwrap_or_default(), rules),
        Value::EnumNumber(number) => {
            let Kind::Enum(kind) = field.kind() else {
                return None;
            };
            let unknown = rules.defined_only && kind.get_value(*number).is_none();
            unknown.then(|| "must be one of the declared values".to_owned())
        }
        _ => None,
    }
}

fn text_complaint(text: &str, rules: &FieldRules, optional: bool) -> Option<String> {
    if text.is_empty() && optional {
        return None;
    }
    let length = text.chars().count();
    if length < rules.min_len || (rules.required && length == 0) {
        return Some(match rules.min_len {
            0 | 1 => "must be set".to_owned(),
            least => format!("must be at least {least} characters (got {length})"),
        });
    }
    if rules.max_len > 0 && length > rules.max_len {
        return Some(format!("must be at most {} characters (got {length})", rules.max_len));
    }
    if !rules.one_of.is_empty() && !rules.one_of.iter().any(|allowed| allowed == text) {
        let allowed: Vec<_> = rules.one_of.iter().filter(|allowed| !allowed.is_empty()).cloned().collect();
        return Some(format!("must be one of {}", allowed.join(", ")));
    }
    if text.is_empty() {
        return None;
    }
    if !text.starts_with(&rules.prefix) {
        return Some(format!("must begin with {}", rules.prefix));
    }
    let pattern = rules.pattern.as_ref().filter(|pattern| !pattern.is_match(text))?;
    Some(format!("must match {pattern}"))
}

fn wrapped_complaint(message: &DynamicMessage, rules: &FieldRules, optional: bool) -> Option<String> {
    let descriptor = prost_reflect::ReflectMessage::descriptor(message);
    match descriptor.full_name() {
        "google.protobuf.StringValue" => {
            text_complaint(message.get_field_by_name("value")?.as_str()?, rules, optional)
        }
        "google.protobuf.Duration" => {
            let seconds = message.get_field_by_name("seconds")?.as_i64()?;
            let too_long = rules.max_seconds > 0 && seconds > rules.max_seconds;
            (seconds < rules.min_seconds || too_long)
                .then(|| format!("must be between {}s and {}s", rules.min_seconds, rules.max_seconds))
        }
        _ => None,
    }
}

fn count_complaint(count: usize, rules: &FieldRules) -> Option<String> {
    if count < rules.min_items {
        return Some(format!("must have at least {} entries (got {count})", rules.min_items));
    }
    (rules.max_items > 0 && count > rules.max_items)
        .then(|| format!("must have at most {} entries (got {count})", rules.max_items))
}

fn number_complaint(number: u64, rules: &FieldRules) -> Option<String> {
    let most = rules.at_most.filter(|most| number > *most)?;
    Some(format!("must be at most {most} (got {number})"))
}

fn violation(field: &str, description: &str) -> FieldViolation {
    FieldViolation {
        field: if field.is_empty() { "request".to_owned() } else { field.to_owned() },
        description: description.to_owned(),
    }
}

fn groups(options: &DynamicMessage, name: &str) -> Vec<Vec<String>> {
    let Some(list) = options.get_field_by_name(name) else {
        return Vec::new();
    };
    list.as_list()
        .unwrap_or_default()
        .iter()
        .filter_map(Value::as_message)
        .map(|group| texts(group, "fields"))
        .collect()
}

fn texts(message: &DynamicMessage, name: &str) -> Vec<String> {
    let Some(list) = message.get_field_by_name(name) else {
        return Vec::new();
    };
    list.as_list().unwrap_or_default().iter().filter_map(Value::as_str).map(str::to_owned).collect()
}

fn read_rules(options: &DynamicMessage) -> Result<FieldRules> {
    let number =
        |name: &str| options.get_field_by_name(name).and_then(|value| value.as_u32()).unwrap_or_default();
    let size = |name: &str| usize::try_from(number(name)).unwrap_or(usize::MAX);
    let flag =
        |name: &str| options.get_field_by_name(name).and_then(|value| value.as_bool()).unwrap_or_default();
    let text = |name: &str| crate::api::descriptors::text(options, name);
    let inner = |name: &str| {
        let present = options.has_field_by_name(name);
        let value = options.get_field_by_name(name).filter(|_| present);
        value
            .as_ref()
            .and_then(|value| value.as_message())
            .map(read_rules)
            .transpose()
            .map(|rules| rules.map(Box::new))
    };
    let pattern = text("pattern")
        .map(|pattern| Regex::new(&pattern))
        .transpose()
        .map_err(|error| Error::internal("the contract has a pattern that is not one").with_source(error))?;
    let at_most = options
        .get_field_by_name("lte")
        .filter(|_| options.has_field_by_name("lte"))
        .and_then(|value| value.as_u64());
    Ok(FieldRules {
        required: flag("required"),
        min_len: size("min_len"),
        max_len: size("max_len"),
        pattern,
        prefix: text("prefix").unwrap_or_default(),
        one_of: texts(options, "in"),
        min_items: size("min_items"),
        max_items: size("max_items"),
        unique: flag("unique"),
        at_most,
        defined_only: flag("defined_only"),
        min_seconds: i64::from(number("min_seconds")),
        max_seconds: i64::from(number("max_seconds")),
        items: inner("items")?,
        keys: inner("keys")?,
        values: inner("values")?,
    })
}
