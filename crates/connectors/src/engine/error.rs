use keybearer_core::Code;

/// Why a request cannot be built. Holds names and hosts, never a secret.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EngineError {
    /// A placeholder has no value.
    #[error("{what} needs a value for {name}")]
    Missing {
        /// What was being built.
        what: &'static str,
        /// The placeholder.
        name: String,
    },
    /// A value would leave its place.
    #[error("the value of {name} {reason}")]
    Value {
        /// The placeholder, header or parameter.
        name: String,
        /// What was expected.
        reason: &'static str,
    },
    /// A value would lead the credential to a host that the connector does not name.
    #[error("{what} would go to {host}, which is not one of the hosts that this connector allows")]
    HostNotPinned {
        /// What was being built.
        what: &'static str,
        /// The host.
        host: String,
    },
    /// An address cannot be used.
    #[error("{what} {reason}")]
    Url {
        /// What was being built.
        what: &'static str,
        /// What is wrong.
        reason: &'static str,
    },
    /// A proxied path leaves the connector's base address.
    #[error("path {0}")]
    Path(&'static str),
    /// The method has no such endpoint or step.
    #[error("this auth method has no {0}")]
    NotOffered(&'static str),
    /// A key or signature cannot be made.
    #[error("{name} {reason}")]
    Key {
        /// The field that holds the key, or what is signed.
        name: String,
        /// What was expected.
        reason: String,
    },
    /// The body cannot take the credential.
    #[error("body {0}")]
    Body(&'static str),
    /// The random source failed.
    #[error("the random source gives no bytes")]
    Entropy,
}

impl EngineError {
    /// The code of the closed table.
    pub const fn code(&self) -> Code {
        match self {
            Self::Missing { .. } | Self::Value { .. } | Self::Key { .. } => Code::ConnectionIncomplete,
            Self::HostNotPinned { .. } => Code::EgressRefused,
            Self::Url { .. } => Code::ConfigInvalid,
            Self::Path(_) => Code::PathRefused,
            Self::NotOffered(_) => Code::FailedPrecondition,
            Self::Body(_) => Code::InvalidArgument,
            Self::Entropy => Code::Internal,
        }
    }
}

impl From<EngineError> for keybearer_core::Error {
    fn from(error: EngineError) -> Self {
        Self::new(error.code(), error.to_string())
    }
}

impl From<keybearer_oauth::RequestError> for EngineError {
    fn from(error: keybearer_oauth::RequestError) -> Self {
        use keybearer_oauth::RequestError;
        match error {
            RequestError::HeaderName => {
                Self::Value { name: "header".to_owned(), reason: "must be a header name" }
            }
            RequestError::HeaderValue { name } => {
                Self::Value { name, reason: "must not hold control characters" }
            }
            RequestError::Url => {
                Self::Url { what: "url", reason: "must be a complete http or https address" }
            }
        }
    }
}
