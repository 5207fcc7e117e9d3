//! Authenticator data ([WebAuthn §6.1](https://www.w3.org/TR/webauthn-3/#sctn-authenticator-data)).

use super::cbor;

/// What an authenticator says and signs.
#[derive(Debug)]
pub(super) struct AuthenticatorData<'a> {
    /// SHA-256 of the RP id it was asked for.
    pub rp_id_hash: &'a [u8],
    flags: u8,
    /// How often it signed; 0 when it does not count.
    pub sign_count: u32,
    /// The new credential, at registration.
    pub credential: Option<Credential<'a>>,
}

/// A new credential.
#[derive(Debug)]
pub(super) struct Credential<'a> {
    /// Its id.
    pub id: &'a [u8],
    /// Its public key, in COSE's form.
    pub key: &'a [u8],
}

impl<'a> AuthenticatorData<'a> {
    /// Reads it; every byte must belong to something.
    pub fn read(bytes: &'a [u8]) -> Option<Self> {
        let (rp_id_hash, rest) = bytes.split_at_checked(32)?;
        let (flags, rest) = rest.split_first()?;
        let (count, rest) = rest.split_first_chunk::<4>()?;
        let (credential, rest) = match flags & 0x40 != 0 {
            true => Credential::read(rest).map(|(credential, rest)| (Some(credential), rest))?,
            false => (None, rest),
        };
        let rest = match flags & 0x80 != 0 {
            true => cbor::read(rest).filter(|(item, _)| matches!(item, cbor::Item::Map(_)))?.1,
            false => rest,
        };
        let data = Self { rp_id_hash, flags: *flags, sign_count: u32::from_be_bytes(*count), credential };
        rest.is_empty().then_some(data)
    }

    /// Somebody touched it.
    pub fn user_present(&self) -> bool {
        self.flags & 0x01 != 0
    }

    /// It made sure who: by a PIN, a finger, a face.
    pub fn user_verified(&self) -> bool {
        self.flags & 0x04 != 0
    }

    /// The credential may exist on several devices.
    pub fn backup_eligible(&self) -> bool {
        self.flags & 0x08 != 0
    }

    /// It does.
    pub fn backed_up(&self) -> bool {
        self.flags & 0x10 != 0
    }
}

impl<'a> Credential<'a> {
    fn read(bytes: &'a [u8]) -> Option<(Self, &'a [u8])> {
        let (_aaguid, rest) = bytes.split_at_checked(16)?;
        let (length, rest) = rest.split_first_chunk::<2>()?;
        let length = usize::from(u16::from_be_bytes(*length));
        // 1023 bytes at most: §7.1 step 25
        let (id, rest) = rest.split_at_checked(length).filter(|_| (1..=1023).contains(&length))?;
        let (_, behind) = cbor::read(rest)?;
        let (key, _) = rest.split_at_checked(rest.len() - behind.len())?;
        Some((Self { id, key }, behind))
    }
}
