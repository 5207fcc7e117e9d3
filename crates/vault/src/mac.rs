use std::fmt;

use aws_lc_rs::hmac;
use keybearer_core::ids::DataKeyId;

use crate::VaultError;
use crate::aead::Key;
use crate::place::put;

/// An HMAC-SHA256 key for one purpose in one environment (RFC 2104).
#[derive(Clone)]
pub struct MacKey {
    id: DataKeyId,
    key: hmac::Key,
}

impl MacKey {
    pub(crate) fn new(id: DataKeyId, key: &Key) -> Self {
        Self { id, key: hmac::Key::new(hmac::HMAC_SHA256, key.expose()) }
    }

    /// The data key it comes from.
    pub fn key_id(&self) -> &DataKeyId {
        &self.id
    }

    /// The tag over `parts`; each part is taken with its length, so that parts cannot run into each other.
    ///
    /// # Errors
    /// [`VaultError::PlaceTooLong`] for a part of more than 4 GiB.
    pub fn sign(&self, parts: &[&[u8]]) -> Result<[u8; 32], VaultError> {
        let mut out = [0_u8; 32];
        out.copy_from_slice(hmac::sign(&self.key, &message(parts)?).as_ref());
        Ok(out)
    }

    /// Whether `tag` is the tag over `parts`; takes the same time for every wrong tag.
    pub fn verify(&self, parts: &[&[u8]], tag: &[u8]) -> bool {
        message(parts).is_ok_and(|message| hmac::verify(&self.key, &message, tag).is_ok())
    }
}

impl fmt::Debug for MacKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("MacKey").field("id", &self.id).finish_non_exhaustive()
    }
}

fn message(parts: &[&[u8]]) -> Result<Vec<u8>, VaultError> {
    let mut out = Vec::new();
    for part in parts {
        put(&mut out, part)?;
    }
    Ok(out)
}
