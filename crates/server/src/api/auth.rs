use std::fmt;
use std::sync::Arc;

use futures_util::future::BoxFuture;
use http::{HeaderMap, header};
use keybearer_core::{Code, Error, Reference, Result, SecretString};

pub use keybearer_app::Caller;

use crate::api::descriptors::{LinkSession, Method};
use crate::api::sessions::LinkSessions;

type Check = dyn Fn(SecretString) -> BoxFuture<'static, Result<Caller>> + Send + Sync;

/// Turns an access token into a [`Caller`]; plugged in by whoever starts the server.
#[derive(Clone)]
pub struct Authenticate {
    check: Arc<Check>,
    sessions: Option<LinkSessions>,
}

impl Authenticate {
    /// From an async function of the token; the caller's reference is set afterwards.
    pub fn new<F, Fut>(check: F) -> Self
    where
        F: Fn(SecretString) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<Caller>> + Send + 'static,
    {
        Self { check: Arc::new(move |token| Box::pin(check(token))), sessions: None }
    }

    /// Admits browsers that opened a connect link, to the methods that say so.
    #[must_use]
    pub fn with_sessions(self, sessions: LinkSessions) -> Self {
        Self { sessions: Some(sessions), ..self }
    }

    /// The caller behind the headers of a call.
    ///
    /// # Errors
    /// [`Code::Unauthenticated`] without a bearer token, and whatever the plugged-in check says.
    pub async fn caller(&self, headers: &HeaderMap, reference: &Reference) -> Result<Caller> {
        let token = bearer(headers)?;
        let caller = (self.check)(token).await?;
        Ok(Caller { reference: reference.clone(), ..caller })
    }

    /// The caller of a method, judged by what the contract says about it.
    ///
    /// A token always goes before cookies: a program that sends both is the program.
    ///
    /// # Errors
    /// Those of [`Self::caller`]; [`Code::PermissionDenied`] without the permission, for a token where only a browser
    /// is admitted, and for a browser that another site sent.
    pub(super) async fn admit(&self, call: &Call<'_>, method: &Method) -> Result<Caller> {
        let has_token = call.headers.contains_key(header::AUTHORIZATION);
        if method.link_session != LinkSession::Never
            && !has_token
            && let Some(sessions) = &self.sessions
            && let Some(caller) = sessions.caller(call).await?
        {
            return Ok(Caller { reference: call.reference.clone(), ..caller });
        }
        let caller = self.caller(call.headers, call.reference).await?;
        if method.link_session == LinkSession::Only {
            return Err(Error::new(
                Code::PermissionDenied,
                "only the browser that opened a connect link may call this",
            )
            .with_help("an API client calls the method of the same purpose that names its account"));
        }
        authorize(&caller, method)?;
        Ok(caller)
    }
}

/// What a call brings besides its message.
#[derive(Clone, Copy, Debug)]
pub(super) struct Call<'a> {
    /// Its headers.
    pub headers: &'a HeaderMap,
    /// Whether it changes nothing: a GET or HEAD of REST.
    pub safe: bool,
    /// Its name.
    pub reference: &'a Reference,
}

impl fmt::Debug for Authenticate {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Authenticate")
    }
}

/// The token of the first `authorization` value.
///
/// The Python SDK sends two: the first is current, the second is the one of its construction and never changes.
fn bearer(headers: &HeaderMap) -> Result<SecretString> {
    let Some(value) = headers.get(header::AUTHORIZATION) else {
        return Err(token_empty());
    };
    let text = value.to_str().map_err(|_| not_bearer())?.trim();
    if text.is_empty() {
        return Err(token_empty());
    }
    let (scheme, token) = text.split_once(' ').unwrap_or((text, ""));
    if !scheme.eq_ignore_ascii_case("bearer") {
        return Err(not_bearer());
    }
    let token = token.trim();
    if token.is_empty() { Err(token_empty()) } else { Ok(SecretString::from(token)) }
}

/// Goes on only when the caller may call the method.
fn authorize(caller: &Caller, method: &Method) -> Result<()> {
    caller.require(method.permission)
}

fn token_empty() -> Error {
    // the wording is the wire's
    Error::new(Code::Unauthenticated, "Token empty")
        .with_help("send the access token of POST /oauth/token as `Authorization: Bearer …`")
}

fn not_bearer() -> Error {
    Error::new(Code::Unauthenticated, "authorization must be a bearer token")
        .with_help("send the access token of POST /oauth/token as `Authorization: Bearer …`")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(values: &[&str]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(header::AUTHORIZATION, value.parse().unwrap());
        }
        headers
    }

    #[test]
    fn the_first_of_two_authorization_values_counts() {
        let token = bearer(&headers(&["Bearer fresh", "Bearer stale"])).unwrap();
        assert_eq!(token.expose(), "fresh");
    }

    #[test]
    fn the_scheme_is_bearer_in_any_case() {
        assert_eq!(bearer(&headers(&["bEARER  t "])).unwrap().expose(), "t");
        for bad in ["Basic dXNlcjpwdw==", "token"] {
            assert_eq!(bearer(&headers(&[bad])).unwrap_err().detail, "authorization must be a bearer token");
        }
    }

    #[test]
    fn nothing_is_called_token_empty() {
        for values in [&[][..], &[""], &["Bearer"], &["Bearer "]] {
            let error = bearer(&headers(values)).unwrap_err();
            assert_eq!((error.code, &*error.detail), (Code::Unauthenticated, "Token empty"), "{values:?}");
        }
    }
}
