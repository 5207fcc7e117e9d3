//! Does the public URL lead back to this server? The server asks itself through it, with a word that only this
//! installation can have signed and only this installation can answer.
//!
//! Another server on that address, a redirect, a proxy that changes the host name: each is told apart, for each has
//! another remedy.

mod words;

use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response, StatusCode, header};
use keybearer_core::{Error, Result, Timestamp, random_token};
use keybearer_egress::{AllowRule, Cause, Egress, EgressError, Limits, Policy, Root};
use serde::{Deserialize, Serialize};
use tokio::sync::Mutex;
use tokio::time::Instant;
use url::{Host, Url};

use crate::access::{Caller, Permission};
use crate::sessions::{is_signed, sign};
use crate::state::App;

pub use words::Said;

/// How long an answer is good for.
const KEPT: Duration = Duration::from_secs(60);
/// How long one that somebody asks for again is good for.
const JUST_ASKED: Duration = Duration::from_secs(3);
/// How long the way there and back may take.
const PATIENCE: Duration = Duration::from_secs(5);
/// The largest answer that is read.
const LARGEST: u64 = 16 << 10;
/// What the keys are for.
const ASK: &str = "reach_ask";
const ANSWER: &str = "reach_answer";
/// Length of the part of a question that is random.
const NONCE: usize = 26;

/// What became of asking ourselves through the public URL.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reach {
    /// The public URL.
    pub url: Url,
    /// When it was asked.
    pub at: Timestamp,
    /// Who answered.
    pub outcome: Outcome,
}

/// Who answered at the public URL, if anybody did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// This server, or another node of the same installation.
    Itself {
        /// How long it took.
        ms: u64,
        /// How the request looked when it arrived.
        seen: Seen,
    },
    /// Somebody else.
    Other {
        /// The HTTP status.
        status: u16,
        /// What it calls itself; empty when it does not say.
        server: String,
    },
    /// The address sends on to another one.
    Redirect {
        /// Where to, without path.
        to: String,
    },
    /// The host name has no address.
    NoName,
    /// Nobody listens, or something on the way refuses.
    Refused,
    /// The certificate is wrong, or what listens does not speak TLS.
    Tls(String),
    /// Nothing came back in time.
    Silent,
    /// What came back is no HTTP answer.
    Broken,
    /// It cannot be a public URL at all.
    Shape(&'static str),
    /// The question could not be asked.
    Unasked(String),
}

/// How a request looked when it arrived here.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Seen {
    /// The host that the request named.
    #[serde(default)]
    pub host: String,
    /// `X-Forwarded-Host`, if something in front wrote one.
    #[serde(default)]
    pub forwarded_host: String,
    /// `X-Forwarded-Proto`, if something in front wrote one.
    #[serde(default)]
    pub forwarded_proto: String,
}

/// What this server answers to a question of its own installation.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Proof {
    proof: String,
    #[serde(flatten)]
    seen: Seen,
}

/// The last answer. Whoever asks meanwhile waits for the one that is under way.
#[derive(Debug, Default)]
pub(crate) struct Memory(Mutex<Option<Reach>>);

impl Reach {
    /// Whether people who come back from a provider arrive here.
    pub fn is_good(&self) -> bool {
        self.said().ok
    }
}

/// Whether the public URL leads back here; asked at most once a minute.
///
/// # Errors
/// [`keybearer_core::Code::PermissionDenied`].
pub async fn check(app: &App, caller: &Caller) -> Result<Reach> {
    caller.require(Permission::ConnectorsRead)?;
    Ok(known(app, KEPT).await)
}

/// Asks again, because somebody changed something.
///
/// # Errors
/// [`keybearer_core::Code::PermissionDenied`].
pub async fn check_again(app: &App, caller: &Caller) -> Result<Reach> {
    caller.require(Permission::ConnectorsRead)?;
    Ok(known(app, JUST_ASKED).await)
}

/// The same for the page on which the first owner is made, who has no role yet. It says what anybody can find out who
/// asks the address.
pub async fn at_setup(app: &App) -> Reach {
    known(app, KEPT).await
}

/// The answer to a question that came to this server; `None` for one that this installation did not ask.
///
/// # Errors
/// [`keybearer_core::Code::DatabaseUnavailable`].
pub async fn answer(app: &App, question: &str, seen: Seen) -> Result<Option<Proof>> {
    let Some((nonce, tag)) = question.split_at_checked(NONCE) else { return Ok(None) };
    if !is_signed(app, ASK, &[nonce], tag).await? {
        return Ok(None);
    }
    let seen = Seen {
        host: clipped(&seen.host),
        forwarded_host: clipped(&seen.forwarded_host),
        forwarded_proto: clipped(&seen.forwarded_proto),
    };
    let proof = sign(app, ANSWER, &parts(nonce, &seen)).await?;
    Ok(Some(Proof { proof, seen }))
}

/// A client that may contact this very host and port, wherever it is, and otherwise what everybody may.
///
/// # Errors
/// [`keybearer_core::Code::ConfigInvalid`] for an address or certificate that cannot be used.
pub(crate) fn own_client(url: &Url, extra_roots: Vec<Root>) -> Result<Egress> {
    let place = url.host_str().zip(url.port_or_known_default()).map(|(host, port)| format!("{host}:{port}"));
    let allow = place.map(|place| place.parse::<AllowRule>()).transpose()?;
    Ok(Egress::new(Policy { allow: allow.into_iter().collect(), extra_roots, connect_timeout: PATIENCE })?)
}

/// For the system check.
pub(crate) async fn asked_again(app: &App) -> Reach {
    known(app, JUST_ASKED).await
}

async fn known(app: &App, kept: Duration) -> Reach {
    let mut memory = app.reach_memory().0.lock().await;
    match &*memory {
        Some(reach) if app.now().since(reach.at) < kept => reach.clone(),
        _ => memory.insert(ask(app).await).clone(),
    }
}

async fn ask(app: &App) -> Reach {
    let url = app.config().public_url.clone();
    let outcome = match shape(&url) {
        Some(wrong) => Outcome::Shape(wrong),
        None => question(app, &url).await.unwrap_or_else(|error| Outcome::Unasked(error.detail.to_string())),
    };
    Reach { url, at: app.now(), outcome }
}

/// What an address cannot have that providers send people back to.
fn shape(url: &Url) -> Option<&'static str> {
    let local = match url.host() {
        Some(Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => return Some("it has no host"),
    };
    if url.path() != "/" {
        return Some("it has a path, or a `/` too many at its end");
    }
    if url.query().is_some() || url.fragment().is_some() || !url.username().is_empty() {
        return Some("it has more than scheme, host and port");
    }
    (url.scheme() != "https" && !local).then_some("it must be https: plain http is for this machine only")
}

async fn question(app: &App, url: &Url) -> Result<Outcome> {
    let nonce = random_token(app.entropy(), 16)?;
    let tag = sign(app, ASK, &[&nonce]).await?;
    let request = Request::get(format!("{}/health/{nonce}{tag}", app.issuer()))
        .header(header::ACCEPT, "application/json")
        .header(header::USER_AGENT, "keybearer")
        .body(Bytes::new())
        .map_err(|_| Error::internal("the question to ourselves cannot be built"))?;
    let begun = Instant::now();
    let limits = Limits { timeout: PATIENCE, max_body: LARGEST };
    match app.own_client().send(request, limits).await {
        Ok(response) => {
            let ms = u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX);
            judge(app, &nonce, &response, url, ms).await
        }
        Err(error) => Ok(failed(&error)),
    }
}

async fn judge(app: &App, nonce: &str, response: &Response<Bytes>, url: &Url, ms: u64) -> Result<Outcome> {
    let text = |name: header::HeaderName| response.headers().get(name).and_then(|value| value.to_str().ok());
    if response.status().is_redirection()
        && let Some(to) = text(header::LOCATION).and_then(|to| url.join(to).ok())
    {
        return Ok(Outcome::Redirect { to: clipped(&to.origin().ascii_serialization()) });
    }
    if response.status() == StatusCode::OK
        && let Ok(Proof { proof, seen }) = serde_json::from_slice::<Proof>(response.body())
        && is_signed(app, ANSWER, &parts(nonce, &seen), &proof).await?
    {
        return Ok(Outcome::Itself { ms, seen });
    }
    let server = text(header::SERVER).map(clipped).unwrap_or_default();
    Ok(Outcome::Other { status: response.status().as_u16(), server })
}

fn failed(error: &EgressError) -> Outcome {
    match error {
        EgressError::Refused { reason, .. } => Outcome::Unasked(format!("the address filter says: {reason}")),
        EgressError::TooLarge { .. } => Outcome::Other { status: 200, server: String::new() },
        EgressError::NotSent { cause, detail, .. } | EgressError::Uncertain { cause, detail, .. } => {
            match cause {
                Cause::Dns => Outcome::NoName,
                Cause::Connect => Outcome::Refused,
                Cause::Tls => Outcome::Tls(clipped(detail)),
                Cause::Timeout => Outcome::Silent,
                Cause::Closed | Cause::Protocol => Outcome::Broken,
            }
        }
    }
}

fn parts<'a>(nonce: &'a str, seen: &'a Seen) -> [&'a str; 4] {
    [nonce, &seen.host, &seen.forwarded_host, &seen.forwarded_proto]
}

/// What somebody else wrote, short and printable.
fn clipped(text: &str) -> String {
    text.chars().filter(|letter| matches!(letter, ' '..='~')).take(100).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wrong(url: &str) -> Option<&'static str> {
        shape(&url.parse().unwrap())
    }

    #[test]
    fn a_public_url_is_scheme_host_and_port() {
        for good in ["https://auth.fieldnote.example", "http://localhost:4300", "http://[::1]:4300"] {
            assert_eq!(wrong(good), None, "{good}");
        }
        for bad in [
            "https://fieldnote.example/auth",
            "https://fieldnote.example//",
            "https://fieldnote.example/?a=b",
            "https://me@fieldnote.example",
            "http://auth.fieldnote.example",
            "http://10.0.0.7:4300",
        ] {
            assert!(wrong(bad).is_some(), "{bad}");
        }
    }

    #[test]
    fn what_strangers_write_is_short_and_printable() {
        assert_eq!(clipped("ng\u{1b}[31minx\u{0}é"), "ng[31minx");
        assert_eq!(clipped(&"x".repeat(500)).len(), 100);
    }
}
