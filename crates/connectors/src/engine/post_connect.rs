use bytes::Bytes;
use keybearer_core::SecretString;
use keybearer_oauth::{Document, Path, jwt, scalar_text};
use regex::Regex;
use serde_json::Value;

use super::captures::matches_whole;
use super::values::Values;
use super::verify::{Shape, Target, api_call};
use super::{Context, EngineError};
use crate::bindings::Bindings;
use crate::schema::{Extract, PostConnect};

/// Most results that a user is asked to choose from.
const MAX_CHOICES: usize = 200;

/// What to do for a step.
#[derive(Debug)]
pub enum Step {
    /// Nothing: its condition does not hold.
    Skip,
    /// Send this and give the answer to [`read_post_connect_step`].
    Send(Box<http::Request<Bytes>>),
    /// It needed no call.
    Done(Extracted),
}

/// What a step brought.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Extracted {
    /// The values of the first or preferred result.
    pub values: Bindings,
    /// All results, when there are several and the user should choose.
    pub choices: Vec<Choice>,
}

/// One of several results.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Choice {
    /// The words shown.
    pub label: String,
    /// The values when it is chosen.
    pub values: Bindings,
}

/// Why a step brought nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PostConnectError {
    /// The service refused the call.
    #[error("the service answered {0}")]
    Status(u16),
    /// The answer cannot be read.
    #[error("the answer cannot be read")]
    Unreadable,
    /// The answer lacks a value that is needed.
    #[error("the answer lacks a value that the connector needs")]
    Incomplete,
}

/// Step number `index` of the method's `post_connect`. Bind what earlier steps brought first.
///
/// # Errors
/// A missing value, a value that would leave its place, a host that is not pinned, or no such step.
pub fn post_connect_step(context: &Context<'_>, index: usize) -> Result<Step, EngineError> {
    let step = context.method.post_connect.get(index).ok_or(EngineError::NotOffered("such step"))?;
    let values = Values::new(context);
    if let Some(condition) = &step.only_if
        && values.optional(condition)?.is_none_or(|value| value.is_empty())
    {
        return Ok(Step::Skip);
    }
    if let Some(token) = &step.jwt_claims {
        let claims = values.optional(token)?.and_then(|token| jwt::unverified_claims(token.expose()));
        return match claims.map(|claims| extract(step, &claims, &values)) {
            Some(Ok(extracted)) => Ok(Step::Done(extracted)),
            _ => missing(step),
        };
    }
    if let Some(text) = &step.regex_on {
        return match values.optional(text)?.and_then(|text| groups(step, &text)) {
            Some(extracted) => Ok(Step::Done(extracted)),
            None => missing(step),
        };
    }
    let target = Target { url: step.url.as_ref(), base: None, path: step.path.as_ref() };
    let shape = Shape {
        method: step.method.as_deref().unwrap_or("GET"),
        headers: &step.headers,
        body: step.body.as_ref(),
    };
    api_call(&target, &shape, &values, "a call after connecting").map(|request| Step::Send(Box::new(request)))
}

fn missing(step: &PostConnect) -> Result<Step, EngineError> {
    let name = step.extract.keys().next().cloned().unwrap_or_default();
    if step.optional {
        Ok(Step::Skip)
    } else {
        Err(EngineError::Missing { what: "a step after connecting", name })
    }
}

/// Reads the answer of [`Step::Send`].
///
/// # Errors
/// [`PostConnectError`], unless the step is optional: then nothing is extracted.
pub fn read_post_connect_step(
    context: &Context<'_>,
    index: usize,
    response: &http::Response<Bytes>,
) -> Result<Extracted, PostConnectError> {
    let step = context.method.post_connect.get(index).ok_or(PostConnectError::Incomplete)?;
    let result = match Document::from_body(None, response.body()) {
        _ if !response.status().is_success() => Err(PostConnectError::Status(response.status().as_u16())),
        Ok(document) => extract(step, &document, &Values::new(context)),
        Err(_) => Err(PostConnectError::Unreadable),
    };
    if step.optional { Ok(result.unwrap_or_default()) } else { result }
}

fn extract(
    step: &PostConnect,
    document: &Document,
    values: &Values<'_>,
) -> Result<Extracted, PostConnectError> {
    let single = || one(step, document, |path| path.to_owned()).ok_or(PostConnectError::Incomplete);
    let Some((list, position)) =
        list_of(step, document).filter(|_| step.choose_when_many || step.prefer_match.is_some())
    else {
        return Ok(Extracted { values: single()?, choices: Vec::new() });
    };
    let mut choices = Vec::new();
    let mut preferred = None;
    for (index, item) in list.iter().take(MAX_CHOICES).enumerate() {
        let at = |path: &str| path.replacen(&position, &position.replace("[0]", &format!("[{index}]")), 1);
        let Some(found) = one(step, document, at) else {
            continue;
        };
        if preferred.is_none() && is_preferred(step, item, values) {
            preferred = Some(choices.len());
        }
        let label = label(step, item, &found);
        choices.push(Choice { label, values: found });
    }
    let chosen = choices.get(preferred.unwrap_or(0)).ok_or(PostConnectError::Incomplete)?.values.clone();
    let ask = step.choose_when_many && preferred.is_none() && choices.len() > 1;
    Ok(Extracted { values: chosen, choices: if ask { choices } else { Vec::new() } })
}

/// The list that the paths walk: everything up to the first `[0]` of the first path that has one.
fn list_of(step: &PostConnect, document: &Document) -> Option<(Vec<Value>, String)> {
    let path = step.extract.values().find_map(|extract| match extract {
        Extract::Path(path) if path.contains("[0]") => Some(path),
        _ => None,
    })?;
    let (before, _) = path.split_once("[0]")?;
    let list = if before.is_empty() {
        document.expose().as_array()?.clone()
    } else {
        document.find(&Path::parse(before).ok()?)?.as_array()?.clone()
    };
    Some((list, format!("{before}[0]")))
}

/// The values of one result; `None` when one is missing or not allowed.
fn one(step: &PostConnect, document: &Document, at: impl Fn(&str) -> String) -> Option<Bindings> {
    let mut values = Bindings::new();
    for (name, extract) in &step.extract {
        let Extract::Path(path) = extract else { return None };
        let value = document.text(&Path::parse(&at(path)).ok()?)?;
        let allowed = step.allow.get(name).is_none_or(|pattern| matches_whole(pattern, value.expose()));
        if value.is_empty() || !allowed {
            return None;
        }
        values.insert(name.clone(), value);
    }
    Some(values)
}

fn is_preferred(step: &PostConnect, item: &Value, values: &Values<'_>) -> bool {
    let Some(prefer) = &step.prefer_match else {
        return false;
    };
    let wanted = values.optional(&prefer.equals).ok().flatten();
    let found = Path::parse(&prefer.path).ok().and_then(|path| path.text(item));
    wanted.is_some_and(|wanted| found.is_some_and(|found| wanted == SecretString::from(found)))
}

fn label(step: &PostConnect, item: &Value, found: &Bindings) -> String {
    let named = step.choice_label.as_ref().and_then(|path| Path::parse(path).ok()?.text(item));
    let usual = || {
        ["name", "display_name", "displayName", "title", "url"]
            .iter()
            .find_map(|key| scalar_text(item.get(*key)?))
    };
    let any = || found.iter().next().map(|(_, value)| value.expose().clone());
    named.or_else(usual).or_else(any).unwrap_or_default().chars().take(200).collect()
}

fn groups(step: &PostConnect, text: &SecretString) -> Option<Extracted> {
    let regex = Regex::new(step.pattern.as_deref()?).ok()?;
    let found = regex.captures(text.expose())?;
    let mut values = Bindings::new();
    for (name, extract) in &step.extract {
        let group = match extract {
            Extract::Group(number) => found.get(*number),
            Extract::Path(group) => {
                group.parse().ok().map_or_else(|| found.name(group), |number| found.get(number))
            }
        }?;
        if !step.allow.get(name).is_none_or(|pattern| matches_whole(pattern, group.as_str())) {
            return None;
        }
        values.insert(name.clone(), group.as_str());
    }
    Some(Extracted { values, choices: Vec::new() })
}
