use http::HeaderMap;
use keybearer_core::SecretString;
use keybearer_oauth::{Document, Params, Path};
use regex::Regex;

use super::EngineError;
use crate::bindings::Bindings;
use crate::schema::{AuthMethod, CaptureSource};

/// Values and the names of those that were not allowed.
pub(crate) struct Captured {
    pub(crate) values: Bindings,
    pub(crate) refused: Vec<String>,
}

/// The values that the callback's query brings. Bind them before the token call.
///
/// # Errors
/// [`EngineError::Value`] when a value does not match its pattern: anybody can make a callback.
pub fn callback_captures(method: &AuthMethod, query: &Params) -> Result<Bindings, EngineError> {
    let mut values = Bindings::new();
    for capture in method.captures.iter().filter(|capture| capture.from == CaptureSource::CallbackQuery) {
        let Some(value) = query.get(&capture.path) else {
            continue;
        };
        let repeated = query.names().filter(|name| *name == capture.path).count() > 1;
        let allowed = capture.allow.as_deref().is_some_and(|pattern| matches_whole(pattern, value.expose()));
        if repeated || !allowed {
            let name = capture.name.clone();
            return Err(EngineError::Value { name, reason: "must be what the provider sends there" });
        }
        values.insert(capture.name.clone(), value);
    }
    Ok(values)
}

/// The values that a token answer brings. A value that is not allowed is left out and named, so that a good token
/// is never thrown away for it.
pub(crate) fn of_answer(method: &AuthMethod, document: &Document, headers: &HeaderMap) -> Captured {
    let mut captured = Captured { values: Bindings::new(), refused: Vec::new() };
    for capture in &method.captures {
        let value = match capture.from {
            CaptureSource::TokenResponse => {
                Path::parse(&capture.path).ok().and_then(|path| document.text(&path))
            }
            CaptureSource::TokenResponseHeader => header(headers, &capture.path),
            CaptureSource::CallbackQuery | CaptureSource::InstallWebhook => None,
        };
        let Some(value) = value.filter(|value| !value.is_empty()) else {
            continue;
        };
        if capture.allow.as_deref().is_none_or(|pattern| matches_whole(pattern, value.expose())) {
            captured.values.insert(capture.name.clone(), value);
        } else {
            captured.refused.push(capture.name.clone());
        }
    }
    for token in &method.secondary_tokens {
        let value = Path::parse(&token.access_token).ok().and_then(|path| document.text(&path));
        match value.filter(|value| keybearer_oauth::token::fit(value.expose()).is_ok()) {
            Some(value) => captured.values.insert(token.name.clone(), value),
            None if token.optional => {}
            None => captured.refused.push(token.name.clone()),
        }
    }
    captured
}

/// A header value; of `Set-Cookie`, the `name=value` pairs that a client would send back.
fn header(headers: &HeaderMap, name: &str) -> Option<SecretString> {
    if name.eq_ignore_ascii_case("set-cookie") {
        let cookies: Vec<&str> = headers
            .get_all("set-cookie")
            .iter()
            .filter_map(|value| value.to_str().ok()?.split(';').next())
            .map(str::trim)
            .collect();
        return (!cookies.is_empty()).then(|| cookies.join("; ").into());
    }
    headers.get(name)?.to_str().ok().map(SecretString::from)
}

/// Whether a pattern matches the whole value.
pub(crate) fn matches_whole(pattern: &str, value: &str) -> bool {
    value.len() <= 4096 && Regex::new(&format!("^(?:{pattern})$")).is_ok_and(|regex| regex.is_match(value))
}
