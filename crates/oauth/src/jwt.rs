//! Signed JWTs: client assertions and bearer grants ([RFC 7523](https://www.rfc-editor.org/rfc/rfc7523)), key-pair
//! credentials, and reading claims of a token that somebody else signed.

use std::fmt;

use aws_lc_rs::encoding::AsDer as _;
use aws_lc_rs::hmac;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _, RSA_PKCS1_SHA256, RSA_PSS_SHA256,
    RsaEncoding, RsaKeyPair,
};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use keybearer_core::{SecretBytes, SecretString, sha256};
use serde_json::{Map, Value};

use crate::document::Document;

mod key_text;
mod service_account;

pub use key_text::KeyEncoding;
pub use service_account::ServiceAccountKey;

const MAX_TOKEN: usize = 64 * 1024;

/// The signature algorithms of [RFC 7518 §3.1](https://www.rfc-editor.org/rfc/rfc7518#section-3.1) that we sign with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Algorithm {
    /// RSASSA-PKCS1-v1_5 with SHA-256.
    Rs256,
    /// RSASSA-PSS with SHA-256.
    Ps256,
    /// ECDSA on P-256 with SHA-256.
    Es256,
    /// HMAC with SHA-256.
    Hs256,
}

impl Algorithm {
    /// The name in a JWT header.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Rs256 => "RS256",
            Self::Ps256 => "PS256",
            Self::Es256 => "ES256",
            Self::Hs256 => "HS256",
        }
    }

    /// Reads the name; `None` for every algorithm that we do not sign with, `none` included.
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Rs256, Self::Ps256, Self::Es256, Self::Hs256].into_iter().find(|known| known.as_str() == text)
    }
}

/// Why signing is not possible. Never holds any of the key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum JwtError {
    /// The text is no PEM and no DER of a private key.
    #[error("private key must be PEM text (PKCS#8, PKCS#1 or SEC1)")]
    KeyFormat,
    /// The PEM is protected by a passphrase.
    #[error("private key must not be encrypted with a passphrase")]
    KeyEncrypted,
    /// A public key or certificate was given.
    #[error("a private key is needed (got a public key or certificate)")]
    KeyPublic,
    /// The key is of another kind or size than the algorithm needs.
    #[error("private key must fit the algorithm {0}")]
    KeyMismatch(&'static str),
    /// The shared secret is empty or not in the stated encoding.
    #[error("signing secret must be non-empty text in the stated encoding")]
    SecretFormat,
    /// The library refused.
    #[error("the token could not be signed")]
    Sign,
    /// Not a service-account key file.
    #[error("service account key must be JSON with client_email and private_key")]
    ServiceAccount,
}

/// A key that is ready to sign with one algorithm.
pub struct SigningKey {
    algorithm: Algorithm,
    key: Key,
}

enum Key {
    Rsa(Box<RsaKeyPair>),
    Ec(Box<EcdsaKeyPair>),
    Hmac(Box<hmac::Key>),
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("SigningKey").field("algorithm", &self.algorithm).finish_non_exhaustive()
    }
}

impl SigningKey {
    /// Reads a key from the text that a person pasted.
    ///
    /// PEM may have lost its line breaks, hold literal `\n`, or be base64 once more; `encoding` matters for HMAC
    /// secrets.
    ///
    /// # Errors
    /// [`JwtError`] says what was expected.
    pub fn read(algorithm: Algorithm, text: &SecretString, encoding: KeyEncoding) -> Result<Self, JwtError> {
        let key = match algorithm {
            Algorithm::Hs256 => {
                let secret = encoding.decode(text).filter(|secret| !secret.expose().is_empty());
                let secret = secret.ok_or(JwtError::SecretFormat)?;
                Key::Hmac(Box::new(hmac::Key::new(hmac::HMAC_SHA256, secret.expose())))
            }
            Algorithm::Rs256 | Algorithm::Ps256 => {
                Key::Rsa(Box::new(rsa_key(&key_text::private_key_der(text)?).ok_or(mismatch(algorithm))?))
            }
            Algorithm::Es256 => {
                let der = key_text::private_key_der(text)?;
                let pair = EcdsaKeyPair::from_private_key_der(&ECDSA_P256_SHA256_FIXED_SIGNING, der.expose());
                Key::Ec(Box::new(pair.map_err(|_| mismatch(algorithm))?))
            }
        };
        Ok(Self { algorithm, key })
    }

    /// The algorithm that this key signs with.
    pub fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    /// Signs bytes; the result is in the form of RFC 7518 §3.
    ///
    /// # Errors
    /// [`JwtError::Sign`].
    pub fn sign_bytes(&self, message: &[u8]) -> Result<Vec<u8>, JwtError> {
        let random = SystemRandom::new();
        match &self.key {
            Key::Hmac(key) => Ok(hmac::sign(key, message).as_ref().to_vec()),
            Key::Ec(pair) => {
                let signature = pair.sign(&random, message).map_err(|_| JwtError::Sign)?;
                Ok(signature.as_ref().to_vec())
            }
            Key::Rsa(pair) => {
                let padding: &'static dyn RsaEncoding = match self.algorithm {
                    Algorithm::Ps256 => &RSA_PSS_SHA256,
                    _ => &RSA_PKCS1_SHA256,
                };
                let mut signature = vec![0_u8; pair.public_modulus_len()];
                pair.sign(padding, &random, message, &mut signature).map_err(|_| JwtError::Sign)?;
                Ok(signature)
            }
        }
    }
}

/// Signs a token of `header` and `claims`. `alg` is set from the key, `typ` to `JWT` unless it is there.
///
/// # Errors
/// [`JwtError::Sign`].
pub fn sign(
    header: &Map<String, Value>,
    claims: &Map<String, Value>,
    key: &SigningKey,
) -> Result<SecretString, JwtError> {
    let mut full = Map::new();
    full.insert("alg".to_owned(), Value::from(key.algorithm.as_str()));
    full.insert("typ".to_owned(), Value::from("JWT"));
    for (name, value) in header.iter().filter(|(name, _)| *name != "alg") {
        full.insert(name.clone(), value.clone());
    }
    let part = |members: &Map<String, Value>| {
        serde_json::to_vec(members).map(|json| URL_SAFE_NO_PAD.encode(json)).map_err(|_| JwtError::Sign)
    };
    let mut token = format!("{}.{}", part(&full)?, part(claims)?);
    let signature = key.sign_bytes(token.as_bytes())?;
    token.push('.');
    token.push_str(&URL_SAFE_NO_PAD.encode(signature));
    Ok(SecretString::from(token))
}

/// The claims of a JWT, unverified: fit for an expiry or a tenant id, never for deciding who somebody is.
///
/// `None` when the text is not a JWT.
pub fn unverified_claims(token: &str) -> Option<Document> {
    if token.len() > MAX_TOKEN {
        return None;
    }
    let mut parts = token.split('.');
    let (_, claims, _) = (parts.next()?, parts.next()?, parts.next()?);
    if parts.next().is_some() {
        return None;
    }
    let json = SecretBytes::from(URL_SAFE_NO_PAD.decode(claims.trim_end_matches('=')).ok()?);
    let document = Document::from_json(std::str::from_utf8(json.expose()).ok()?).ok()?;
    document.expose().is_object().then_some(document)
}

/// `SHA256:` and the base64 SHA-256 of the public half (DER SubjectPublicKeyInfo) of an RSA or P-256 private key.
///
/// # Errors
/// [`JwtError`] when the text is no such key.
pub fn public_key_fingerprint(private_key: &SecretString) -> Result<String, JwtError> {
    let der = key_text::private_key_der(private_key)?;
    let public = match rsa_key(&der) {
        Some(pair) => pair.public_key().as_der().map_err(|_| JwtError::KeyFormat)?,
        None => EcdsaKeyPair::from_private_key_der(&ECDSA_P256_SHA256_FIXED_SIGNING, der.expose())
            .map_err(|_| JwtError::KeyFormat)?
            .public_key()
            .as_der()
            .map_err(|_| JwtError::KeyFormat)?,
    };
    Ok(format!("SHA256:{}", STANDARD.encode(sha256(public.as_ref()))))
}

fn rsa_key(der: &SecretBytes) -> Option<RsaKeyPair> {
    RsaKeyPair::from_pkcs8(der.expose()).or_else(|_| RsaKeyPair::from_der(der.expose())).ok()
}

fn mismatch(algorithm: Algorithm) -> JwtError {
    JwtError::KeyMismatch(algorithm.as_str())
}

#[cfg(test)]
#[path = "jwt_tests.rs"]
mod tests;
