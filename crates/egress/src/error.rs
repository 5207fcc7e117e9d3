use std::error::Error as StdError;
use std::fmt;

use keybearer_core::{Code, Error};

/// Why a request has no usable answer. Never holds a path, a query, a header or a body.
#[derive(Clone, Debug, thiserror::Error)]
pub enum EgressError {
    /// The address or scheme is not allowed; nothing left this machine but perhaps a name look-up.
    #[error("{host} may not be contacted: {reason}")]
    Refused {
        /// The host of the request.
        host: String,
        /// The rule it broke.
        reason: &'static str,
    },
    /// The request never left: the provider cannot have seen it and it may be sent again.
    #[error("{host} was not reached ({cause}): {detail}")]
    NotSent {
        /// The host of the request.
        host: String,
        /// What failed.
        cause: Cause,
        /// What the layer below said.
        detail: String,
    },
    /// The request may have left: the provider may have acted on it, and the answer is lost.
    #[error("{host} may have received the request, and the answer is lost ({cause}): {detail}")]
    Uncertain {
        /// The host of the request.
        host: String,
        /// What failed.
        cause: Cause,
        /// What the layer below said.
        detail: String,
    },
    /// The answer's body is larger than asked for; the provider did act on the request.
    #[error("the answer of {host} is larger than {limit} bytes")]
    TooLarge {
        /// The host of the request.
        host: String,
        /// The limit it broke.
        limit: u64,
    },
}

/// At which step a request failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cause {
    /// The name does not resolve.
    Dns,
    /// No TCP connection.
    Connect,
    /// The TLS handshake failed; the certificate may be wrong.
    Tls,
    /// The time was up.
    Timeout,
    /// The connection ended early.
    Closed,
    /// What came back is not HTTP, or the request cannot be written as HTTP.
    Protocol,
}

/// Why a policy is not usable.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PolicyError {
    /// An entry of the allow list is none of the forms.
    #[error("allow rule `{0}` must be a host, an address or a network, each with an optional port")]
    Rule(String),
    /// A further root certificate cannot be used.
    #[error("root certificate {position} cannot be used: {detail}")]
    Root {
        /// Its place in the list, from 1.
        position: usize,
        /// What is wrong with it.
        detail: String,
    },
    /// TLS cannot be set up.
    #[error("TLS cannot be set up: {0}")]
    Tls(String),
}

impl EgressError {
    /// The host of the request.
    pub fn host(&self) -> &str {
        match self {
            Self::Refused { host, .. }
            | Self::NotSent { host, .. }
            | Self::Uncertain { host, .. }
            | Self::TooLarge { host, .. } => host,
        }
    }

    /// At which step it failed; `None` for what is refused or too large.
    pub fn cause(&self) -> Option<Cause> {
        match self {
            Self::NotSent { cause, .. } | Self::Uncertain { cause, .. } => Some(*cause),
            Self::Refused { .. } | Self::TooLarge { .. } => None,
        }
    }

    /// Whether the provider cannot have seen the request.
    pub fn never_left(&self) -> bool {
        matches!(self, Self::Refused { .. } | Self::NotSent { .. })
    }

    /// Finds the failure that a body of [`crate::BodyStream`] ended with.
    pub fn find<'a>(error: &'a (dyn StdError + 'static)) -> Option<&'a Self> {
        chain(error).find_map(|link| link.downcast_ref::<Self>())
    }

    pub(crate) fn refused(host: impl Into<String>, reason: &'static str) -> Self {
        Self::Refused { host: host.into(), reason }
    }

    pub(crate) fn not_sent(host: impl Into<String>, cause: Cause, detail: impl Into<String>) -> Self {
        Self::NotSent { host: host.into(), cause, detail: detail.into() }
    }

    pub(crate) fn uncertain(host: impl Into<String>, cause: Cause, detail: impl Into<String>) -> Self {
        Self::Uncertain { host: host.into(), cause, detail: detail.into() }
    }
}

impl fmt::Display for Cause {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Dns => "name look-up",
            Self::Connect => "connect",
            Self::Tls => "TLS",
            Self::Timeout => "timeout",
            Self::Closed => "connection closed",
            Self::Protocol => "protocol",
        })
    }
}

impl From<EgressError> for Error {
    fn from(error: EgressError) -> Self {
        let code = match &error {
            EgressError::Refused { .. } => Code::EgressRefused,
            EgressError::NotSent { .. } | EgressError::Uncertain { .. } => Code::ProviderUnavailable,
            EgressError::TooLarge { .. } => Code::ProviderRejected,
        };
        let mut converted = Self::new(code, error.to_string());
        if code == Code::EgressRefused {
            converted.help = Some("if the address is meant, add it to egress.allow".into());
        }
        converted.source = Some(Box::new(error));
        converted
    }
}

impl From<PolicyError> for Error {
    fn from(error: PolicyError) -> Self {
        let mut converted = Self::new(Code::ConfigInvalid, error.to_string());
        converted.source = Some(Box::new(error));
        converted
    }
}

/// An error and everything beneath it.
pub(crate) fn chain<'a>(
    error: &'a (dyn StdError + 'static),
) -> impl Iterator<Item = &'a (dyn StdError + 'static)> {
    std::iter::successors(Some(error), |&link| link.source())
}

/// What an error and everything beneath it say, in one line.
pub(crate) fn describe(error: &(dyn StdError + 'static)) -> String {
    chain(error).map(ToString::to_string).collect::<Vec<_>>().join(": ")
}
