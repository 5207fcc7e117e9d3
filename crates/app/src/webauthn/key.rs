//! Public keys in the form of COSE ([RFC 9052 §7](https://www.rfc-editor.org/rfc/rfc9052#section-7)), and what they sign.

use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_ASN1, ED25519, ParsedPublicKey, RSA_PKCS1_2048_8192_SHA256, RsaPublicKeyComponents,
};

use super::cbor::{self, Item};

/// The algorithms we ask for, the better ones first: ES256, EdDSA, RS256.
pub(crate) const ALGORITHMS: [i64; 3] = [-7, -8, -257];

/// A public key of an authenticator.
#[derive(Debug)]
pub(super) enum PublicKey {
    /// ECDSA on P-256 with SHA-256: the point, uncompressed.
    Es256(Vec<u8>),
    /// Ed25519.
    EdDsa(Vec<u8>),
    /// RSASSA-PKCS1-v1_5 with SHA-256: modulus and exponent.
    Rs256(Vec<u8>, Vec<u8>),
}

impl PublicKey {
    /// Reads a key; `None` unless it is a sound one of one of [`ALGORITHMS`].
    pub fn read(cose: &[u8]) -> Option<Self> {
        Self::of(&cbor::read_all(cose)?)
    }

    pub fn of(key: &Item<'_>) -> Option<Self> {
        let int = |label: i64| match key.get(&Item::Int(label)) {
            Some(Item::Int(value)) => Some(*value),
            _ => None,
        };
        let bytes = |label: i64| match key.get(&Item::Int(label)) {
            Some(Item::Bytes(bytes)) => Some(*bytes),
            _ => None,
        };
        match (int(1)?, int(3)?) {
            (2, -7) if int(-1) == Some(1) => {
                let (x, y) = (bytes(-2)?, bytes(-3)?);
                let point = [&[4_u8][..], x, y].concat();
                let sound = x.len() == 32 && ParsedPublicKey::new(&ECDSA_P256_SHA256_ASN1, &point).is_ok();
                sound.then_some(Self::Es256(point))
            }
            (1, -8) if int(-1) == Some(6) => {
                let x = bytes(-2)?;
                ParsedPublicKey::new(&ED25519, x).is_ok().then(|| Self::EdDsa(x.to_vec()))
            }
            (3, -257) => {
                let (n, e) = (bytes(-1)?, bytes(-2)?);
                let sound = (256..=1024).contains(&n.len()) && (1..=8).contains(&e.len());
                sound.then(|| Self::Rs256(n.to_vec(), e.to_vec()))
            }
            _ => None,
        }
    }

    /// The number of its algorithm.
    pub const fn algorithm(&self) -> i64 {
        match self {
            Self::Es256(_) => -7,
            Self::EdDsa(_) => -8,
            Self::Rs256(..) => -257,
        }
    }

    /// Whether the signature over the message is this key's.
    pub fn verifies(&self, message: &[u8], signature: &[u8]) -> bool {
        let parsed = |algorithm, key: &[u8]| {
            ParsedPublicKey::new(algorithm, key).is_ok_and(|key| key.verify_sig(message, signature).is_ok())
        };
        match self {
            Self::Es256(point) => parsed(&ECDSA_P256_SHA256_ASN1, point),
            Self::EdDsa(key) => parsed(&ED25519, key),
            Self::Rs256(n, e) => RsaPublicKeyComponents { n: n.as_slice(), e: e.as_slice() }
                .verify(&RSA_PKCS1_2048_8192_SHA256, message, signature)
                .is_ok(),
        }
    }
}
