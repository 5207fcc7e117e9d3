//! What the sandbox received: every request, with secrets shortened to a keyed digest.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};

use aws_lc_rs::hmac;
use http::{HeaderMap, Method};
use keybearer_core::{Entropy, Timestamp, to_hex};
use serde::Serialize;

use crate::failure::{Failure, Stage};
use crate::params::Params;

const KEPT: usize = 2_000;
const SHOWN_FIELDS: [&str; 16] = [
    "client_id",
    "code_challenge_method",
    "cursor",
    "decision",
    "grant_type",
    "limit",
    "login_hint",
    "person",
    "prompt",
    "redirect_uri",
    "response_type",
    "scope",
    "scopes",
    "token_type_hint",
    "client_assertion_type",
    "access_type",
];

/// One request as it arrived. Values that could be secret are `hmac:` and 12 hexadecimal digits, the same
/// digits for the same value within one run.
#[derive(Clone, Debug, Serialize)]
pub struct RequestRecord {
    /// Rises by one with each request.
    pub number: u64,
    /// When it arrived, by the sandbox's clock.
    pub at: String,
    /// When it arrived, by the clock of the server beside it.
    #[serde(skip)]
    pub arrived: Timestamp,
    /// The method.
    pub method: String,
    /// The path, without the query.
    pub path: String,
    /// Names of the query, with values where they are public.
    pub query: BTreeMap<String, String>,
    /// Header fields in the order they came.
    pub headers: Vec<(String, String)>,
    /// Names of a form or JSON body, with values where they are public.
    pub body: BTreeMap<String, String>,
    /// `grant_type` of a token request.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub grant_type: Option<String>,
    /// `family.number` of the refresh token that was sent, for example `3.2`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub refresh_token: Option<String>,
    /// Which switch would apply.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stage: Option<Stage>,
    /// The failure that met it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub failure: Option<Failure>,
    /// The status answered; absent when the connection was dropped or the answer is not out yet.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    /// What came of it, in a word: `rotated`, `reused`, `dropped`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub outcome: Option<&'static str>,
}

/// How many requests came, since the start or the last reset.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Counters {
    /// All requests but those of the control API.
    pub requests: u64,
    /// Requests at `/token` by `grant_type`.
    pub token_requests: BTreeMap<String, u64>,
    /// Requests by stage: `consent`, `exchange`, `refresh`, `api`.
    pub stages: BTreeMap<&'static str, u64>,
    /// Refresh tokens rotated.
    pub rotations: u64,
    /// Rotated refresh tokens seen again outside the grace window.
    pub reuses: u64,
    /// Answers of the same pair within the grace window.
    pub grace_answers: u64,
}

impl Counters {
    /// Token requests with `grant_type=refresh_token`.
    pub fn refreshes(&self) -> u64 {
        self.token_requests.get("refresh_token").copied().unwrap_or(0)
    }
}

/// What the handler of a request adds to its record, as an extension of the response.
#[derive(Clone, Copy)]
pub(crate) struct Outcome(pub &'static str);

pub(crate) struct Recorder {
    key: hmac::Key,
    inner: Mutex<Inner>,
}

#[derive(Default)]
struct Inner {
    last_number: u64,
    records: VecDeque<RequestRecord>,
    counters: Counters,
}

impl Recorder {
    pub fn new(entropy: &dyn Entropy) -> keybearer_core::Result<Self> {
        let mut key = [0_u8; 32];
        entropy.fill(&mut key)?;
        Ok(Self { key: hmac::Key::new(hmac::HMAC_SHA256, &key), inner: Mutex::default() })
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A text that stands for `secret` in records.
    pub fn digest(&self, secret: &str) -> String {
        let tag = hmac::sign(&self.key, secret.as_bytes());
        format!("hmac:{}", to_hex(tag.as_ref().get(..6).unwrap_or_default()))
    }

    pub fn fields(&self, params: &Params) -> BTreeMap<String, String> {
        params.iter().map(|(name, value)| (name.to_owned(), self.shown(name, value))).collect()
    }

    fn shown(&self, name: &str, value: &str) -> String {
        if SHOWN_FIELDS.contains(&name) { value.to_owned() } else { self.digest(value) }
    }

    pub fn headers(&self, headers: &HeaderMap) -> Vec<(String, String)> {
        let shown = |(name, value): (&http::HeaderName, &http::HeaderValue)| {
            let text = String::from_utf8_lossy(value.as_bytes()).into_owned();
            (name.to_string(), if is_secret(name.as_str()) { self.header_digest(&text) } else { text })
        };
        headers.iter().map(shown).collect()
    }

    fn header_digest(&self, value: &str) -> String {
        match value.split_once(' ') {
            Some((scheme @ ("Bearer" | "Basic"), secret)) => format!("{scheme} {}", self.digest(secret)),
            _ => self.digest(value),
        }
    }

    pub fn begin(&self, (at, arrived): (Timestamp, Timestamp), method: &Method, path: &str) -> RequestRecord {
        let mut inner = self.lock();
        inner.last_number += 1;
        inner.counters.requests += 1;
        RequestRecord {
            number: inner.last_number,
            at: at.rfc3339(),
            arrived,
            method: method.to_string(),
            path: path.to_owned(),
            query: BTreeMap::new(),
            headers: Vec::new(),
            body: BTreeMap::new(),
            grant_type: None,
            refresh_token: None,
            stage: None,
            failure: None,
            status: None,
            outcome: None,
        }
    }

    /// Counts and keeps the request, before it is handled.
    pub fn keep(&self, record: &RequestRecord) {
        let mut inner = self.lock();
        if let Some(stage) = record.stage {
            *inner.counters.stages.entry(stage.as_str()).or_default() += 1;
        }
        if let (Some(grant), "/token") = (&record.grant_type, record.path.as_str()) {
            let name = if grant.len() <= 80 { grant.as_str() } else { "other" };
            *inner.counters.token_requests.entry(name.to_owned()).or_default() += 1;
        }
        inner.records.push_back(record.clone());
        if inner.records.len() > KEPT {
            inner.records.pop_front();
        }
    }

    pub fn finish(&self, number: u64, status: Option<u16>, outcome: Option<&'static str>) {
        let mut inner = self.lock();
        match outcome {
            Some("rotated") => inner.counters.rotations += 1,
            Some("reused") => inner.counters.reuses += 1,
            Some("grace") => inner.counters.grace_answers += 1,
            _ => {}
        }
        if let Some(record) = inner.records.iter_mut().rev().find(|record| record.number == number) {
            record.status = status;
            record.outcome = if status.is_none() { outcome.or(Some("dropped")) } else { outcome };
        }
    }

    pub fn after(&self, number: u64) -> Vec<RequestRecord> {
        self.lock().records.iter().filter(|record| record.number > number).cloned().collect()
    }

    pub fn counters(&self) -> Counters {
        self.lock().counters.clone()
    }

    /// Forgets records and counters; numbers go on rising.
    pub fn clear(&self) {
        let mut inner = self.lock();
        inner.records.clear();
        inner.counters = Counters::default();
    }
}

fn is_secret(name: &str) -> bool {
    matches!(name, "authorization" | "proxy-authorization" | "cookie")
        || ["key", "token", "secret", "signature", "csrf"].iter().any(|part| name.contains(part))
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;
    use keybearer_core::SeededEntropy;

    #[test]
    fn secrets_are_shortened_and_equal_secrets_look_equal() {
        let recorder = Recorder::new(&SeededEntropy::new(1)).unwrap();
        let mut headers = HeaderMap::new();
        headers.insert("authorization", HeaderValue::from_static("Bearer cnry_token"));
        headers.insert("accept", HeaderValue::from_static("application/json"));
        let shown = recorder.headers(&headers);
        assert!(!format!("{shown:?}").contains("cnry"));
        assert_eq!(shown[0].1, format!("Bearer {}", recorder.digest("cnry_token")));
        assert_eq!(shown[1].1, "application/json");
        let fields = recorder.fields(&Params::parse(b"grant_type=refresh_token&refresh_token=cnry_token"));
        assert_eq!(fields["grant_type"], "refresh_token");
        assert_eq!(fields["refresh_token"], recorder.digest("cnry_token"));
    }
}
