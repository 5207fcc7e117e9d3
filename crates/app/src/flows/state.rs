//! `state`, PKCE verifier and CSRF token: computed from keys of the environment, stored nowhere (`docs/adr/0001`).

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use keybearer_core::ids::{ConnectionId, EnvironmentId, FlowId};
use keybearer_core::{Entropy, Result, SecretString, Timestamp, sha256, to_hex};
use keybearer_oauth::pkce::Pkce;
use keybearer_vault::{Keyring, MacKey};

use crate::keys::vault_error;

/// How long a browser may stay at the provider.
pub(super) const LIFETIME: Duration = Duration::from_secs(15 * 60);

const STATE: &str = "flow state";
const VERIFIER: &str = "flow verifier";
const CSRF: &str = "flow csrf";
const NONCE: usize = 16;
const LENGTH: usize = NONCE + 8 + 8 + 32;

/// What a state is bound to besides itself.
#[derive(Clone, Copy)]
pub(super) struct Bound<'a> {
    pub environment: &'a EnvironmentId,
    pub connection: &'a ConnectionId,
    /// The browser's cookie.
    pub browser: &'a str,
}

/// A state with what belongs to it.
pub(super) struct Issued {
    /// What the provider carries.
    pub state: String,
    /// The PKCE pair of this state.
    pub pkce: Pkce,
}

/// A state that came back and is ours.
pub(super) struct Known {
    pub flow: FlowId,
    pub issued_at: Timestamp,
    pub pkce: Pkce,
}

/// A fresh state for a flow.
pub(super) fn issue(
    keyring: &Keyring,
    bound: Bound<'_>,
    flow: &FlowId,
    now: Timestamp,
    entropy: &dyn Entropy,
) -> Result<Issued> {
    let mut bytes = vec![0_u8; NONCE];
    entropy.fill(&mut bytes)?;
    bytes.extend_from_slice(&now.seconds().to_be_bytes());
    bytes.extend_from_slice(&number(flow).to_be_bytes());
    let key = keyring.mac_key(bound.environment, STATE).map_err(vault_error)?;
    let tag = key.sign(&parts(&bytes, bound, &sha256(bound.browser.as_bytes()))).map_err(vault_error)?;
    let verifier = keyring.mac_key(bound.environment, VERIFIER).map_err(vault_error)?;
    let pkce = pkce(&verifier, &bytes, bound)?;
    bytes.extend_from_slice(&tag);
    Ok(Issued { state: URL_SAFE_NO_PAD.encode(&bytes), pkce })
}

/// Reads a state; `None` when it is not ours, of another browser, or of another connection. Its age is not judged.
pub(super) fn read(keyring: &Keyring, bound: Bound<'_>, state: &str) -> Result<Option<Known>> {
    let Ok(bytes) = URL_SAFE_NO_PAD.decode(state) else {
        return Ok(None);
    };
    if bytes.len() != LENGTH {
        return Ok(None);
    }
    let Some((signed, tag)) = bytes.split_at_checked(LENGTH - 32) else {
        return Ok(None);
    };
    let browser = sha256(bound.browser.as_bytes());
    let keys = keyring.mac_keys(bound.environment, STATE).map_err(vault_error)?;
    let Some(key) = keys.iter().find(|key| key.verify(&parts(signed, bound, &browser), tag)) else {
        return Ok(None);
    };
    let verifiers = keyring.mac_keys(bound.environment, VERIFIER).map_err(vault_error)?;
    let Some(verifier) = verifiers.iter().find(|verifier| verifier.key_id() == key.key_id()) else {
        return Ok(None);
    };
    let (Some(seconds), Some(flow)) = (integer(signed, NONCE), integer(signed, NONCE + 8)) else {
        return Ok(None);
    };
    Ok(Some(Known {
        flow: FlowId::from_number(flow),
        issued_at: Timestamp::from_seconds(seconds),
        pkce: pkce(verifier, signed, bound)?,
    }))
}

/// The hash under which an attempt is stored.
pub(super) fn hash(state: &str) -> String {
    to_hex(&sha256(state.as_bytes()))
}

/// The CSRF token of a flow's forms in this browser.
pub(super) fn csrf(
    keyring: &Keyring,
    environment: &EnvironmentId,
    flow: &FlowId,
    browser: &str,
) -> Result<String> {
    let tag = keyring.mac(environment, CSRF, &[flow.as_str().as_bytes(), &sha256(browser.as_bytes())]);
    Ok(URL_SAFE_NO_PAD.encode(tag.map_err(vault_error)?))
}

/// Whether a form's CSRF token is the one of this flow and browser.
pub(super) fn csrf_holds(
    keyring: &Keyring,
    environment: &EnvironmentId,
    flow: &FlowId,
    browser: &str,
    given: Option<&SecretString>,
) -> Result<bool> {
    let Some(tag) = given.and_then(|given| URL_SAFE_NO_PAD.decode(given.expose()).ok()) else {
        return Ok(false);
    };
    let parts: [&[u8]; 2] = [flow.as_str().as_bytes(), &sha256(browser.as_bytes())];
    let found = keyring.verify_mac(environment, CSRF, &parts, &tag).map_err(vault_error)?;
    Ok(found.is_some())
}

fn parts<'a>(signed: &'a [u8], bound: Bound<'a>, browser: &'a [u8; 32]) -> [&'a [u8]; 3] {
    [signed, bound.connection.as_str().as_bytes(), browser]
}

fn pkce(key: &MacKey, signed: &[u8], bound: Bound<'_>) -> Result<Pkce> {
    let browser = sha256(bound.browser.as_bytes());
    let bytes = key.sign(&parts(signed, bound, &browser)).map_err(vault_error)?;
    Ok(Pkce::from_bytes(&bytes))
}

fn number(flow: &FlowId) -> i64 {
    flow.as_str().trim_start_matches(FlowId::PREFIX).parse().unwrap_or(0)
}

fn integer(bytes: &[u8], at: usize) -> Option<i64> {
    let eight: [u8; 8] = bytes.get(at..at + 8)?.try_into().ok()?;
    Some(i64::from_be_bytes(eight))
}

#[cfg(test)]
mod tests {
    use keybearer_core::OsEntropy;
    use keybearer_core::ids::DataKeyId;
    use keybearer_vault::{DataKey, KeyRole};
    use proptest::prelude::*;

    use super::*;

    struct Fixture {
        keyring: Keyring,
        environment: EnvironmentId,
        connection: ConnectionId,
        flow: FlowId,
    }

    fn fixture() -> Fixture {
        let environment = EnvironmentId::from_number(1);
        let key = DataKey::generate(&OsEntropy).unwrap();
        let keyring = Keyring::new().with(&environment, DataKeyId::from_number(1), key, KeyRole::Primary);
        Fixture {
            keyring,
            environment,
            connection: ConnectionId::from_number(7),
            flow: FlowId::from_number(99),
        }
    }

    impl Fixture {
        fn bound<'a>(&'a self, connection: &'a ConnectionId, browser: &'a str) -> Bound<'a> {
            Bound { environment: &self.environment, connection, browser }
        }

        fn issue(&self) -> Issued {
            let now = Timestamp::from_seconds(1_900_000_000);
            issue(&self.keyring, self.bound(&self.connection, "cookie"), &self.flow, now, &OsEntropy).unwrap()
        }
    }

    #[test]
    fn a_state_comes_back_with_its_flow_time_and_verifier() {
        let fixture = fixture();
        let issued = fixture.issue();
        let known = read(&fixture.keyring, fixture.bound(&fixture.connection, "cookie"), &issued.state)
            .unwrap()
            .unwrap();
        assert_eq!(known.flow, fixture.flow);
        assert_eq!(known.issued_at.seconds(), 1_900_000_000);
        assert_eq!(known.pkce.challenge, issued.pkce.challenge);
        assert!(known.pkce.verifier.expose().len() >= 43);
    }

    #[test]
    fn every_rendering_has_its_own_state_and_verifier() {
        let fixture = fixture();
        let (first, second) = (fixture.issue(), fixture.issue());
        assert_ne!(first.state, second.state);
        assert_ne!(first.pkce.challenge, second.pkce.challenge);
    }

    #[test]
    fn another_browser_connection_or_byte_is_not_ours() {
        let fixture = fixture();
        let issued = fixture.issue();
        let none = |connection: &ConnectionId, browser: &str, state: &str| {
            read(&fixture.keyring, fixture.bound(connection, browser), state).unwrap().is_none()
        };
        assert!(none(&fixture.connection, "other", &issued.state));
        assert!(none(&ConnectionId::from_number(8), "cookie", &issued.state));
        for at in 0..issued.state.len() {
            let mut changed = issued.state.clone().into_bytes();
            changed[at] = if changed[at] == b'A' { b'B' } else { b'A' };
            let changed = String::from_utf8(changed).unwrap();
            // the last character carries bits that decode to nothing
            assert!(none(&fixture.connection, "cookie", &changed) || at + 1 == issued.state.len(), "{at}");
        }
        assert!(none(&fixture.connection, "cookie", issued.state.get(..80).unwrap()));
    }

    #[test]
    fn a_csrf_token_belongs_to_one_flow_and_browser() {
        let fixture = fixture();
        let token =
            SecretString::new(csrf(&fixture.keyring, &fixture.environment, &fixture.flow, "cookie").unwrap());
        let holds = |flow: &FlowId, browser: &str, given: Option<&SecretString>| {
            csrf_holds(&fixture.keyring, &fixture.environment, flow, browser, given).unwrap()
        };
        assert!(holds(&fixture.flow, "cookie", Some(&token)));
        assert!(!holds(&fixture.flow, "other", Some(&token)));
        assert!(!holds(&FlowId::from_number(1), "cookie", Some(&token)));
        assert!(!holds(&fixture.flow, "cookie", None));
    }

    proptest! {
        #[test]
        fn any_text_is_read_without_panic(text in "\\PC{0,200}") {
            let fixture = fixture();
            let known = read(&fixture.keyring, fixture.bound(&fixture.connection, "cookie"), &text).unwrap();
            prop_assert!(known.is_none());
        }
    }
}
