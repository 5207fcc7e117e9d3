use std::borrow::Cow;
use std::fmt;

/// Result with [`Error`].
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Whose fault a failure is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The caller sent something we cannot accept.
    Caller,
    /// The provider refused or is away.
    Provider,
    /// The developer's settings (credentials, connection) are wrong.
    Developer,
    /// Ours.
    Server,
}

macro_rules! codes {
    ($($(#[$doc:meta])* $name:ident = $text:literal, $grpc:literal, $http:literal, $fault:ident, $retry:literal, $what:literal;)*) => {
        /// The closed table of failures. Each code has one name, one gRPC number, one HTTP status.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum Code { $($(#[$doc])* $name,)* }

        impl Code {
            /// Every code.
            pub const ALL: &'static [Self] = &[$(Self::$name,)*];

            /// The stable name, for example `account_not_found`.
            pub const fn as_str(self) -> &'static str { match self { $(Self::$name => $text,)* } }

            /// The gRPC status number.
            pub const fn grpc(self) -> i32 { match self { $(Self::$name => $grpc,)* } }

            /// The HTTP status.
            pub const fn http(self) -> u16 { match self { $(Self::$name => $http,)* } }

            /// Whose fault it is.
            pub const fn fault(self) -> Fault { match self { $(Self::$name => Fault::$fault,)* } }

            /// Whether the same call may succeed later without a change.
            pub const fn retryable(self) -> bool { match self { $(Self::$name => $retry,)* } }

            /// What happened, as a title for pages and the CLI.
            pub const fn title(self) -> &'static str { match self { $(Self::$name => $what,)* } }
        }
    };
}

codes! {
    /// No or wrong access token.
    Unauthenticated = "unauthenticated", 16, 401, Caller, false, "The call has no valid access token.";
    /// The API client lacks a permission.
    PermissionDenied = "permission_denied", 7, 403, Caller, false, "This API client may not do that.";
    /// A field is wrong; see the violations.
    InvalidArgument = "invalid_argument", 3, 400, Caller, false, "A value is not acceptable.";
    /// A scope selection names a scope the connection does not have.
    InvalidScopeSelection = "invalid_scope_selection", 3, 400, Caller, false, "A chosen scope is not offered.";
    /// Nothing of that name or id here.
    NotFound = "not_found", 5, 404, Caller, false, "There is no such thing here.";
    /// No connector of that name.
    ConnectorNotFound = "connector_not_found", 5, 404, Caller, false, "There is no connector of that name.";
    /// No connection of that name or id.
    ConnectionNotFound = "connection_not_found", 5, 404, Caller, false, "There is no connection of that name.";
    /// No account for that lookup.
    AccountNotFound = "account_not_found", 5, 404, Caller, false, "There is no such account.";
    /// No open flow for that link, state or auth request.
    FlowNotFound = "flow_not_found", 5, 404, Caller, false, "Auth request not found or no longer valid.";
    /// It exists already.
    AlreadyExists = "already_exists", 6, 409, Caller, false, "It exists already.";
    /// Another connection of the environment has the name.
    ConnectionNameTaken = "connection_name_taken", 6, 409, Caller, false, "The connection name is taken.";
    /// The operation does not fit the present state.
    FailedPrecondition = "failed_precondition", 9, 400, Caller, false, "That is not possible in the present state.";
    /// The connection is a draft or otherwise incomplete.
    ConnectionIncomplete = "connection_incomplete", 9, 400, Developer, false, "The connection is not set up completely.";
    /// The developer paused the connection.
    ConnectionPaused = "connection_paused", 9, 409, Developer, false, "The connection is paused.";
    /// The account must go through consent again.
    AccountNeedsSignIn = "account_needs_sign_in", 9, 409, Provider, false, "The user must sign in at the provider again.";
    /// The account has no credential yet.
    AccountNotConnected = "account_not_connected", 9, 409, Caller, false, "The user has not connected the account yet.";
    /// Consent is done; the app has not confirmed the person.
    PendingVerification = "pending_verification", 9, 409, Caller, false, "The account waits for your app to confirm the person.";
    /// The verify call named another person.
    IdentifierMismatch = "identifier_mismatch", 7, 403, Caller, false, "The person who consented is not the one the link was made for.";
    /// The account holder differs from the one who connected before.
    IdentityChanged = "identity_changed", 9, 409, Caller, false, "Another account at the provider was used than before.";
    /// The link is past its time.
    LinkExpired = "link_expired", 9, 410, Caller, false, "The connect link has ended.";
    /// The link succeeded before.
    LinkUsed = "link_used", 9, 409, Caller, false, "The connect link was used.";
    /// `state` is missing, unknown or belongs to another browser or connection.
    StateInvalid = "state_invalid", 3, 400, Caller, false, "The answer from the provider does not belong to a flow of this browser.";
    /// The provider said no to the person or the app.
    ConsentDenied = "consent_denied", 7, 403, Provider, false, "The permission was not given at the provider.";
    /// The account was not granted a scope that the call needs.
    ScopeMissing = "scope_missing", 7, 403, Provider, false, "The account did not grant a scope that this needs.";
    /// The credential is of another kind than the connection takes.
    CredentialTypeMismatch = "credential_type_mismatch", 3, 400, Caller, false, "The credential is of another kind than this connection takes.";
    /// The provider does not accept the user's own credential.
    CredentialRejected = "credential_rejected", 3, 400, Provider, false, "The provider did not accept the credential.";
    /// The provider does not accept client id and secret.
    ClientRejected = "client_rejected", 9, 400, Developer, false, "The provider does not accept this client id and secret together.";
    /// The provider answered something that cannot be right.
    ProviderRejected = "provider_rejected", 9, 400, Provider, false, "The provider refused the request.";
    /// The provider is away or too slow.
    ProviderUnavailable = "provider_unavailable", 14, 503, Provider, true, "The provider does not answer.";
    /// The provider asks to slow down.
    ProviderRateLimited = "provider_rate_limited", 8, 429, Provider, true, "The provider asks us to slow down.";
    /// Another worker refreshes this account right now and took longer than we wait.
    RefreshInProgress = "refresh_in_progress", 14, 503, Server, true, "The token is being refreshed right now.";
    /// Our own limit.
    RateLimited = "rate_limited", 8, 429, Caller, true, "Too many calls.";
    /// The address may not be contacted.
    EgressRefused = "egress_refused", 3, 400, Developer, false, "This address may not be contacted.";
    /// A proxied path leaves the connector's base.
    PathRefused = "path_refused", 3, 400, Caller, false, "The path leaves the connector's base address.";
    /// The proxy is switched off for the connection.
    ProxyDisabled = "proxy_disabled", 7, 403, Developer, false, "Proxy not enabled for provider.";
    /// The request body is larger than allowed.
    TooLarge = "too_large", 3, 413, Caller, false, "The request is too large.";
    /// The path exists, but not for this HTTP method.
    MethodNotAllowed = "method_not_allowed", 12, 405, Caller, false, "This address does not take that HTTP method.";
    /// The request body is of a kind that is not read here.
    UnsupportedMediaType = "unsupported_media_type", 3, 415, Caller, false, "The request body is of a kind that is not read here.";
    /// The request did not arrive completely in time.
    RequestTimeout = "request_timeout", 4, 408, Caller, false, "The request did not arrive in time.";
    /// The database cannot take the write now.
    DatabaseUnavailable = "database_unavailable", 14, 503, Server, true, "The database is not available.";
    /// A stored secret does not open.
    IntegrityError = "integrity_error", 13, 500, Server, false, "A stored secret cannot be opened.";
    /// A configuration value is wrong.
    ConfigInvalid = "config_invalid", 9, 400, Developer, false, "The configuration is not usable.";
    /// The server does not offer this.
    Unimplemented = "unimplemented", 12, 501, Server, false, "This server does not offer that.";
    /// The server is going away or held.
    Unavailable = "unavailable", 14, 503, Server, true, "The server cannot take this now.";
    /// A fault of ours.
    Internal = "internal", 13, 500, Server, false, "Keybearer could not finish this.";
}

impl fmt::Display for Code {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

/// A field that cannot be accepted, and what was expected.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FieldViolation {
    /// Path of the field, for example `connection.key_id`.
    pub field: String,
    /// What was expected, lower case, no full stop.
    pub description: String,
}

/// A failure with a code of the closed table and words for the person who meets it.
///
/// `detail` says why; it never holds a secret or a provider's body.
#[derive(Debug)]
pub struct Error {
    /// The code that decides every status.
    pub code: Code,
    /// Why, lower case, no full stop.
    pub detail: Cow<'static, str>,
    /// What to do next, if there is something.
    pub help: Option<Cow<'static, str>>,
    /// The fields that are wrong, for `InvalidArgument`.
    pub violations: Vec<FieldViolation>,
    /// The permission that was missing, by its name on the wire, for `PermissionDenied`.
    pub lacking: Option<&'static str>,
    /// Seconds after which a retry makes sense.
    pub retry_after_seconds: Option<u32>,
    /// What lies beneath; logged once at the edge, never shown.
    pub source: Option<Box<dyn std::error::Error + Send + Sync + 'static>>,
}

impl Error {
    /// A failure of `code` with the reason in words.
    pub fn new(code: Code, detail: impl Into<Cow<'static, str>>) -> Self {
        let detail = detail.into();
        Self {
            code,
            detail,
            help: None,
            violations: Vec::new(),
            lacking: None,
            retry_after_seconds: None,
            source: None,
        }
    }

    /// A fault of ours.
    pub fn internal(detail: impl Into<Cow<'static, str>>) -> Self {
        Self::new(Code::Internal, detail)
    }

    /// One field that cannot be accepted.
    pub fn field(field: impl Into<String>, description: impl Into<String>) -> Self {
        let violation = FieldViolation { field: field.into(), description: description.into() };
        let detail = format!("{} {}", violation.field, violation.description);
        let mut error = Self::new(Code::InvalidArgument, detail);
        error.violations.push(violation);
        error
    }

    /// Several fields that cannot be accepted.
    pub fn fields(violations: Vec<FieldViolation>) -> Self {
        let detail = violations
            .iter()
            .map(|violation| format!("{} {}", violation.field, violation.description))
            .collect::<Vec<_>>()
            .join("; ");
        let mut error = Self::new(Code::InvalidArgument, detail);
        error.violations = violations;
        error
    }

    /// Adds what to do next.
    #[must_use]
    pub fn with_help(mut self, help: impl Into<Cow<'static, str>>) -> Self {
        self.help = Some(help.into());
        self
    }

    /// Adds the permission that was missing.
    #[must_use]
    pub fn with_lacking(mut self, permission: &'static str) -> Self {
        self.lacking = Some(permission);
        self
    }

    /// Adds the seconds after which a retry makes sense.
    #[must_use]
    pub fn with_retry_after(mut self, seconds: u32) -> Self {
        self.retry_after_seconds = Some(seconds);
        self
    }

    /// Adds the error beneath; it is logged, never shown.
    #[must_use]
    pub fn with_source(mut self, source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        self.source = Some(source.into());
        self
    }
}

impl fmt::Display for Error {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}: {}", self.code, self.detail)
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.source.as_deref().map(|source| source as _)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn names_are_unique_and_statuses_are_errors() {
        let names: HashSet<_> = Code::ALL.iter().map(|code| code.as_str()).collect();
        assert_eq!(names.len(), Code::ALL.len());
        assert!(Code::ALL.iter().all(|code| (400..600).contains(&code.http()) && code.grpc() > 0));
    }

    #[test]
    fn field_errors_name_the_field() {
        let error = Error::field("connection.key_id", "must be set");
        assert_eq!(error.to_string(), "invalid_argument: connection.key_id must be set");
        assert_eq!(error.violations.len(), 1);
    }
}
