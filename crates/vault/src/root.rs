use std::fmt;
use std::future::{Future, ready};
use std::pin::Pin;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE, URL_SAFE_NO_PAD};
use keybearer_core::ids::{DataKeyId, EnvironmentId};
use keybearer_core::{Entropy, Secret, SecretString, from_hex, to_hex};

use crate::VaultError;
use crate::aead::{self, KEY_BYTES, Key};
use crate::place::put;

const FORMAT: u8 = 1;
const WRAP_INFO: &[u8] = b"keybearer vault wrap v1";
const FINGERPRINT_INFO: &[u8] = b"keybearer vault root fingerprint v1";
const FINGERPRINT_BYTES: usize = 8;
/// What a key check holds; it is no secret.
const CHECK_VALUE: [u8; KEY_BYTES] = *b"keybearer root key check value 1";

/// What a [`KeyProvider`] answers with.
pub type KeyFuture<'a, T> = Pin<Box<dyn Future<Output = Result<T, VaultError>> + Send + 'a>>;

/// Holds a root key and wraps data keys with it; the root key itself never comes out.
pub trait KeyProvider: Send + Sync + 'static {
    /// The name of the root key for lists and logs, for example `local:1f0c55aa90b3d2e4`.
    fn id(&self) -> String;

    /// Wraps a data key; only the same context unwraps it.
    ///
    /// # Errors
    /// [`VaultError::Provider`] when a key service does not answer, [`VaultError::Crypto`].
    fn wrap<'a>(
        &'a self,
        context: KeyContext<'a>,
        key: &'a DataKey,
        entropy: &'a dyn Entropy,
    ) -> KeyFuture<'a, Vec<u8>>;

    /// Unwraps a data key.
    ///
    /// # Errors
    /// [`VaultError::WrongRootKey`] when another root key wrapped it, [`VaultError::DoesNotOpen`] when it was
    /// changed or moved, [`VaultError::Provider`] when a key service does not answer.
    fn unwrap<'a>(&'a self, context: KeyContext<'a>, wrapped: &'a [u8]) -> KeyFuture<'a, DataKey>;
}

/// What a wrapped key is bound to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeyContext<'a> {
    /// The installation.
    pub installation: &'a str,
    /// The environment whose secrets the key seals.
    pub environment: &'a EnvironmentId,
    /// The key's id.
    pub key: &'a DataKeyId,
}

impl KeyContext<'_> {
    fn encode(&self) -> Result<Vec<u8>, VaultError> {
        let mut out = Vec::with_capacity(96);
        for field in ["data_key", self.installation, self.environment.as_str(), self.key.as_str()] {
            put(&mut out, field.as_bytes())?;
        }
        Ok(out)
    }
}

/// The key that seals the secrets of one environment.
#[derive(Clone)]
pub struct DataKey(Key);

impl DataKey {
    /// A new random key.
    ///
    /// # Errors
    /// [`VaultError::Crypto`] when no random bytes are to be had.
    pub fn generate(entropy: &dyn Entropy) -> Result<Self, VaultError> {
        random_key(entropy).map(Self)
    }

    /// A key that a key service unwrapped.
    ///
    /// # Errors
    /// [`VaultError::Malformed`] unless it has 32 bytes.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, VaultError> {
        <[u8; KEY_BYTES]>::try_from(bytes)
            .map(|key| Self(Secret::new(key)))
            .map_err(|_| VaultError::Malformed)
    }

    /// The raw key, for a key service to wrap.
    pub fn expose(&self) -> &[u8] {
        self.0.expose()
    }

    pub(crate) fn material(&self) -> &Key {
        &self.0
    }
}

impl fmt::Debug for DataKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("DataKey(***)")
    }
}

/// A root key that this process holds itself.
#[derive(Clone)]
pub struct LocalKey {
    key: Key,
    fingerprint: [u8; FINGERPRINT_BYTES],
}

impl LocalKey {
    /// A new random root key.
    ///
    /// # Errors
    /// [`VaultError::Crypto`] when no random bytes are to be had.
    pub fn generate(entropy: &dyn Entropy) -> Result<Self, VaultError> {
        Self::new(random_key(entropy)?)
    }

    /// Reads 32 bytes from base64 (either alphabet) or hexadecimal text; white space around it is ignored.
    ///
    /// # Errors
    /// [`VaultError::RootKeyInvalid`] for another length, and for bytes that no random source gives: a repeated
    /// pattern or typed text.
    pub fn from_text(text: &SecretString) -> Result<Self, VaultError> {
        let text = text.expose().trim();
        let bytes = Secret::new(decode(text).ok_or(VaultError::RootKeyInvalid("it is neither"))?);
        let key = <[u8; KEY_BYTES]>::try_from(bytes.expose().as_slice())
            .map(Secret::new)
            .map_err(|_| VaultError::RootKeyInvalid("it has another length"))?;
        if !looks_random(key.expose()) {
            return Err(VaultError::RootKeyInvalid("it is not random"));
        }
        Self::new(key)
    }

    /// The key as base64, for the key file and for a person who must keep a copy.
    pub fn to_text(&self) -> SecretString {
        Secret::new(STANDARD.encode(self.key.expose()))
    }

    fn new(key: Key) -> Result<Self, VaultError> {
        let derived = aead::derive(&key, FINGERPRINT_INFO, &[])?;
        let mut fingerprint = [0_u8; FINGERPRINT_BYTES];
        fingerprint.iter_mut().zip(derived.expose()).for_each(|(to, from)| *to = *from);
        Ok(Self { key, fingerprint })
    }

    fn seal_key(&self, aad: &[u8], key: &[u8], entropy: &dyn Entropy) -> Result<Vec<u8>, VaultError> {
        let mut out = Vec::with_capacity(1 + FINGERPRINT_BYTES + 76);
        out.push(FORMAT);
        out.extend_from_slice(&self.fingerprint);
        aead::seal(&mut out, &self.key, WRAP_INFO, aad, key, entropy)?;
        Ok(out)
    }

    fn open_key(&self, aad: &[u8], wrapped: &[u8]) -> Result<DataKey, VaultError> {
        let (header, body) = wrapped.split_at_checked(1 + FINGERPRINT_BYTES).ok_or(VaultError::Malformed)?;
        let (&format, fingerprint) = header.split_first().ok_or(VaultError::Malformed)?;
        if format != FORMAT {
            return Err(VaultError::UnknownFormat(format));
        }
        if fingerprint != self.fingerprint {
            return Err(VaultError::WrongRootKey);
        }
        DataKey::from_bytes(aead::open(header, body, &self.key, WRAP_INFO, aad)?.expose())
    }
}

impl KeyProvider for LocalKey {
    fn id(&self) -> String {
        format!("local:{}", to_hex(&self.fingerprint))
    }

    fn wrap<'a>(
        &'a self,
        context: KeyContext<'a>,
        key: &'a DataKey,
        entropy: &'a dyn Entropy,
    ) -> KeyFuture<'a, Vec<u8>> {
        let wrapped = context.encode().and_then(|aad| self.seal_key(&aad, key.expose(), entropy));
        Box::pin(ready(wrapped))
    }

    fn unwrap<'a>(&'a self, context: KeyContext<'a>, wrapped: &'a [u8]) -> KeyFuture<'a, DataKey> {
        Box::pin(ready(context.encode().and_then(|aad| self.open_key(&aad, wrapped))))
    }
}

impl fmt::Debug for LocalKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_tuple("LocalKey").field(&self.id()).finish()
    }
}

/// The stored value by which a wrong root key is noticed at the start.
#[derive(Clone, Copy, Debug)]
pub struct KeyCheck;

impl KeyCheck {
    /// The value to store beside the installation.
    ///
    /// # Errors
    /// Those of [`KeyProvider::wrap`].
    pub async fn make(
        provider: &dyn KeyProvider,
        installation: &str,
        entropy: &dyn Entropy,
    ) -> Result<Vec<u8>, VaultError> {
        let value = DataKey(Secret::new(CHECK_VALUE));
        let (environment, key) = Self::ids();
        let context = KeyContext { installation, environment: &environment, key: &key };
        provider.wrap(context, &value, entropy).await
    }

    /// Checks that `provider` holds the root key that the installation was made with.
    ///
    /// # Errors
    /// [`VaultError::WrongRootKey`] when it does not or the value was changed; otherwise those of
    /// [`KeyProvider::unwrap`].
    pub async fn verify(
        provider: &dyn KeyProvider,
        installation: &str,
        stored: &[u8],
    ) -> Result<(), VaultError> {
        let (environment, key) = Self::ids();
        let context = KeyContext { installation, environment: &environment, key: &key };
        match provider.unwrap(context, stored).await {
            Ok(value) if value.expose() == CHECK_VALUE => Ok(()),
            Ok(_) | Err(VaultError::DoesNotOpen | VaultError::Malformed) => Err(VaultError::WrongRootKey),
            Err(error) => Err(error),
        }
    }

    /// Ids that no real key has, so that a check can never be taken for a data key.
    fn ids() -> (EnvironmentId, DataKeyId) {
        (EnvironmentId::from_stored("key check".to_owned()), DataKeyId::from_stored("key check".to_owned()))
    }
}

/// Moves a wrapped data key from one root key to another, for a change of root key.
///
/// # Errors
/// Those of [`KeyProvider::unwrap`] and [`KeyProvider::wrap`].
pub async fn rewrap(
    from: &dyn KeyProvider,
    to: &dyn KeyProvider,
    context: KeyContext<'_>,
    wrapped: &[u8],
    entropy: &dyn Entropy,
) -> Result<Vec<u8>, VaultError> {
    let key = from.unwrap(context, wrapped).await?;
    to.wrap(context, &key, entropy).await
}

fn random_key(entropy: &dyn Entropy) -> Result<Key, VaultError> {
    let mut bytes = [0_u8; KEY_BYTES];
    entropy.fill(&mut bytes).map_err(|_| VaultError::Crypto)?;
    Ok(Secret::new(bytes))
}

fn decode(text: &str) -> Option<Vec<u8>> {
    if text.len() == 2 * KEY_BYTES
        && let Some(bytes) = from_hex(text)
    {
        return Some(bytes);
    }
    [STANDARD, STANDARD_NO_PAD, URL_SAFE, URL_SAFE_NO_PAD].iter().find_map(|engine| engine.decode(text).ok())
}

/// Whether bytes could come from a random source; a random key fails with a chance below 2^-40.
fn looks_random(bytes: &[u8; KEY_BYTES]) -> bool {
    let steps = bytes.windows(2).filter_map(|pair| match pair {
        [first, second] => Some(second.wrapping_sub(*first)),
        _ => None,
    });
    let typed = bytes.iter().all(|byte| (0x20..0x7f).contains(byte));
    !typed && distinct(bytes.iter().copied()) >= KEY_BYTES / 2 && distinct(steps) >= KEY_BYTES / 2
}

fn distinct(bytes: impl Iterator<Item = u8>) -> usize {
    bytes.collect::<std::collections::BTreeSet<u8>>().len()
}
