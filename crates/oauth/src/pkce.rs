//! Proof key for code exchange ([RFC 7636](https://www.rfc-editor.org/rfc/rfc7636)), `S256` only.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use keybearer_core::{Entropy, SecretString, sha256};

/// A verifier and its challenge.
#[derive(Clone, Debug)]
pub struct Pkce {
    /// 43 characters that go to the token endpoint only.
    pub verifier: SecretString,
    /// What goes into the authorization URL, with `code_challenge_method=S256`.
    pub challenge: String,
}

impl Pkce {
    /// A fresh pair.
    ///
    /// # Errors
    /// Those of [`Entropy::fill`].
    pub fn new(entropy: &dyn Entropy) -> keybearer_core::Result<Self> {
        let mut bytes = [0_u8; 32];
        entropy.fill(&mut bytes)?;
        Ok(Self::from_bytes(&bytes))
    }

    /// The pair whose verifier is the base64url text of 32 secret bytes, for example of a MAC.
    pub fn from_bytes(bytes: &[u8; 32]) -> Self {
        let verifier = SecretString::from(URL_SAFE_NO_PAD.encode(bytes));
        let challenge = challenge_s256(&verifier);
        Self { verifier, challenge }
    }
}

/// The `S256` challenge of a verifier: base64url of its SHA-256 (RFC 7636 §4.2).
pub fn challenge_s256(verifier: &SecretString) -> String {
    URL_SAFE_NO_PAD.encode(sha256(verifier.expose().as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use keybearer_core::SeededEntropy;

    #[test]
    fn rfc_7636_appendix_b_is_reproduced() {
        let bytes = [
            116, 24, 223, 180, 151, 153, 224, 37, 79, 250, 96, 125, 216, 173, 187, 186, 22, 212, 37, 77, 105,
            214, 191, 240, 91, 88, 5, 88, 83, 132, 141, 121,
        ];
        let pair = Pkce::from_bytes(&bytes);
        assert_eq!(pair.verifier.expose(), "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk");
        assert_eq!(pair.challenge, "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM");
    }

    #[test]
    fn each_pair_is_fresh_and_long_enough() {
        let entropy = SeededEntropy::new(1);
        let (first, second) = (Pkce::new(&entropy).unwrap(), Pkce::new(&entropy).unwrap());
        assert_eq!(first.verifier.expose().len(), 43);
        assert_ne!(first.verifier, second.verifier);
    }
}
