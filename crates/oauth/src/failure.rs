//! What a failed token call means: the closed table of the reliability rules.
//!
//! Only two outcomes are permanent, [`Failure::InvalidGrant`] and, for the connection, [`Failure::ClientRejected`].
//! No text of the provider is kept: its error code is kept if it is on the closed list of [`ErrorCode`].

use std::time::Duration;

use http::HeaderMap;
use http::header::{CONTENT_TYPE, RETRY_AFTER};
use keybearer_core::Timestamp;
use serde_json::Value;

use crate::document::Document;
use crate::error_code::ErrorCode;
use crate::expiry;

/// The longest wait that a provider can impose on us: one hour.
pub const MAX_RETRY_AFTER: Duration = Duration::from_secs(3600);

/// Why a token call brought no token, and with that, what to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Failure {
    /// No byte of the request left (DNS, connect, TLS). Retry freely with the same token.
    #[error("the request never left")]
    NotSent,
    /// The provider may have acted (timeout, reset, 5xx). A rotating refresh token may be spent.
    #[error("the answer was lost")]
    Uncertain {
        /// The status, when there was an answer at all.
        status: Option<u16>,
    },
    /// Asked too often.
    #[error("the provider asks to slow down")]
    RateLimited {
        /// How long to wait, at most one hour.
        retry_after: Option<Duration>,
    },
    /// The provider says that it is away and did not act.
    #[error("the provider is unavailable")]
    Unavailable {
        /// How long to wait, at most one hour.
        retry_after: Option<Duration>,
    },
    /// The user's grant is not accepted. Permanent once a second look confirms it.
    #[error("the provider does not accept the grant")]
    InvalidGrant,
    /// Client id, secret or permission is not accepted: the connection's fault, no account changes.
    #[error("the provider does not accept the client ({error})")]
    ClientRejected {
        /// The code, from the closed list.
        error: ErrorCode,
    },
    /// The request or the answer is not what the connector describes: the connection's fault, retry slowly.
    #[error("the provider answered {status} {error} ({cause:?})")]
    ConnectorFault {
        /// The status.
        status: u16,
        /// The code, from the closed list.
        error: ErrorCode,
        /// What is wrong.
        cause: Cause,
    },
}

/// What is wrong with an answer that the connector does not describe.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cause {
    /// The provider refused with an error.
    Refused,
    /// The status says success and the body holds an error.
    ErrorInSuccess,
    /// Markup, no JSON, or nothing.
    Unreadable,
    /// The body can be read and holds no usable token.
    NoToken,
    /// A redirect, which is never followed.
    Redirect,
}

/// What the transport reports, before any answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TransportFault {
    /// The provider cannot have seen anything.
    NotSent,
    /// Bytes may have left.
    Uncertain,
}

impl From<TransportFault> for Failure {
    fn from(fault: TransportFault) -> Self {
        match fault {
            TransportFault::NotSent => Self::NotSent,
            TransportFault::Uncertain => Self::Uncertain { status: None },
        }
    }
}

/// What kind of proof was sent; it decides what a bare 401 means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GrantKind {
    /// An authorization code.
    AuthorizationCode,
    /// A refresh token.
    RefreshToken,
    /// Client id and secret alone.
    ClientCredentials,
    /// A signed assertion.
    Assertion,
    /// The user's own name and password or key, sent to a login call that knows no OAuth errors.
    Login,
}

/// The classes that a catalogue rule may name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Class {
    /// See [`Failure::InvalidGrant`].
    InvalidGrant,
    /// See [`Failure::ClientRejected`].
    ClientRejected,
    /// See [`Failure::RateLimited`].
    RateLimited,
    /// See [`Failure::Unavailable`].
    Unavailable,
    /// See [`Failure::Uncertain`].
    Uncertain,
    /// See [`Failure::ConnectorFault`].
    ConnectorFault,
}

impl Class {
    /// Every class.
    pub const ALL: &'static [Self] = &[
        Self::InvalidGrant,
        Self::ClientRejected,
        Self::RateLimited,
        Self::Unavailable,
        Self::Uncertain,
        Self::ConnectorFault,
    ];

    /// The name in a connector definition.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::InvalidGrant => "invalid_grant",
            Self::ClientRejected => "client_rejected",
            Self::RateLimited => "rate_limited",
            Self::Unavailable => "unavailable",
            Self::Uncertain => "uncertain",
            Self::ConnectorFault => "connector_fault",
        }
    }

    /// Reads the name.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|class| class.as_str() == text)
    }
}

/// One line of a connector's `error_map`; the first that fits decides, before every other rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ErrorRule {
    /// Fits only this status, or any.
    pub status: Option<u16>,
    /// Fits only this exact error code, or any.
    pub error: Option<String>,
    /// What it means.
    pub class: Class,
}

/// An answer to look at.
#[derive(Clone, Copy, Debug)]
pub struct Answer<'a> {
    /// The HTTP status.
    pub status: u16,
    /// The headers.
    pub headers: &'a HeaderMap,
    /// The body.
    pub body: &'a [u8],
    /// When it arrived.
    pub now: Timestamp,
}

impl<'a> Answer<'a> {
    /// The answer of a response.
    pub fn of(response: &'a http::Response<bytes::Bytes>, now: Timestamp) -> Self {
        Self { status: response.status().as_u16(), headers: response.headers(), body: response.body(), now }
    }

    /// The body as data.
    ///
    /// # Errors
    /// Those of [`Document::from_body`].
    pub fn document(&self) -> Result<Document, crate::document::DocumentError> {
        let content_type = self.headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
        Document::from_body(content_type, self.body)
    }
}

/// Says what an answer that brought no token means. Call it after no token could be read, whatever the status.
pub fn classify(answer: &Answer<'_>, grant: GrantKind, rules: &[ErrorRule]) -> Failure {
    let document = answer.document();
    let codes = document.as_ref().map(error_codes).unwrap_or_default();
    let listed = codes.iter().find_map(|code| ErrorCode::listed(code));
    let retry_after = retry_after(answer.headers, RETRY_AFTER.as_str(), answer.now);
    let cause = match (&document, answer.status) {
        (_, 300..=399) => Cause::Redirect,
        (Err(_), _) => Cause::Unreadable,
        (Ok(_), 200..=299) if codes.is_empty() => Cause::NoToken,
        (Ok(_), 200..=299) => Cause::ErrorInSuccess,
        (Ok(_), _) => Cause::Refused,
    };
    let error = listed.unwrap_or(ErrorCode::ProviderError);
    let fits = |rule: &&ErrorRule| {
        rule.status.is_none_or(|status| status == answer.status)
            && rule.error.as_ref().is_none_or(|error| codes.contains(error))
    };
    let class = match rules.iter().find(fits) {
        Some(rule) => rule.class,
        None => class(answer.status, listed, retry_after.is_some(), grant),
    };
    match class {
        Class::InvalidGrant => Failure::InvalidGrant,
        Class::ClientRejected => Failure::ClientRejected { error },
        Class::RateLimited => Failure::RateLimited { retry_after },
        Class::Unavailable => Failure::Unavailable { retry_after },
        Class::Uncertain => Failure::Uncertain { status: Some(answer.status) },
        Class::ConnectorFault => Failure::ConnectorFault { status: answer.status, error, cause },
    }
}

/// The table. A code counts only with a 4xx status: a 200 or 500 with an error body proves nothing.
fn class(status: u16, listed: Option<ErrorCode>, waits: bool, grant: GrantKind) -> Class {
    match (status, listed) {
        (429, _) | (400..=499, Some(ErrorCode::SlowDown)) => Class::RateLimited,
        (503, _) if waits => Class::Unavailable,
        (408, _) | (500..=599, _) => Class::Uncertain,
        (400..=499, Some(ErrorCode::TemporarilyUnavailable | ErrorCode::ServerError)) => Class::Unavailable,
        (400..=499, Some(ErrorCode::InvalidGrant)) => Class::InvalidGrant,
        (400..=499, Some(ErrorCode::InvalidClient | ErrorCode::UnauthorizedClient)) => Class::ClientRejected,
        (401, None) if grant == GrantKind::Login => Class::InvalidGrant,
        _ => Class::ConnectorFault,
    }
}

/// The wait that a header asks for, in seconds or as a date, at most [`MAX_RETRY_AFTER`].
pub fn retry_after(headers: &HeaderMap, name: &str, now: Timestamp) -> Option<Duration> {
    let text = headers.get(name)?.to_str().ok()?.trim();
    let wait = match text.parse::<f64>() {
        Ok(seconds) if seconds.is_finite() => Duration::try_from_secs_f64(seconds).ok()?,
        Ok(_) => return None,
        Err(_) => expiry::date(text)?.since(now),
    };
    Some(wait.min(MAX_RETRY_AFTER))
}

/// Everything in a body that may be an error code. For comparison only: these texts may hold anything.
fn error_codes(document: &Document) -> Vec<String> {
    const NAMES: [&str; 8] =
        ["error", "error_code", "errorCode", "code", "errcode", "type", "error_type", "status"];
    let Value::Object(members) = document.expose() else {
        return Vec::new();
    };
    let mut codes = Vec::new();
    for name in NAMES.iter().take(5) {
        note(members.get(*name), &mut codes);
    }
    let nested = [members.get("error"), members.get("errors").and_then(|errors| errors.get(0))];
    for inner in nested.into_iter().flatten() {
        note(Some(inner), &mut codes);
        NAMES.iter().for_each(|name| note(inner.get(*name), &mut codes));
    }
    codes
}

fn note(value: Option<&Value>, codes: &mut Vec<String>) {
    match value {
        Some(Value::String(text)) if !text.is_empty() && text.len() <= 128 => codes.push(text.clone()),
        Some(Value::Number(number)) => codes.push(number.to_string()),
        _ => {}
    }
}

#[cfg(test)]
#[path = "failure_tests.rs"]
mod tests;
