//! One newtype for each kind of id: a prefix and decimal digits, time-ordered, at most 32 characters.

use std::fmt;
use std::sync::atomic::{AtomicI64, Ordering};

use crate::{Clock, Entropy, Result};

/// Microseconds from the Unix epoch to 2024-01-01, where our ids begin to count.
const EPOCH_MICROS: i64 = 1_704_067_200_000_000;

/// Makes time-ordered numbers: microseconds, then 12 random bits; strictly rising within one process.
#[derive(Debug, Default)]
pub struct IdSource(AtomicI64);

impl IdSource {
    /// The next number.
    ///
    /// # Errors
    /// Those of [`Entropy::fill`].
    pub fn next(&self, clock: &dyn Clock, entropy: &dyn Entropy) -> Result<i64> {
        let mut random = [0_u8; 2];
        entropy.fill(&mut random)?;
        let low = i64::from(u16::from_be_bytes(random) & 0x0fff);
        let fresh = (clock.now().micros().saturating_sub(EPOCH_MICROS).max(0) << 12) | low;
        let previous = self
            .0
            .fetch_update(Ordering::SeqCst, Ordering::SeqCst, |last| Some(fresh.max(last.saturating_add(1))))
            .unwrap_or_default();
        Ok(fresh.max(previous.saturating_add(1)))
    }
}

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident = $prefix:literal;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
        #[serde(transparent)]
        pub struct $name(String);

        impl $name {
            /// What the text form begins with.
            pub const PREFIX: &'static str = $prefix;

            /// From a number of an [`IdSource`].
            pub fn from_number(number: i64) -> Self {
                Self(format!("{}{number}", Self::PREFIX))
            }

            /// Reads the text form; `None` unless it is the prefix and 1 to 20 digits.
            pub fn parse(text: &str) -> Option<Self> {
                let digits = text.strip_prefix(Self::PREFIX)?;
                let well_formed = (1..=20).contains(&digits.len()) && digits.bytes().all(|b| b.is_ascii_digit());
                well_formed.then(|| Self(text.to_owned()))
            }

            /// Takes text that our own database holds, without checking it again.
            pub fn from_stored(text: String) -> Self {
                Self(text)
            }

            /// The text form.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str(&self.0)
            }
        }
    )*};
}

ids! {
    /// A tenant of one deployment.
    EnvironmentId = "env_";
    /// A developer's configuration of a connector.
    ConnectionId = "conn_";
    /// One set of credentials of a connection (an OAuth app); accounts remember which one they were granted to.
    CredentialId = "cred_";
    /// One user's credentials on a connection.
    AccountId = "ca_";
    /// One connect link and what came of it.
    FlowId = "flow_";
    /// A page on which one user chooses services or sees their connections.
    UserPageId = "upg_";
    /// An API client of an environment.
    ClientId = "skc_";
    /// One secret of an API client.
    ClientSecretId = "sks_";
    /// A key that signs our access tokens.
    SigningKeyId = "snk_";
    /// A key that seals an environment's secrets.
    DataKeyId = "dek_";
    /// An event of the outbox.
    EventId = "evt_";
    /// A connector that an environment made over the API.
    ProviderId = "prov_";
    /// One line of the audit trail.
    AuditId = "aud_";
    /// One line of the call log.
    CallLogId = "tcl_";
    /// An organization that accounts can be scoped to.
    OrganizationId = "org_";
    /// An address that events are sent to.
    WebhookEndpointId = "whe_";
    /// A secret that signs what is sent to an endpoint.
    WebhookSecretId = "whs_";
    /// A person who may sign in to the dashboard.
    MemberId = "mbr_";
    /// A browser that is signed in to the dashboard.
    MemberSessionId = "mbs_";
    /// A passkey of a member.
    PasskeyId = "mpk_";
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{FixedClock, SeededEntropy, Timestamp};

    #[test]
    fn numbers_rise_even_when_the_clock_stands_still() {
        let source = IdSource::default();
        let clock = FixedClock::new(Timestamp::from_seconds(1_900_000_000));
        let entropy = SeededEntropy::new(1);
        let numbers: Vec<i64> = (0..1000).map(|_| source.next(&clock, &entropy).unwrap()).collect();
        assert!(numbers.windows(2).all(|pair| pair[0] < pair[1]));
        assert!(AccountId::from_number(numbers[0]).as_str().len() <= 32);
    }

    #[test]
    fn parse_takes_only_prefix_and_digits() {
        assert!(AccountId::parse("ca_8801").is_some());
        for bad in ["", "ca_", "ca_12x", "conn_12", "ca_-1", "ca_123456789012345678901", "CA_1"] {
            assert!(AccountId::parse(bad).is_none(), "{bad}");
        }
    }
}
