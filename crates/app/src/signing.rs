//! The RSA key that signs our access tokens (RFC 7515, RS256) and its public form (RFC 7517).

use aws_lc_rs::encoding::AsDer as _;
use aws_lc_rs::rsa::{KeyPair, KeySize};
use aws_lc_rs::signature::{
    KeyPair as _, RSA_PKCS1_2048_8192_SHA256, RSA_PKCS1_SHA256, RsaPublicKeyComponents,
};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use keybearer_core::{Error, Result, Secret, SecretBytes, SecretString};
use serde_json::{Value, json};

/// A private signing key with its id.
pub(crate) struct SigningKey {
    kid: String,
    pair: KeyPair,
}

/// A public key that tokens are checked with.
#[derive(Clone, Debug)]
pub(crate) struct VerifyingKey {
    kid: String,
    modulus: Vec<u8>,
    exponent: Vec<u8>,
}

impl SigningKey {
    /// A new 2048-bit key as PKCS #8; takes tens of milliseconds of processor time.
    pub fn generate() -> Result<SecretBytes> {
        let pair =
            KeyPair::generate(KeySize::Rsa2048).map_err(|_| Error::internal("no RSA key could be made"))?;
        let der = pair.as_der().map_err(|_| Error::internal("the RSA key has no PKCS #8 form"))?;
        Ok(Secret::new(der.as_ref().to_vec()))
    }

    /// Reads a PKCS #8 key.
    pub fn from_pkcs8(kid: &str, der: &SecretBytes) -> Result<Self> {
        let pair = KeyPair::from_pkcs8(der.expose())
            .map_err(|_| Error::internal("the stored signing key is not an RSA key"))?;
        Ok(Self { kid: kid.to_owned(), pair })
    }

    /// The public key as a JSON Web Key.
    pub fn jwk(&self) -> Value {
        let public = self.pair.public_key();
        let encode = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
        json!({
            "kty": "RSA", "use": "sig", "alg": "RS256", "kid": self.kid,
            "n": encode(public.modulus().big_endian_without_leading_zero()),
            "e": encode(public.exponent().big_endian_without_leading_zero()),
        })
    }

    /// A compact JWS over the claims.
    pub fn sign(&self, claims: &Value) -> Result<SecretString> {
        let header = json!({"alg": "RS256", "typ": "JWT", "kid": self.kid});
        let mut token = format!(
            "{}.{}",
            URL_SAFE_NO_PAD.encode(header.to_string()),
            URL_SAFE_NO_PAD.encode(claims.to_string())
        );
        let mut signature = vec![0_u8; self.pair.public_modulus_len()];
        let random = aws_lc_rs::rand::SystemRandom::new();
        self.pair
            .sign(&RSA_PKCS1_SHA256, &random, token.as_bytes(), &mut signature)
            .map_err(|_| Error::internal("the token could not be signed"))?;
        token.push('.');
        token.push_str(&URL_SAFE_NO_PAD.encode(signature));
        Ok(Secret::new(token))
    }
}

impl VerifyingKey {
    /// Reads a JSON Web Key of ours; `None` when it is not an RSA key.
    pub fn from_jwk(jwk: &Value) -> Option<Self> {
        let field = |name: &str| jwk.get(name)?.as_str();
        let bytes = |name: &str| URL_SAFE_NO_PAD.decode(field(name)?).ok();
        Some(Self { kid: field("kid")?.to_owned(), modulus: bytes("n")?, exponent: bytes("e")? })
    }

    /// The key's id.
    pub fn kid(&self) -> &str {
        &self.kid
    }

    /// The claims of a token whose signature holds; `None` otherwise. Times are not checked here.
    pub fn verify(&self, token: &str) -> Option<Value> {
        let (signed, signature) = token.rsplit_once('.')?;
        let (_, claims) = signed.split_once('.')?;
        let signature = URL_SAFE_NO_PAD.decode(signature).ok()?;
        let public = RsaPublicKeyComponents { n: self.modulus.as_slice(), e: self.exponent.as_slice() };
        public.verify(&RSA_PKCS1_2048_8192_SHA256, signed.as_bytes(), &signature).ok()?;
        serde_json::from_slice(&URL_SAFE_NO_PAD.decode(claims).ok()?).ok()
    }
}

/// The `kid` of a token with a well-formed RS256 header; `None` for any other.
pub(crate) fn key_id(token: &str) -> Option<String> {
    let (header, rest) = token.split_once('.')?;
    let well_formed = token.len() <= 8192 && rest.matches('.').count() == 1;
    let header: Value = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(header).ok()?).ok()?;
    (well_formed && header.get("alg")?.as_str()? == "RS256")
        .then(|| header.get("kid")?.as_str().map(str::to_owned))?
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key() -> SigningKey {
        SigningKey::from_pkcs8("snk_1", &SigningKey::generate().unwrap()).unwrap()
    }

    #[test]
    fn a_signed_token_verifies_and_a_changed_one_does_not() {
        let key = key();
        let verifying = VerifyingKey::from_jwk(&key.jwk()).unwrap();
        let token = key.sign(&json!({"sub": "skc_1"})).unwrap();
        assert_eq!(key_id(token.expose()).as_deref(), Some("snk_1"));
        assert_eq!(verifying.verify(token.expose()).unwrap()["sub"], "skc_1");

        let forged = URL_SAFE_NO_PAD.encode(json!({"sub": "skc_2"}).to_string());
        let parts: Vec<&str> = token.expose().split('.').collect();
        assert!(verifying.verify(&format!("{}.{forged}.{}", parts[0], parts[2])).is_none());
    }

    #[test]
    fn other_algorithms_have_no_key() {
        let none = URL_SAFE_NO_PAD.encode(json!({"alg": "none", "kid": "snk_1"}).to_string());
        assert!(key_id(&format!("{none}.e30.")).is_none());
        assert!(key_id("junk").is_none());
    }
}
