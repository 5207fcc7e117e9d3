//! Token revocation ([RFC 7009](https://www.rfc-editor.org/rfc/rfc7009)).

use std::time::Duration;

use keybearer_core::SecretString;
use url::Url;

use crate::client_auth::{ClientAuth, ClientAuthError, ClientCredentials};
use crate::error_code::ErrorCode;
use crate::failure::{Answer, Failure, GrantKind, classify};
use crate::request::Call;

/// Which of an account's tokens is revoked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TokenKind {
    /// The access token.
    AccessToken,
    /// The refresh token; most servers drop the access tokens with it (§2.1).
    RefreshToken,
}

impl TokenKind {
    /// The value of `token_type_hint`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::AccessToken => "access_token",
            Self::RefreshToken => "refresh_token",
        }
    }
}

/// How a revocation ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Revocation {
    /// The token is void now, or was already (§2.2: an unknown token also answers 200).
    Revoked,
    /// The server does not revoke this kind of token, or has no such endpoint.
    Unsupported,
    /// The client was not accepted; the token may live on.
    ClientRejected,
    /// Try again later.
    Later {
        /// How long to wait, if the server says so.
        retry_after: Option<Duration>,
    },
    /// Refused; the token may live on.
    Failed {
        /// The status.
        status: u16,
        /// The code, from the closed list.
        error: ErrorCode,
    },
}

/// The revocation request of RFC 7009 §2.1.
///
/// # Errors
/// Those of [`ClientAuth::apply`].
pub fn request(
    url: Url,
    token: &SecretString,
    kind: TokenKind,
    auth: ClientAuth,
    client: ClientCredentials<'_>,
) -> Result<Call, ClientAuthError> {
    let mut call = Call::post(url);
    call.params.push("token", token.clone());
    call.params.push("token_type_hint", kind.as_str());
    auth.apply(client, &mut call)?;
    Ok(call)
}

/// Reads the answer. A 400 that says that the token is invalid counts as revoked: there is nothing left to revoke.
pub fn read(answer: &Answer<'_>) -> Revocation {
    if (200..300).contains(&answer.status) {
        return Revocation::Revoked;
    }
    if matches!(answer.status, 404 | 405 | 501) {
        return Revocation::Unsupported;
    }
    match classify(answer, GrantKind::RefreshToken, &[]) {
        Failure::InvalidGrant => Revocation::Revoked,
        Failure::ClientRejected { .. } => Revocation::ClientRejected,
        Failure::RateLimited { retry_after } | Failure::Unavailable { retry_after } => {
            Revocation::Later { retry_after }
        }
        Failure::NotSent | Failure::Uncertain { .. } => Revocation::Later { retry_after: None },
        Failure::ConnectorFault { error: ErrorCode::UnsupportedTokenType, .. } => Revocation::Unsupported,
        Failure::ConnectorFault { status: 400, error: ErrorCode::InvalidToken, .. } => Revocation::Revoked,
        Failure::ConnectorFault { status, error, .. } => Revocation::Failed { status, error },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::{HeaderMap, HeaderValue};
    use keybearer_core::Timestamp;

    fn outcome(status: u16, body: &str, headers: &HeaderMap) -> Revocation {
        read(&Answer { status, headers, body: body.as_bytes(), now: Timestamp::default() })
    }

    #[test]
    fn the_request_is_the_one_of_the_rfc() {
        let secret = SecretString::from("s");
        let client = ClientCredentials { id: "id", secret: Some(&secret), assertion: None };
        let url = "https://as.example/revoke".parse().unwrap();
        let call =
            request(url, &"45ghiukldjahdnhzdauz".into(), TokenKind::RefreshToken, ClientAuth::Basic, client);
        let call = call.unwrap();
        assert_eq!(
            call.params.to_form().expose(),
            "token=45ghiukldjahdnhzdauz&token_type_hint=refresh_token"
        );
        assert!(call.headers.contains("Authorization"));
    }

    #[test]
    fn answers_are_told_apart() {
        let none = HeaderMap::new();
        let mut wait = HeaderMap::new();
        wait.insert("retry-after", HeaderValue::from_static("7"));
        assert_eq!(outcome(200, "", &none), Revocation::Revoked);
        assert_eq!(outcome(204, "junk", &none), Revocation::Revoked);
        assert_eq!(outcome(400, r#"{"error":"invalid_token"}"#, &none), Revocation::Revoked);
        assert_eq!(outcome(400, r#"{"error":"unsupported_token_type"}"#, &none), Revocation::Unsupported);
        assert_eq!(outcome(404, "<html>", &none), Revocation::Unsupported);
        assert_eq!(outcome(401, r#"{"error":"invalid_client"}"#, &none), Revocation::ClientRejected);
        let later = Revocation::Later { retry_after: Some(Duration::from_secs(7)) };
        assert_eq!(outcome(503, "", &wait), later);
        assert_eq!(outcome(502, "", &none), Revocation::Later { retry_after: None });
        let failed = Revocation::Failed { status: 403, error: ErrorCode::ProviderError };
        assert_eq!(outcome(403, "cnry", &none), failed);
    }
}
