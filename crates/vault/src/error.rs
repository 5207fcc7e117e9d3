use std::io;
use std::path::PathBuf;

use keybearer_core::ids::{DataKeyId, EnvironmentId};
use keybearer_core::{Code, Error};

/// Why the vault could not seal, open, or get its keys. Never holds a secret.
#[derive(Debug, thiserror::Error)]
pub enum VaultError {
    /// The value was changed, shortened or moved, or a binding changed under it.
    #[error("the sealed value does not open in this place")]
    DoesNotOpen,
    /// The bytes do not have the layout of a sealed value.
    #[error("the bytes are not a sealed value")]
    Malformed,
    /// A format this version does not know.
    #[error("the sealed value has format {0}, which this version does not know")]
    UnknownFormat(u8),
    /// The data key that sealed it is not here, or belongs to another environment.
    #[error("data key {0} is not among the keys of the environment")]
    UnknownKey(DataKeyId),
    /// The environment has no data key to seal with.
    #[error("environment {0} has no primary data key")]
    NoPrimary(EnvironmentId),
    /// A field of a place is too long to be written down.
    #[error("a field of the place is longer than 4 GiB")]
    PlaceTooLong,
    /// The root key is another one than that which wrapped the value.
    #[error("the root key is not the one this installation was made with")]
    WrongRootKey,
    /// The root key is not 32 random bytes in base64 or hexadecimal.
    #[error("the root key must be 32 random bytes in base64 or hexadecimal ({0})")]
    RootKeyInvalid(&'static str),
    /// There is an installation but no key file; a new key would open nothing.
    #[error("key file {} is missing, and the database was made with it; restore it from your backup", .0.display())]
    RootKeyMissing(PathBuf),
    /// A key file is there already and is never replaced.
    #[error("key file {} exists already", .0.display())]
    RootKeyExists(PathBuf),
    /// Others on the machine can read or change the key file.
    #[error("key file {} is open to others (mode {mode:03o}); run chmod 600 on it", path.display())]
    KeyFileExposed {
        /// The file.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// The key file cannot be read or written.
    #[error("key file {} cannot be used: {source}", path.display())]
    KeyFile {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A key service did not do its part.
    #[error("the key service failed: {0}")]
    Provider(String),
    /// The random source or the cipher failed; nothing was sealed.
    #[error("the cryptographic library failed")]
    Crypto,
}

impl From<VaultError> for Error {
    fn from(error: VaultError) -> Self {
        let code = match &error {
            VaultError::DoesNotOpen
            | VaultError::Malformed
            | VaultError::UnknownFormat(_)
            | VaultError::UnknownKey(_) => Code::IntegrityError,
            VaultError::WrongRootKey
            | VaultError::RootKeyInvalid(_)
            | VaultError::RootKeyMissing(_)
            | VaultError::RootKeyExists(_)
            | VaultError::KeyFileExposed { .. }
            | VaultError::KeyFile { .. } => Code::ConfigInvalid,
            VaultError::Provider(_) => Code::Unavailable,
            VaultError::NoPrimary(_) | VaultError::PlaceTooLong | VaultError::Crypto => Code::Internal,
        };
        let mut converted = Self::new(code, error.to_string());
        converted.source = Some(Box::new(error));
        converted
    }
}
