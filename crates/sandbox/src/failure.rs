//! Failure switches: what the sandbox does wrong on purpose, where, and how often.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use serde::{Serialize, Serializer};

/// The four places where the sandbox can fail, each with its own switch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Stage {
    /// `/authorize`: what the person or the page decides.
    Consent,
    /// `/token` for every grant but `refresh_token`, `/turnstile/token` too.
    Exchange,
    /// `/token` with `grant_type=refresh_token`.
    Refresh,
    /// `/me`, `/api/…`, `/luggage/…`, `/lockers/…`, `/turnstile/passes`.
    Api,
}

impl Stage {
    /// All stages.
    pub const ALL: [Self; 4] = [Self::Consent, Self::Exchange, Self::Refresh, Self::Api];

    /// The word used by the CLI and the control API.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Consent => "consent",
            Self::Exchange => "exchange",
            Self::Refresh => "refresh",
            Self::Api => "api",
        }
    }

    /// Reads the word; `None` for any other.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|stage| stage.as_str() == text)
    }
}

/// One way to fail. The text form is the name in [`Failure::NAMES`], with `:number` where it says so.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Failure {
    /// `invalid_grant`: 400, nothing is revoked.
    InvalidGrant,
    /// `invalid_client`: 401.
    InvalidClient,
    /// `server_error` (500), `500`, `503`: a JSON body with that status.
    ServerError(u16),
    /// `rate_limit:SECONDS`: 429 with `Retry-After`.
    RateLimit(u32),
    /// `slow:MILLISECONDS`: waits (ten minutes at most), then works.
    Slow(u64),
    /// `html`: 502 with an HTML page; the request is not handled.
    Html,
    /// `ok_error`: 200 with an error body; the request is not handled.
    OkError,
    /// `garbage`: 200 with JSON that ends in the middle; the request is not handled.
    Garbage,
    /// `drop_before`: the connection closes and the request is neither handled nor looked at.
    DropBefore,
    /// `drop_after_read`: the whole request is read, nothing is done, the connection closes.
    DropAfterRead,
    /// `lose_answer`: everything is done (the refresh token is rotated), then the connection closes.
    LoseAnswer,
    /// `no_expires_in`: the token answer has no `expires_in`.
    NoExpiresIn,
    /// `text_expires_in`: `expires_in` is text.
    TextExpiresIn,
    /// `no_refresh_token`: the token answer has no refresh token, and none is made.
    NoRefreshToken,
    /// `redirect`: 307 to another place, which must not be followed with a credential.
    Redirect,
    /// `unauthorized`: 401 `invalid_token` (API only).
    Unauthorized,
    /// `insufficient_scope`: 403 (API only).
    InsufficientScope,
    /// `approve`: allowed without a page (consent only).
    Approve,
    /// `deny`: `access_denied` without a page (consent only).
    Deny,
    /// `partial`: allowed without a page, the last scope left out (consent only).
    Partial,
    /// `administrator`: everybody needs an administrator (consent only).
    Administrator,
    /// `temporarily_unavailable`: that error in the answer (consent only).
    TemporarilyUnavailable,
    /// `test_mode`: the application is in test mode and the person is no tester of it (consent only).
    TestMode,
    /// `wrong_tenant`: the application is not known in the person's directory (consent only).
    WrongTenant,
    /// `redirect_mismatch`: another redirect address is registered, as some providers say it (consent only).
    RedirectMismatch,
    /// `invalid_scope`: that error in the answer (consent only).
    InvalidScope,
    /// `wrong_iss`: the answer names another issuer (consent only).
    WrongIssuer,
    /// `no_iss`: the answer names no issuer (consent only).
    NoIssuer,
    /// `wrong_state`: the answer carries another state (consent only).
    WrongState,
    /// `no_state`: the answer carries no state (consent only).
    NoState,
}

impl Failure {
    fn known() -> String {
        let names: Vec<&str> = Self::NAMES.iter().map(|(name, _)| *name).chain(["works"]).collect();
        names.join(", ")
    }

    /// Every name, in the order of the documentation.
    pub const NAMES: [(&'static str, Self); 32] = [
        ("invalid_grant", Self::InvalidGrant),
        ("invalid_client", Self::InvalidClient),
        ("server_error", Self::ServerError(500)),
        ("500", Self::ServerError(500)),
        ("503", Self::ServerError(503)),
        ("rate_limit", Self::RateLimit(30)),
        ("slow", Self::Slow(3_000)),
        ("html", Self::Html),
        ("ok_error", Self::OkError),
        ("garbage", Self::Garbage),
        ("drop_before", Self::DropBefore),
        ("drop_after_read", Self::DropAfterRead),
        ("lose_answer", Self::LoseAnswer),
        ("no_expires_in", Self::NoExpiresIn),
        ("text_expires_in", Self::TextExpiresIn),
        ("no_refresh_token", Self::NoRefreshToken),
        ("redirect", Self::Redirect),
        ("unauthorized", Self::Unauthorized),
        ("insufficient_scope", Self::InsufficientScope),
        ("approve", Self::Approve),
        ("deny", Self::Deny),
        ("partial", Self::Partial),
        ("administrator", Self::Administrator),
        ("temporarily_unavailable", Self::TemporarilyUnavailable),
        ("test_mode", Self::TestMode),
        ("wrong_tenant", Self::WrongTenant),
        ("redirect_mismatch", Self::RedirectMismatch),
        ("invalid_scope", Self::InvalidScope),
        ("wrong_iss", Self::WrongIssuer),
        ("no_iss", Self::NoIssuer),
        ("wrong_state", Self::WrongState),
        ("no_state", Self::NoState),
    ];

    /// Whether this failure makes sense at `stage`.
    pub const fn fits(self, stage: Stage) -> bool {
        match self {
            Self::InvalidGrant
            | Self::InvalidClient
            | Self::NoExpiresIn
            | Self::TextExpiresIn
            | Self::NoRefreshToken => matches!(stage, Stage::Exchange | Stage::Refresh),
            Self::Unauthorized | Self::InsufficientScope => matches!(stage, Stage::Api),
            _ if self.is_decision() || self.changes_answer() => matches!(stage, Stage::Consent),
            _ => true,
        }
    }

    /// Whether this is a decision taken without showing the consent page.
    pub(crate) const fn is_decision(self) -> bool {
        matches!(
            self,
            Self::Approve
                | Self::Deny
                | Self::Partial
                | Self::Administrator
                | Self::TemporarilyUnavailable
                | Self::TestMode
                | Self::WrongTenant
                | Self::RedirectMismatch
                | Self::InvalidScope
        )
    }

    /// Whether this changes the redirect back to the application.
    pub(crate) const fn changes_answer(self) -> bool {
        matches!(self, Self::WrongIssuer | Self::NoIssuer | Self::WrongState | Self::NoState)
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ServerError(status) => write!(formatter, "{status}"),
            Self::RateLimit(seconds) => write!(formatter, "rate_limit:{seconds}"),
            Self::Slow(milliseconds) => write!(formatter, "slow:{milliseconds}"),
            other => {
                let name = Self::NAMES.iter().find(|(_, failure)| failure == other).map(|(name, _)| *name);
                formatter.write_str(name.unwrap_or("unknown"))
            }
        }
    }
}

impl FromStr for Failure {
    type Err = SwitchError;

    fn from_str(text: &str) -> Result<Self, SwitchError> {
        let unknown = || SwitchError::UnknownFailure(text.chars().take(40).collect());
        let (name, number) = text.split_once(':').map_or((text, None), |(name, number)| (name, Some(number)));
        let found = Self::NAMES.iter().find(|(known, _)| *known == name);
        let found = found.map(|(_, failure)| *failure).ok_or_else(unknown)?;
        match (found, number) {
            (failure, None) => Ok(failure),
            (Self::RateLimit(_), Some(number)) => number.parse().map(Self::RateLimit).map_err(|_| unknown()),
            (Self::Slow(_), Some(number)) => {
                let milliseconds = number.parse().ok().filter(|milliseconds| *milliseconds <= 600_000);
                milliseconds.map(Self::Slow).ok_or_else(unknown)
            }
            _ => Err(unknown()),
        }
    }
}

impl Serialize for Failure {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// A switch that is on: the failure and how many requests it still meets (`None`: every one).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Switch {
    /// What happens.
    pub failure: Failure,
    /// For how many more requests; `None` until it is switched off.
    pub left: Option<u32>,
}

impl fmt::Display for Switch {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.left {
            Some(left) => write!(formatter, "{}*{left}", self.failure),
            None => write!(formatter, "{}", self.failure),
        }
    }
}

impl FromStr for Switch {
    type Err = SwitchError;

    /// `invalid_grant` for every request, `invalid_grant*2` for the next two.
    fn from_str(text: &str) -> Result<Self, SwitchError> {
        let Some((failure, times)) = text.split_once('*') else {
            return Ok(Self { failure: text.parse()?, left: None });
        };
        let times = times.parse().ok().filter(|times| *times > 0);
        let left = times.ok_or_else(|| SwitchError::Times(text.chars().take(40).collect()))?;
        Ok(Self { failure: failure.parse()?, left: Some(left) })
    }
}

/// A failure switch that could not be read.
#[derive(Debug, thiserror::Error)]
pub enum SwitchError {
    /// The name is not a failure.
    #[error("{0:?} is not a failure of the sandbox; it knows {known}", known = Failure::known())]
    UnknownFailure(String),
    /// The number behind `*` is not a count.
    #[error("{0:?} must end in * and a count from 1")]
    Times(String),
    /// The failure exists, but not at this stage.
    #[error("{failure} does not fit the stage {}", stage.as_str())]
    WrongStage {
        /// The failure asked for.
        failure: Failure,
        /// Where it was asked for.
        stage: Stage,
    },
}

/// The switches that are on.
#[derive(Clone, Debug, Default, Serialize)]
#[serde(transparent)]
pub struct Switches(BTreeMap<Stage, Switch>);

impl Switches {
    /// Turns a switch on, or off with `None`.
    ///
    /// # Errors
    /// [`SwitchError::WrongStage`] when the failure does not fit the stage.
    pub fn set(&mut self, stage: Stage, switch: Option<Switch>) -> Result<(), SwitchError> {
        match switch {
            None => {
                self.0.remove(&stage);
            }
            Some(switch) if switch.failure.fits(stage) => {
                self.0.insert(stage, switch);
            }
            Some(switch) => {
                return Err(SwitchError::WrongStage { failure: switch.failure, stage });
            }
        }
        Ok(())
    }

    /// The switch that is on at `stage`.
    pub fn get(&self, stage: Stage) -> Option<Switch> {
        self.0.get(&stage).copied()
    }

    /// The failure that is on at `stage`, without using it up.
    pub fn peek(&self, stage: Stage) -> Option<Failure> {
        self.0.get(&stage).map(|switch| switch.failure)
    }

    /// The failure for this request, if `wanted` says so; counts down a limited switch.
    pub(crate) fn take_if(&mut self, stage: Stage, wanted: impl Fn(Failure) -> bool) -> Option<Failure> {
        let switch = self.0.get_mut(&stage).filter(|switch| wanted(switch.failure))?;
        let failure = switch.failure;
        if let Some(left) = &mut switch.left {
            *left = left.saturating_sub(1);
            if *left == 0 {
                self.0.remove(&stage);
            }
        }
        Some(failure)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_reads_back_as_itself() {
        for (name, failure) in Failure::NAMES {
            assert_eq!(name.parse::<Failure>().unwrap(), failure);
            assert_eq!(failure.to_string().parse::<Failure>().unwrap(), failure);
        }
        assert_eq!("slow:20".parse::<Failure>().unwrap(), Failure::Slow(20));
        assert_eq!("no_state".parse::<Failure>().unwrap(), Failure::NoState);
        assert!("slow:600001".parse::<Failure>().is_err());
        assert!("html:2".parse::<Failure>().is_err());
        assert!("invalid_grant*0".parse::<Switch>().is_err());
    }

    #[test]
    fn a_limited_switch_goes_off_after_its_count() {
        let mut switches = Switches::default();
        switches.set(Stage::Refresh, Some("invalid_grant*2".parse().unwrap())).unwrap();
        assert_eq!(switches.take_if(Stage::Refresh, |_| true), Some(Failure::InvalidGrant));
        assert_eq!(switches.take_if(Stage::Refresh, |_| false), None);
        assert_eq!(switches.take_if(Stage::Refresh, |_| true), Some(Failure::InvalidGrant));
        assert_eq!(switches.take_if(Stage::Refresh, |_| true), None);
    }

    #[test]
    fn a_switch_that_does_not_fit_is_refused() {
        let mut switches = Switches::default();
        assert!(switches.set(Stage::Api, Some("deny".parse().unwrap())).is_err());
        assert!(switches.set(Stage::Consent, Some("no_iss".parse().unwrap())).is_ok());
    }
}
