//! Signatures as [Standard Webhooks](https://www.standardwebhooks.com) has them.

use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use keybearer_core::{Entropy, Error, Result, SecretBytes, SecretString, Timestamp};

/// What the text of a secret begins with.
const PREFIX: &str = "whsec_";
/// 192 bits: whole base64 without padding, and no `_`, on which one published verifier splits.
const SECRET_BYTES: usize = 24;

/// A new secret as verifiers take it.
///
/// # Errors
/// Those of [`Entropy::fill`].
pub(super) fn new_secret(entropy: &dyn Entropy) -> Result<SecretString> {
    let mut bytes = vec![0_u8; SECRET_BYTES];
    entropy.fill(&mut bytes)?;
    let bytes = SecretBytes::new(bytes);
    Ok(SecretString::new(format!("{PREFIX}{}", STANDARD.encode(bytes.expose()))))
}

/// The key of a secret's text.
///
/// # Errors
/// [`keybearer_core::Code::Internal`] when the text is none of ours.
pub(super) fn key(text: &[u8]) -> Result<SecretBytes> {
    let encoded = text.strip_prefix(PREFIX.as_bytes());
    let decoded = encoded.and_then(|encoded| STANDARD.decode(encoded).ok());
    decoded.map(SecretBytes::new).ok_or_else(|| Error::internal("a webhook secret is not readable"))
}

/// The value of `webhook-signature`: one signature for each key that counts now.
pub(super) fn signature(keys: &[SecretBytes], id: &str, at: Timestamp, body: &[u8]) -> String {
    let head = format!("{id}.{}.", at.seconds());
    let each = keys.iter().map(|key| {
        let key = hmac::Key::new(hmac::HMAC_SHA256, key.expose());
        let mut context = hmac::Context::with_key(&key);
        context.update(head.as_bytes());
        context.update(body);
        format!("v1,{}", STANDARD.encode(context.sign()))
    });
    each.collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use keybearer_core::OsEntropy;

    use super::*;

    /// The example of the specification's reference libraries.
    #[test]
    fn the_published_example_has_the_published_signature() {
        let key = key(b"whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").unwrap();
        let body = br#"{"test": 2432232314}"#;
        let at = Timestamp::from_seconds(1_614_265_330);
        let signed = signature(&[key], "msg_p5jXN8AQM9LWM0D4loKWxJek", at, body);
        assert_eq!(signed, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
    }

    #[test]
    fn secrets_differ_and_are_what_verifiers_take() {
        let (first, second) = (new_secret(&OsEntropy).unwrap(), new_secret(&OsEntropy).unwrap());
        assert_ne!(first, second);
        assert_eq!(first.expose().matches('_').count(), 1);
        assert_eq!(key(first.expose().as_bytes()).unwrap().expose().len(), SECRET_BYTES);
    }

    #[test]
    fn every_key_signs() {
        let keys = [SecretBytes::new(vec![1; 24]), SecretBytes::new(vec![2; 24])];
        let at = Timestamp::from_seconds(1);
        let both = signature(&keys, "evt_1", at, b"{}");
        assert_eq!(both.split(' ').count(), 2);
        assert!(both.starts_with(&signature(&keys[..1], "evt_1", at, b"{}")));
    }
}
