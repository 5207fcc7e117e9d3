//! Reading what an authorization server says about itself, for a definition.

use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response, StatusCode, header};
use keybearer_core::{Error, Result};
use keybearer_egress::{Cause, EgressError, Limits};
use keybearer_oauth::metadata::{self, MetadataError, ServerMetadata};
use tokio::time::{Instant, timeout_at};
use url::Url;

use crate::access::{Caller, Permission};
use crate::state::App;

/// How long all of it may take.
const PATIENCE: Duration = Duration::from_secs(10);
/// The largest document that is read.
const LARGEST: u64 = 256 << 10;
/// More scopes than a form shows are not taken over.
const MOST_SCOPES: usize = 60;
const OPENID: &str = "/.well-known/openid-configuration";
const OAUTH: &str = "/.well-known/oauth-authorization-server";

/// What a server says about itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Discovered {
    /// The document that was read.
    pub url: String,
    /// Where users consent.
    pub authorize: Option<String>,
    /// Where codes are exchanged.
    pub exchange: Option<String>,
    /// Who the account holder is.
    pub person: Option<String>,
    /// Where access is given back.
    pub revoke: Option<String>,
    /// The scopes it lists.
    pub scopes: Vec<String>,
    /// How many it lists beyond those.
    pub more_scopes: usize,
    /// Whether it takes the S256 proof key; `None` when it does not say.
    pub proof: Option<bool>,
    /// Whether the client proves itself with HTTP Basic only.
    pub basic_only: bool,
}

/// Reads the metadata of an issuer, or the document whose address is given. It is asked through the address filter, and
/// nothing but the document is asked for.
///
/// # Errors
/// [`keybearer_core::Code::PermissionDenied`]; `InvalidArgument` at `discovery` with what happened, in words.
pub async fn discover(app: &App, caller: &Caller, text: &str) -> Result<Discovered> {
    caller.require(Permission::ConnectorsWrite)?;
    let places = places(text)?;
    let deadline = Instant::now() + PATIENCE;
    let mut first = None;
    for (url, issuer) in places {
        match timeout_at(deadline, look(app, &url, &issuer)).await {
            Ok(Ok(found)) => return Ok(discovered(&url, found)),
            Ok(Err(Missed::Here(says))) => drop(first.get_or_insert(says)),
            Ok(Err(Missed::Everywhere(says))) => return Err(wrong(says)),
            Err(_) => return Err(wrong("no answer in 10 seconds".to_owned())),
        }
    }
    Err(wrong(first.unwrap_or_else(|| "there is no document".to_owned())))
}

fn wrong(says: String) -> Error {
    Error::field("discovery", says)
}

/// Why a place had nothing.
enum Missed {
    /// The next one may.
    Here(String),
    /// Nor will the others.
    Everywhere(String),
}

/// Where to look, with the issuer that each document must name.
fn places(text: &str) -> Result<Vec<(Url, String)>> {
    let text = text.trim();
    let text = if text.contains("://") { text.to_owned() } else { format!("https://{text}") };
    let url = Url::parse(&text).ok().filter(Url::has_host);
    let Some(url) = url.filter(|url| matches!(url.scheme(), "https" | "http")) else {
        return Err(wrong("this is no web address".to_owned()));
    };
    if !url.username().is_empty() || url.password().is_some() {
        return Err(wrong("the address must not hold a user name or password".to_owned()));
    }
    let path = url.path().to_owned();
    let issuer = |rest: &str| {
        let mut issuer = url.clone();
        issuer.set_path(rest);
        issuer.set_query(None);
        issuer.set_fragment(None);
        if rest.is_empty() { issuer.as_str().trim_end_matches('/').to_owned() } else { issuer.to_string() }
    };
    if let Some(before) = path.strip_suffix(OPENID) {
        return Ok(vec![(url.clone(), issuer(before))]);
    }
    for known in [OPENID, OAUTH] {
        if let Some(behind) = path.strip_prefix(known) {
            return Ok(vec![(url.clone(), issuer(behind))]);
        }
    }
    let named = issuer(path.trim_end_matches('/'));
    Ok(metadata::candidates(&url).into_iter().map(|place| (place, named.clone())).collect())
}

async fn look(app: &App, url: &Url, issuer: &str) -> Result<ServerMetadata, Missed> {
    let request = Request::get(url.as_str())
        .header(header::ACCEPT, "application/json")
        .header(header::USER_AGENT, "keybearer")
        .body(Bytes::new())
        .map_err(|_| Missed::Everywhere("the address cannot be asked".to_owned()))?;
    let limits = Limits { timeout: PATIENCE, max_body: LARGEST };
    let answer = app.egress().send(request, limits).await.map_err(|error| failed(&error))?;
    read(url, issuer, &answer)
}

fn read(url: &Url, issuer: &str, answer: &Response<Bytes>) -> Result<ServerMetadata, Missed> {
    let path = url.path();
    if answer.status().is_redirection() {
        let to = answer.headers().get(header::LOCATION).and_then(|to| to.to_str().ok());
        let to = to.and_then(|to| url.join(to).ok()).map(|to| to.origin().ascii_serialization());
        let to = to.map(|to| format!(" to {}", clipped(&to))).unwrap_or_default();
        return Err(Missed::Here(format!("{path} sends on{to}, which is not followed: give that address")));
    }
    if answer.status() != StatusCode::OK {
        return Err(Missed::Here(format!("{path} answered {}", answer.status().as_u16())));
    }
    let expected = [issuer, &format!("{issuer}/")];
    metadata::parse(answer.body(), issuer, &expected).map_err(|error| match error {
        MetadataError::Malformed => Missed::Here(format!("{path} is no metadata document")),
        MetadataError::NoIssuer => Missed::Here(format!("{path} does not name its issuer")),
        MetadataError::IssuerMismatch => {
            let named = serde_json::from_slice::<serde_json::Value>(answer.body()).ok();
            let named = named.as_ref().and_then(|all| all.get("issuer")).and_then(|one| one.as_str());
            let named = clipped(named.unwrap_or_default());
            Missed::Here(format!(
                "the document says that it belongs to {named}, not to {issuer}: give that address"
            ))
        }
        MetadataError::Endpoint(name) => {
            Missed::Everywhere(format!("the document's {name} is no https address"))
        }
    })
}

fn failed(error: &EgressError) -> Missed {
    let host = error.host();
    Missed::Everywhere(match error {
        EgressError::Refused { reason, .. } => format!("{host} may not be contacted: {reason}"),
        EgressError::TooLarge { .. } => {
            return Missed::Here("the answer is too large to be metadata".to_owned());
        }
        EgressError::NotSent { cause, .. } | EgressError::Uncertain { cause, .. } => match cause {
            Cause::Dns => format!("there is no host {host}"),
            Cause::Connect => format!("{host} cannot be reached"),
            Cause::Tls => format!("the certificate of {host} is not accepted"),
            Cause::Timeout => format!("{host} did not answer in time"),
            Cause::Closed | Cause::Protocol => format!("{host} does not answer as a web server does"),
        },
    })
}

fn discovered(url: &Url, found: ServerMetadata) -> Discovered {
    let text = |url: Option<&Url>| url.map(Url::to_string);
    let methods = found.token_endpoint_auth_methods_supported.clone();
    let says = |word: &str| methods.as_ref().is_some_and(|all| all.iter().any(|one| one == word));
    let plain = |scope: &&String| {
        !scope.is_empty() && scope.len() <= 200 && scope.bytes().all(|b| b.is_ascii_graphic())
    };
    let more_scopes = found.scopes_supported.len().saturating_sub(MOST_SCOPES);
    Discovered {
        url: url.to_string(),
        authorize: text(found.authorization_endpoint.as_ref()),
        exchange: text(found.token_endpoint.as_ref()),
        person: text(found.userinfo_endpoint.as_ref()),
        revoke: text(found.revocation_endpoint.as_ref()),
        scopes: found.scopes_supported.iter().filter(plain).take(MOST_SCOPES).cloned().collect(),
        more_scopes,
        proof: found.code_challenge_methods_supported.as_ref().map(|_| found.supports_s256()),
        basic_only: says("client_secret_basic") && !says("client_secret_post"),
    }
}

/// What somebody else wrote, short and printable.
fn clipped(text: &str) -> String {
    text.chars().filter(|letter| matches!(letter, '!'..='~')).take(120).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(text: &str) -> Vec<(String, String)> {
        places(text).unwrap().into_iter().map(|(url, issuer)| (url.to_string(), issuer)).collect()
    }

    #[test]
    fn an_issuer_a_host_and_a_document_are_understood() {
        let (first, issuer) = asked("accounts.example.com").remove(0);
        assert_eq!(first, format!("https://accounts.example.com{OAUTH}"));
        assert_eq!(issuer, "https://accounts.example.com");
        let document = format!("https://id.example/realms/a{OPENID}");
        assert_eq!(asked(&document), [(document, "https://id.example/realms/a".to_owned())]);
        let inserted = format!("https://id.example{OAUTH}/tenant");
        assert_eq!(asked(&inserted), [(inserted, "https://id.example/tenant".to_owned())]);
        assert!(asked("https://id.example/realms/a/").len() == 5);
    }

    #[test]
    fn other_texts_are_refused_before_anybody_is_asked() {
        for bad in ["", "ftp://a.example", "javascript:alert(1)", "https://me:pw@a.example", "http://", "a b"]
        {
            assert!(places(bad).is_err(), "{bad}");
        }
    }
}
