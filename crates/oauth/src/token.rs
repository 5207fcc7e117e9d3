//! Reading a token answer ([RFC 6749 §5.1](https://www.rfc-editor.org/rfc/rfc6749#section-5.1)) tolerantly.
//!
//! Only the access token decides whether there is a result: junk in anything else becomes a [`Notice`], because
//! throwing an answer away loses a refresh token that may already have been rotated.

use std::time::Duration;

use keybearer_core::{SecretString, Timestamp};
use serde_json::Value;

use crate::document::Document;
use crate::expiry::{self, Expiry, Unit};
use crate::jwt;
use crate::path::{Path, scalar_text};

/// The longest token that is taken, in bytes.
pub const MAX_TOKEN: usize = 16 * 1024;

/// What a token endpoint granted.
#[derive(Clone, Debug)]
pub struct TokenSet {
    /// The access token: visible ASCII, fit for a header.
    pub access_token: SecretString,
    /// The refresh token; `None` means that the answer had none, and the old one stays.
    pub refresh_token: Option<SecretString>,
    /// The token type as the provider wrote it, for example `Bearer`.
    pub token_type: Option<String>,
    /// When the access token ends; `None` means never or unknown.
    pub expires_at: Option<Timestamp>,
    /// When the refresh token ends, where the provider says so.
    pub refresh_expires_at: Option<Timestamp>,
    /// The granted scopes; `None` means that the answer did not say.
    pub scopes: Option<Vec<String>>,
    /// The identity token, unverified.
    pub id_token: Option<SecretString>,
    /// What was odd about the answer.
    pub notices: Vec<Notice>,
    /// The whole answer, for captures.
    pub raw: Document,
}

/// Something odd in an otherwise good answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Notice {
    /// The refresh token was an empty string.
    RefreshTokenEmpty,
    /// The refresh token was not a string, too long, or held control characters.
    RefreshTokenUnfit,
    /// A lifetime or end could not be read; the default was used.
    ExpiryUnreadable,
    /// A lifetime or end was cut to [`expiry::MAX_LIFE`].
    ExpiryClamped,
    /// The scopes could not be read.
    ScopesUnreadable,
}

/// Why an answer holds no usable token.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TokenError {
    /// No access token where one was expected, or not a non-empty string.
    #[error("answer must hold an access token")]
    Missing,
    /// The access token came twice with different values.
    #[error("access token must come once")]
    Ambiguous,
    /// Longer than 16 KiB.
    #[error("access token must be at most 16 KiB")]
    TooLong,
    /// Line breaks, other control characters, spaces at an end, or anything but ASCII.
    #[error("access token must be visible ASCII text")]
    Characters,
}

/// Where and how an answer says things. The default is RFC 6749. Lists are alternatives: the first that is there.
#[derive(Clone, Debug)]
pub struct TokenRules {
    /// Paths of the access token.
    pub access_token: Vec<Path>,
    /// Paths of the refresh token.
    pub refresh_token: Vec<Path>,
    /// Path of the token type.
    pub token_type: Path,
    /// Path of the scopes.
    pub scopes: Path,
    /// Path of the identity token.
    pub id_token: Path,
    /// Paths of the life time.
    pub expires_in: Vec<Path>,
    /// The unit of life times.
    pub expires_in_unit: Unit,
    /// Paths of the end; looked at before `expires_in`.
    pub expires_at: Vec<Path>,
    /// The unit of the end, when its shape does not tell.
    pub expires_at_unit: Option<Unit>,
    /// Paths of the refresh token's life time.
    pub refresh_expires_in: Vec<Path>,
    /// The life time when the answer has none.
    pub default_life: Option<Duration>,
    /// The token never ends, whatever the answer says.
    pub never_expires: bool,
    /// What stands between scopes; a space means any white space.
    pub scope_separator: String,
}

impl Default for TokenRules {
    fn default() -> Self {
        Self {
            access_token: vec![Path::key("access_token")],
            refresh_token: vec![Path::key("refresh_token")],
            token_type: Path::key("token_type"),
            scopes: Path::key("scope"),
            id_token: Path::key("id_token"),
            expires_in: vec![Path::key("expires_in")],
            expires_in_unit: Unit::Seconds,
            expires_at: vec![Path::key("expires_at")],
            expires_at_unit: None,
            refresh_expires_in: vec![Path::key("refresh_token_expires_in"), Path::key("refresh_expires_in")],
            default_life: None,
            never_expires: false,
            scope_separator: " ".to_owned(),
        }
    }
}

impl TokenRules {
    /// Reads an answer that arrived at `now`.
    ///
    /// # Errors
    /// [`TokenError`] when there is no usable access token; nothing else makes an answer unusable.
    pub fn read(&self, document: Document, now: Timestamp) -> Result<TokenSet, TokenError> {
        let access_token = access_token(&document, &self.access_token)?;
        let mut notices = Vec::new();
        let refresh_token = refresh_token(&document, &self.refresh_token, &mut notices);
        let expires_at = self.expires_at(&document, &access_token, now, &mut notices);
        let refresh_life = first(&document, &self.refresh_expires_in);
        let refresh_expires_at =
            known(expiry::relative(refresh_life, self.expires_in_unit, now), &mut notices);
        let scopes = self.scopes(&document, &mut notices);
        let id_token = document.text(&self.id_token).filter(|token| fit(token.expose()).is_ok());
        let token_type = document.text(&self.token_type).map(|text| text.expose().clone());
        let token_type = token_type.filter(|text| {
            (1..=32).contains(&text.len())
                && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
        });
        notices.dedup();
        Ok(TokenSet {
            access_token,
            refresh_token,
            token_type,
            expires_at,
            refresh_expires_at,
            scopes,
            id_token,
            notices,
            raw: document,
        })
    }

    fn expires_at(
        &self,
        document: &Document,
        access_token: &SecretString,
        now: Timestamp,
        notices: &mut Vec<Notice>,
    ) -> Option<Timestamp> {
        if self.never_expires {
            return None;
        }
        let end = expiry::absolute(first(document, &self.expires_at), self.expires_at_unit, now);
        known(end, notices)
            .or_else(|| {
                let life = first(document, &self.expires_in);
                known(expiry::relative(life, self.expires_in_unit, now), notices)
            })
            .or_else(|| {
                let claims = jwt::unverified_claims(access_token.expose())?;
                let end = claims.expose().get("exp").cloned();
                known(expiry::absolute(end.as_ref(), Some(Unit::Seconds), now), notices)
            })
            .or_else(|| self.default_life.map(|life| now.plus(life.min(expiry::MAX_LIFE))))
    }

    fn scopes(&self, document: &Document, notices: &mut Vec<Notice>) -> Option<Vec<String>> {
        match document.find(&self.scopes)? {
            Value::Null => None,
            Value::String(text) => Some(split_scopes(text, &self.scope_separator)),
            Value::Array(list) => {
                let texts: Vec<String> = list.iter().filter_map(scalar_text).collect();
                Some(unique(texts.iter().map(String::as_str)))
            }
            Value::Bool(_) | Value::Number(_) | Value::Object(_) => {
                notices.push(Notice::ScopesUnreadable);
                None
            }
        }
    }
}

/// Splits a scope text and drops blanks and repetitions; a space as separator means any white space.
pub fn split_scopes(text: &str, separator: &str) -> Vec<String> {
    if separator.trim().is_empty() { unique(text.split_whitespace()) } else { unique(text.split(separator)) }
}

/// Whether a text may be used as an access token: it will stand in a header.
///
/// # Errors
/// [`TokenError`] says what is wrong.
pub fn fit(token: &str) -> Result<(), TokenError> {
    if token.is_empty() {
        return Err(TokenError::Missing);
    }
    if token.len() > MAX_TOKEN {
        return Err(TokenError::TooLong);
    }
    let visible = token.bytes().all(|byte| (0x20..0x7f).contains(&byte));
    if visible && token.trim() == token { Ok(()) } else { Err(TokenError::Characters) }
}

fn unique<'a>(parts: impl Iterator<Item = &'a str>) -> Vec<String> {
    let mut scopes: Vec<String> = Vec::new();
    for part in parts.map(str::trim).filter(|part| !part.is_empty()) {
        if !scopes.iter().any(|known| known == part) {
            scopes.push(part.to_owned());
        }
    }
    scopes
}

/// The first alternative that is there, not `null` and not said twice.
fn first<'a>(document: &'a Document, paths: &[Path]) -> Option<&'a Value> {
    paths
        .iter()
        .filter(|path| !document.is_ambiguous(path))
        .filter_map(|path| document.find(path))
        .find(|value| !value.is_null())
}

fn access_token(document: &Document, paths: &[Path]) -> Result<SecretString, TokenError> {
    let found = paths.iter().find(|path| document.find(path).is_some_and(|value| !value.is_null()));
    let path = found.ok_or(TokenError::Missing)?;
    if document.is_ambiguous(path) {
        return Err(TokenError::Ambiguous);
    }
    // a number, `true` or an object is no token, even where it could be written as text
    let token = match document.find(path) {
        Some(Value::String(text)) => SecretString::from(text.as_str()),
        Some(Value::Number(number)) if path.is_body() => SecretString::from(number.to_string()),
        _ => return Err(TokenError::Missing),
    };
    fit(token.expose())?;
    Ok(token)
}

fn refresh_token(document: &Document, paths: &[Path], notices: &mut Vec<Notice>) -> Option<SecretString> {
    if paths.iter().any(|path| document.is_ambiguous(path)) {
        notices.push(Notice::RefreshTokenUnfit);
        return None;
    }
    match first(document, paths)? {
        Value::String(text) if text.is_empty() => {
            notices.push(Notice::RefreshTokenEmpty);
            None
        }
        // it travels in bodies only, so anything printable is kept rather than lost
        Value::String(text) if text.len() <= MAX_TOKEN && !text.contains(char::is_control) => {
            Some(SecretString::from(text.as_str()))
        }
        _ => {
            notices.push(Notice::RefreshTokenUnfit);
            None
        }
    }
}

fn known(expiry: Expiry, notices: &mut Vec<Notice>) -> Option<Timestamp> {
    match expiry {
        Expiry::At(time) => Some(time),
        Expiry::Clamped(time) => {
            notices.push(Notice::ExpiryClamped);
            Some(time)
        }
        Expiry::Absent => None,
        Expiry::Unreadable => {
            notices.push(Notice::ExpiryUnreadable);
            None
        }
    }
}

#[cfg(test)]
#[path = "token_tests.rs"]
mod tests;
