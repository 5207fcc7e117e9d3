//! Reading token answers by the definition's paths.

use std::time::Duration;

use keybearer_oauth::expiry::Unit;
use keybearer_oauth::failure::{Class, ErrorRule};
use keybearer_oauth::token::TokenRules;
use keybearer_oauth::{Document, Path};
use serde_json::Value;

use crate::schema::{AuthMethod, ExpiryAbsent, FailureClass, ResponseSpec, TimeUnit};
use crate::scopes;

/// Which description of answers counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reading {
    /// A first grant, or a refresh that repeats all steps.
    Full,
    /// A refresh of one call.
    Refresh,
}

/// The description of the answer.
pub(crate) fn spec(method: &AuthMethod, reading: Reading) -> ResponseSpec {
    let own = match reading {
        Reading::Full => None,
        Reading::Refresh => method.refresh_response.as_ref(),
    };
    own.or(method.response.as_ref()).cloned().unwrap_or_default()
}

/// The rules of the description.
pub(crate) fn rules(method: &AuthMethod, reading: Reading) -> TokenRules {
    let spec = spec(method, reading);
    let standard = TokenRules::default();
    // a refresh of one call has no further answers: what a login finds there, it finds in the only answer
    let own = |text: &String| match reading {
        Reading::Refresh => Path::parse(strip_step(text)).ok(),
        Reading::Full => Path::parse(text).ok(),
    };
    let places = |first: &Option<String>, second: &Option<String>, standard: Vec<Path>| -> Vec<Path> {
        let named: Vec<Path> = first.iter().chain(second).filter_map(own).collect();
        match (first, named.is_empty()) {
            (_, true) => standard,
            (Some(_), false) => named,
            (None, false) => standard.into_iter().chain(named).collect(),
        }
    };
    let known_life = match spec.expires_in_absent {
        Some(ExpiryAbsent::Never | ExpiryAbsent::RefreshOn401) => None,
        None => method.lifetimes.as_ref().and_then(|lifetimes| lifetimes.access_token_s),
    };
    TokenRules {
        access_token: places(&spec.access_token, &spec.access_token_fallback, standard.access_token),
        refresh_token: places(&spec.refresh_token, &spec.refresh_token_fallback, standard.refresh_token),
        expires_in: places(&spec.expires_in, &spec.expires_in_fallback, standard.expires_in),
        expires_in_unit: unit(spec.expires_in_unit.unwrap_or_default()),
        expires_at: places(&spec.expires_at, &None, standard.expires_at),
        expires_at_unit: spec.expires_at_unit.map(unit),
        refresh_expires_in: places(&spec.refresh_expires_in, &None, standard.refresh_expires_in),
        scopes: spec.scope.as_ref().and_then(own).unwrap_or(standard.scopes),
        default_life: spec.default_ttl_s.or(known_life).map(Duration::from_secs),
        never_expires: spec.never_expires,
        scope_separator: scopes::separator(method).to_owned(),
        ..TokenRules::default()
    }
}

fn strip_step(text: &str) -> &str {
    let rest = text.strip_prefix("step").and_then(|rest| rest.split_once('.'));
    rest.filter(|(number, _)| number.parse::<usize>().is_ok()).map_or(text, |(_, path)| path)
}

fn unit(unit: TimeUnit) -> Unit {
    match unit {
        TimeUnit::Seconds => Unit::Seconds,
        TimeUnit::Milliseconds => Unit::Millis,
    }
}

/// Whether the answer says that it is a success, where the definition tells how.
pub(crate) fn says_success(spec: &ResponseSpec, document: &Document) -> bool {
    let Some(success) = &spec.success else { return true };
    let found = Path::parse(&success.path).ok().and_then(|path| document.find(&path));
    found.is_some_and(|value| same(value, &success.equals))
}

/// Equal, where a number, a boolean and their texts are the same.
pub(crate) fn same(left: &Value, right: &Value) -> bool {
    left == right
        || keybearer_oauth::scalar_text(left)
            .is_some_and(|text| Some(text) == keybearer_oauth::scalar_text(right))
}

/// The definition's error map for the classifier.
pub(crate) fn error_rules(method: &AuthMethod) -> Vec<ErrorRule> {
    let rule = |mapping: &crate::schema::ErrorMapping| ErrorRule {
        status: mapping.status,
        error: Some(mapping.error.clone()),
        class: class(mapping.class),
    };
    method.error_map.iter().map(rule).collect()
}

fn class(class: FailureClass) -> Class {
    match class {
        FailureClass::Grant | FailureClass::CodeRefused => Class::InvalidGrant,
        FailureClass::Client => Class::ClientRejected,
        FailureClass::RedirectUri | FailureClass::Request => Class::ConnectorFault,
        FailureClass::Unavailable => Class::Unavailable,
        FailureClass::Uncertain => Class::Uncertain,
        FailureClass::RateLimited => Class::RateLimited,
    }
}

/// One document of all answers: the first one's members, and `step1`, `step2` … beside them.
pub(crate) fn combined(answers: &[Document]) -> Document {
    let (Some(first), true) = (answers.first(), answers.len() > 1) else {
        return answers.first().cloned().unwrap_or_else(|| Document::from_value(Value::Null));
    };
    let mut members = first.expose().as_object().cloned().unwrap_or_default();
    for (index, answer) in answers.iter().enumerate() {
        members.insert(format!("step{}", index + 1), answer.expose().clone());
    }
    Document::from_value(Value::Object(members))
}
