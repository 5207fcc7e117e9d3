use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use keybearer_core::ids::{DataKeyId, EnvironmentId};
use keybearer_core::{Entropy, Secret, SecretBytes};

use crate::aead::{self, Key};
use crate::{DataKey, MacKey, Place, VaultError};

const FORMAT: u8 = 1;
const RECORD_INFO: &[u8] = b"keybearer vault record v1";
const PURPOSE_INFO: &[u8] = b"keybearer vault purpose v1";

/// What a data key is used for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyRole {
    /// Seals and opens; one per environment, the last one added counts.
    Primary,
    /// Opens only.
    Older,
}

/// All data keys of all environments. Immutable; a clone shares the keys.
#[derive(Clone, Default)]
pub struct Keyring {
    environments: Arc<BTreeMap<EnvironmentId, Vec<Entry>>>,
}

/// A data key; the first of an environment's list is its primary when `role` says so.
#[derive(Clone)]
struct Entry {
    id: DataKeyId,
    role: KeyRole,
    key: DataKey,
}

impl Keyring {
    /// A keyring without keys.
    pub fn new() -> Self {
        Self::default()
    }

    /// This keyring with one more key; a key of the same id is replaced, an earlier primary becomes older.
    #[must_use]
    pub fn with(&self, environment: &EnvironmentId, id: DataKeyId, key: DataKey, role: KeyRole) -> Self {
        let mut environments = BTreeMap::clone(&self.environments);
        let entries = environments.entry(environment.clone()).or_default();
        entries.retain(|entry| entry.id != id);
        let entry = Entry { id, role, key };
        match role {
            KeyRole::Primary => {
                entries.iter_mut().for_each(|other| other.role = KeyRole::Older);
                entries.insert(0, entry);
            }
            KeyRole::Older => entries.push(entry),
        }
        Self { environments: Arc::new(environments) }
    }

    /// This keyring without the keys of an environment.
    #[must_use]
    pub fn without(&self, environment: &EnvironmentId) -> Self {
        let mut environments = BTreeMap::clone(&self.environments);
        environments.remove(environment);
        Self { environments: Arc::new(environments) }
    }

    /// The environments that have keys here.
    pub fn environments(&self) -> impl Iterator<Item = &EnvironmentId> {
        self.environments.keys()
    }

    /// The id of the key that seals for `environment`.
    ///
    /// # Errors
    /// [`VaultError::NoPrimary`].
    pub fn primary(&self, environment: &EnvironmentId) -> Result<&DataKeyId, VaultError> {
        self.primary_entry(environment).map(|entry| &entry.id)
    }

    /// Seals `plaintext` for exactly `place`, with the environment's primary key.
    ///
    /// # Errors
    /// [`VaultError::NoPrimary`], and [`VaultError::Crypto`] when no random bytes are to be had.
    pub fn seal(
        &self,
        place: Place<'_>,
        plaintext: &[u8],
        entropy: &dyn Entropy,
    ) -> Result<Vec<u8>, VaultError> {
        let entry = self.primary_entry(place.environment)?;
        let id = entry.id.as_str().as_bytes();
        let id_length = u8::try_from(id.len()).map_err(|_| VaultError::PlaceTooLong)?;
        let mut out = Vec::with_capacity(2 + id.len() + 44 + plaintext.len());
        out.extend_from_slice(&[FORMAT, id_length]);
        out.extend_from_slice(id);
        aead::seal(&mut out, entry.key.material(), RECORD_INFO, &place.encode()?, plaintext, entropy)?;
        Ok(out)
    }

    /// Opens what [`Keyring::seal`] made for the same place.
    ///
    /// # Errors
    /// [`VaultError::DoesNotOpen`] when the value or its place is another one, [`VaultError::UnknownKey`],
    /// [`VaultError::UnknownFormat`] and [`VaultError::Malformed`] when it cannot even be tried.
    pub fn open(&self, place: Place<'_>, sealed: &[u8]) -> Result<SecretBytes, VaultError> {
        let parts = Parts::read(sealed)?;
        let entry = self.entry(place.environment, &parts.key)?;
        aead::open(parts.header, parts.body, entry.key.material(), RECORD_INFO, &place.encode()?)
    }

    /// What every value begins with that this key seals, and no value of another key.
    pub fn prefix(key: &DataKeyId) -> Vec<u8> {
        let id = key.as_str().as_bytes();
        // ids have at most 32 characters
        let mut prefix = vec![FORMAT, u8::try_from(id.len()).unwrap_or(u8::MAX)];
        prefix.extend_from_slice(id);
        prefix
    }

    /// The id of the data key that sealed a value.
    ///
    /// # Errors
    /// [`VaultError::UnknownFormat`] and [`VaultError::Malformed`].
    pub fn key_of(sealed: &[u8]) -> Result<DataKeyId, VaultError> {
        Parts::read(sealed).map(|parts| parts.key)
    }

    /// Whether a value should be sealed again because another key than a primary one sealed it.
    ///
    /// # Errors
    /// Those of [`Keyring::key_of`], and [`VaultError::UnknownKey`] when no environment has the key.
    pub fn needs_reseal(&self, sealed: &[u8]) -> Result<bool, VaultError> {
        let key = Self::key_of(sealed)?;
        let entry = self.environments.values().flatten().find(|entry| entry.id == key);
        entry.map(|entry| entry.role != KeyRole::Primary).ok_or(VaultError::UnknownKey(key))
    }

    /// The same secret under the primary key; `None` when it is there already.
    ///
    /// # Errors
    /// Those of [`Keyring::open`] and [`Keyring::seal`].
    pub fn reseal(
        &self,
        place: Place<'_>,
        sealed: &[u8],
        entropy: &dyn Entropy,
    ) -> Result<Option<Vec<u8>>, VaultError> {
        if Self::key_of(sealed)? == *self.primary(place.environment)? {
            return Ok(None);
        }
        let plaintext = self.open(place, sealed)?;
        self.seal(place, plaintext.expose(), entropy).map(Some)
    }

    /// 32 secret bytes for one purpose, from the environment's primary key; other purposes give unrelated bytes.
    ///
    /// They change with the primary key: keep them no longer than that, or use [`Keyring::mac_keys`].
    ///
    /// # Errors
    /// [`VaultError::NoPrimary`].
    pub fn derive(&self, environment: &EnvironmentId, purpose: &str) -> Result<SecretBytes, VaultError> {
        let key = purpose_key(self.primary_entry(environment)?, purpose)?;
        Ok(Secret::new(key.expose().to_vec()))
    }

    /// The MAC key of one purpose that signs new values.
    ///
    /// # Errors
    /// [`VaultError::NoPrimary`].
    pub fn mac_key(&self, environment: &EnvironmentId, purpose: &str) -> Result<MacKey, VaultError> {
        let entry = self.primary_entry(environment)?;
        Ok(MacKey::new(entry.id.clone(), &purpose_key(entry, purpose)?))
    }

    /// The MAC keys of one purpose that a value may have been signed with, the newest first.
    ///
    /// # Errors
    /// [`VaultError::NoPrimary`] when the environment has no keys.
    pub fn mac_keys(&self, environment: &EnvironmentId, purpose: &str) -> Result<Vec<MacKey>, VaultError> {
        self.primary_entry(environment)?;
        let entries = self.environments.get(environment).into_iter().flatten();
        entries.map(|entry| Ok(MacKey::new(entry.id.clone(), &purpose_key(entry, purpose)?))).collect()
    }

    /// The tag over `parts` for one purpose, with the primary key.
    ///
    /// # Errors
    /// [`VaultError::NoPrimary`].
    pub fn mac(
        &self,
        environment: &EnvironmentId,
        purpose: &str,
        parts: &[&[u8]],
    ) -> Result<[u8; 32], VaultError> {
        self.mac_key(environment, purpose)?.sign(parts)
    }

    /// The key that made `tag` over `parts` for one purpose, primary or older; `None` when none did.
    ///
    /// # Errors
    /// [`VaultError::NoPrimary`] when the environment has no keys.
    pub fn verify_mac(
        &self,
        environment: &EnvironmentId,
        purpose: &str,
        parts: &[&[u8]],
        tag: &[u8],
    ) -> Result<Option<DataKeyId>, VaultError> {
        let keys = self.mac_keys(environment, purpose)?;
        Ok(keys.iter().find(|key| key.verify(parts, tag)).map(|key| key.key_id().clone()))
    }

    fn entry(&self, environment: &EnvironmentId, id: &DataKeyId) -> Result<&Entry, VaultError> {
        let entries = self.environments.get(environment).into_iter().flatten();
        entries.into_iter().find(|entry| entry.id == *id).ok_or_else(|| VaultError::UnknownKey(id.clone()))
    }

    fn primary_entry(&self, environment: &EnvironmentId) -> Result<&Entry, VaultError> {
        self.environments
            .get(environment)
            .and_then(|entries| entries.first())
            .filter(|entry| entry.role == KeyRole::Primary)
            .ok_or_else(|| VaultError::NoPrimary(environment.clone()))
    }
}

impl fmt::Debug for Keyring {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ids = |entries: &Vec<Entry>| entries.iter().map(|entry| entry.id.clone()).collect::<Vec<_>>();
        formatter.debug_map().entries(self.environments.iter().map(|(name, keys)| (name, ids(keys)))).finish()
    }
}

fn purpose_key(entry: &Entry, purpose: &str) -> Result<Key, VaultError> {
    aead::derive(entry.key.material(), PURPOSE_INFO, &[purpose.as_bytes()])
}

/// A sealed value, taken apart.
struct Parts<'a> {
    key: DataKeyId,
    /// Format and key id: authenticated, not encrypted.
    header: &'a [u8],
    /// Salt, nonce, ciphertext and tag.
    body: &'a [u8],
}

impl<'a> Parts<'a> {
    fn read(sealed: &'a [u8]) -> Result<Self, VaultError> {
        let (&format, rest) = sealed.split_first().ok_or(VaultError::Malformed)?;
        if format != FORMAT {
            return Err(VaultError::UnknownFormat(format));
        }
        let (&id_length, _) = rest.split_first().ok_or(VaultError::Malformed)?;
        let (header, body) =
            sealed.split_at_checked(2 + usize::from(id_length)).ok_or(VaultError::Malformed)?;
        let id = header.get(2..).and_then(|id| std::str::from_utf8(id).ok()).ok_or(VaultError::Malformed)?;
        let key = DataKeyId::parse(id).ok_or(VaultError::Malformed)?;
        Ok(Self { key, header, body })
    }
}
