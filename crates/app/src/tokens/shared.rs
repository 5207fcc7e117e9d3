//! The result of a refresh as all its waiters get it.

use std::borrow::Cow;

use keybearer_core::{Code, Error};

/// A failure that many callers receive.
#[derive(Clone, Debug)]
pub(crate) struct SharedError {
    code: Code,
    detail: Cow<'static, str>,
    help: Option<Cow<'static, str>>,
    retry_after_seconds: Option<u32>,
}

/// What a refresh came to: the account can be read again, or why not.
pub(crate) type Outcome = Result<(), SharedError>;

impl SharedError {
    /// The code of the closed table.
    pub fn code(&self) -> Code {
        self.code
    }

    /// Whether a token that is still valid may be used in spite of the failure.
    pub fn is_passing(&self) -> bool {
        !matches!(
            self.code,
            Code::AccountNeedsSignIn
                | Code::AccountNotConnected
                | Code::PendingVerification
                | Code::AccountNotFound
        )
    }
}

impl From<Error> for SharedError {
    fn from(error: Error) -> Self {
        Self {
            code: error.code,
            detail: error.detail,
            help: error.help,
            retry_after_seconds: error.retry_after_seconds,
        }
    }
}

impl From<SharedError> for Error {
    fn from(shared: SharedError) -> Self {
        let mut error = Self::new(shared.code, shared.detail);
        error.help = shared.help;
        error.retry_after_seconds = shared.retry_after_seconds;
        error
    }
}
