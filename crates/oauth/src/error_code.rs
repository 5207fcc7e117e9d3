use std::fmt;

macro_rules! error_codes {
    ($($(#[$doc:meta])* $name:ident = $text:literal),* $(,)?) => {
        /// An error code a provider may answer, from a closed list; everything else is `provider_error`.
        ///
        /// Providers echo tokens and secrets in error texts, so nothing outside this list is ever kept.
        /// Sources: RFC 6749 §4.1.2.1 and §5.2, RFC 6750 §3.1, RFC 7009 §2.2.1, RFC 8628 §3.5, RFC 8707 §2,
        /// RFC 9449 §12.2, OpenID Connect Core §3.1.2.6.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum ErrorCode {
            $($(#[$doc])* $name,)*
            /// A code that is on no list, or none at all.
            ProviderError,
        }

        impl ErrorCode {
            /// The listed codes, without [`ErrorCode::ProviderError`].
            pub const LISTED: &'static [Self] = &[$(Self::$name,)*];

            /// The code as text.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$name => $text,)* Self::ProviderError => "provider_error" }
            }

            /// Reads a code of the list, exactly as written there; `None` for anything else.
            pub fn listed(text: &str) -> Option<Self> {
                match text { $($text => Some(Self::$name),)* _ => None }
            }
        }
    };
}

error_codes! {
    /// The request misses a parameter or holds a wrong one.
    InvalidRequest = "invalid_request",
    /// Client authentication failed.
    InvalidClient = "invalid_client",
    /// The code, refresh token or assertion is not accepted.
    InvalidGrant = "invalid_grant",
    /// The client may not use this grant.
    UnauthorizedClient = "unauthorized_client",
    /// The server does not know this grant.
    UnsupportedGrantType = "unsupported_grant_type",
    /// The scope is unknown or wider than allowed.
    InvalidScope = "invalid_scope",
    /// The person or the server said no.
    AccessDenied = "access_denied",
    /// The server does not know this response type.
    UnsupportedResponseType = "unsupported_response_type",
    /// The server met a fault of its own.
    ServerError = "server_error",
    /// The server is overloaded or under maintenance.
    TemporarilyUnavailable = "temporarily_unavailable",
    /// The access token is expired, revoked or malformed.
    InvalidToken = "invalid_token",
    /// The access token lacks a scope.
    InsufficientScope = "insufficient_scope",
    /// The server does not revoke this kind of token.
    UnsupportedTokenType = "unsupported_token_type",
    /// The device flow waits for the person.
    AuthorizationPending = "authorization_pending",
    /// Asked too often.
    SlowDown = "slow_down",
    /// The device code ended.
    ExpiredToken = "expired_token",
    /// The resource indicator is not accepted.
    InvalidTarget = "invalid_target",
    /// The proof of possession is not accepted.
    InvalidDpopProof = "invalid_dpop_proof",
    /// The proof of possession needs the server's nonce.
    UseDpopNonce = "use_dpop_nonce",
    /// The person must do something at the provider.
    InteractionRequired = "interaction_required",
    /// The person must sign in at the provider.
    LoginRequired = "login_required",
    /// The person must choose an account at the provider.
    AccountSelectionRequired = "account_selection_required",
    /// The person must consent at the provider.
    ConsentRequired = "consent_required",
    /// The redirect URI is not registered.
    InvalidRedirectUri = "invalid_redirect_uri",
    /// A value of the registration is not accepted.
    InvalidClientMetadata = "invalid_client_metadata",
}

impl ErrorCode {
    /// Reads a code; anything that is not on the list becomes [`ErrorCode::ProviderError`].
    pub fn read(text: &str) -> Self {
        Self::listed(text).unwrap_or(Self::ProviderError)
    }
}

impl fmt::Display for ErrorCode {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn listed_codes_read_back_and_others_become_provider_error() {
        for code in ErrorCode::LISTED {
            assert_eq!(ErrorCode::read(code.as_str()), *code);
        }
        for text in ["", "Invalid_Grant", "invalid_grant ", "cnry_token", "provider_error"] {
            assert_eq!(ErrorCode::read(text), ErrorCode::ProviderError);
        }
    }
}
