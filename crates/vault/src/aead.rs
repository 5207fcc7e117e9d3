//! The one construction of the crate: a fresh AES-256-GCM key per value, derived from a long-lived key and a salt.

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use aws_lc_rs::hkdf::{HKDF_SHA256, KeyType, Prk, Salt};
use keybearer_core::{Entropy, Secret, SecretBytes};

use crate::VaultError;

/// Length of every long-lived key.
pub(crate) const KEY_BYTES: usize = 32;
const SALT_BYTES: usize = 16;

/// A long-lived key: a root key or a data key.
pub(crate) type Key = Secret<[u8; KEY_BYTES]>;

struct Length(usize);

impl KeyType for Length {
    fn len(&self) -> usize {
        self.0
    }
}

/// HKDF-SHA256 (RFC 5869): 32 bytes for `info` from `key` and `salt`.
pub(crate) fn derive(key: &Key, salt: &[u8], info: &[&[u8]]) -> Result<Key, VaultError> {
    let prk: Prk = Salt::new(HKDF_SHA256, salt).extract(key.expose());
    let mut out = [0_u8; KEY_BYTES];
    prk.expand(info, Length(KEY_BYTES))
        .and_then(|material| material.fill(&mut out))
        .map_err(|_| VaultError::Crypto)?;
    Ok(Secret::new(out))
}

/// Appends salt, nonce, ciphertext and tag to `out`; what `out` holds already is authenticated too.
pub(crate) fn seal(
    out: &mut Vec<u8>,
    key: &Key,
    info: &[u8],
    aad: &[u8],
    plaintext: &[u8],
    entropy: &dyn Entropy,
) -> Result<(), VaultError> {
    let aad = full_aad(out, aad);
    let mut fresh = [0_u8; SALT_BYTES + NONCE_LEN];
    entropy.fill(&mut fresh).map_err(|_| VaultError::Crypto)?;
    let (salt, nonce) = fresh.split_at_checked(SALT_BYTES).ok_or(VaultError::Crypto)?;
    let record_key = record_key(key, salt, info)?;
    let nonce = Nonce::try_assume_unique_for_key(nonce).map_err(|_| VaultError::Crypto)?;
    // exact capacity, so that the plaintext is never left behind in a buffer that grew
    let mut buffer = Vec::with_capacity(plaintext.len() + AES_256_GCM.tag_len());
    buffer.extend_from_slice(plaintext);
    record_key
        .seal_in_place_append_tag(nonce, Aad::from(aad), &mut buffer)
        .map_err(|_| VaultError::Crypto)?;
    out.extend_from_slice(&fresh);
    out.append(&mut buffer);
    Ok(())
}

/// Opens what [`seal`] appended; `header` is what stood before it.
pub(crate) fn open(
    header: &[u8],
    body: &[u8],
    key: &Key,
    info: &[u8],
    aad: &[u8],
) -> Result<SecretBytes, VaultError> {
    let (salt, rest) = body.split_at_checked(SALT_BYTES).ok_or(VaultError::Malformed)?;
    let (nonce, ciphertext) = rest.split_at_checked(NONCE_LEN).ok_or(VaultError::Malformed)?;
    if ciphertext.len() < AES_256_GCM.tag_len() {
        return Err(VaultError::Malformed);
    }
    let record_key = record_key(key, salt, info)?;
    let nonce = Nonce::try_assume_unique_for_key(nonce).map_err(|_| VaultError::Malformed)?;
    let mut buffer = ciphertext.to_vec();
    let length = record_key
        .open_in_place(nonce, Aad::from(full_aad(header, aad)), &mut buffer)
        .map_err(|_| VaultError::DoesNotOpen)?
        .len();
    buffer.truncate(length);
    Ok(Secret::new(buffer))
}

fn record_key(key: &Key, salt: &[u8], info: &[u8]) -> Result<LessSafeKey, VaultError> {
    let bytes = derive(key, salt, &[info])?;
    let unbound = UnboundKey::new(&AES_256_GCM, bytes.expose()).map_err(|_| VaultError::Crypto)?;
    Ok(LessSafeKey::new(unbound))
}

fn full_aad(header: &[u8], aad: &[u8]) -> Vec<u8> {
    // the header needs no length before it: its own length byte makes it self-delimiting
    let mut full = Vec::with_capacity(header.len() + aad.len());
    full.extend_from_slice(header);
    full.extend_from_slice(aad);
    full
}
