use std::fs::{File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::path::Path;

use keybearer_core::{Entropy, Secret};

use crate::{LocalKey, VaultError};

/// More than any form of a key takes; a larger file is something else.
const MAX_FILE_BYTES: u64 = 1024;

/// Whether a database made with a root key exists already.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Installation {
    /// The first start: a key may be made.
    New,
    /// Secrets exist that only the old key opens: a new key is never made.
    Existing,
}

/// Where a root key came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyOrigin {
    /// The file was there.
    Loaded,
    /// The file was made just now; tell the operator to keep a copy.
    Created,
}

impl LocalKey {
    /// Reads a key file: the text forms of [`LocalKey::from_text`].
    ///
    /// # Errors
    /// [`VaultError::RootKeyInvalid`], [`VaultError::KeyFileExposed`] when others on the machine have access to
    /// it, [`VaultError::KeyFile`] when it cannot be read.
    pub fn load(path: &Path) -> Result<Self, VaultError> {
        let failed = |source| VaultError::KeyFile { path: path.to_owned(), source };
        let file = File::open(path).map_err(failed)?;
        check_mode(path, &file)?;
        let mut bytes = Vec::with_capacity(MAX_FILE_BYTES as usize);
        file.take(MAX_FILE_BYTES).read_to_end(&mut bytes).map_err(failed)?;
        let bytes = Secret::new(bytes);
        let text = std::str::from_utf8(bytes.expose())
            .map_err(|_| VaultError::RootKeyInvalid("it is neither"))
            .map(|text| Secret::new(text.to_owned()))?;
        Self::from_text(&text)
    }

    /// Makes a new key and its file, readable by this user only.
    ///
    /// # Errors
    /// [`VaultError::RootKeyExists`] when there is a file, whatever is in it; [`VaultError::KeyFile`] when it
    /// cannot be written, and then no file is left behind.
    pub fn create(path: &Path, entropy: &dyn Entropy) -> Result<Self, VaultError> {
        let key = Self::generate(entropy)?;
        let mut file = create_new(path).map_err(|source| match source.kind() {
            io::ErrorKind::AlreadyExists => VaultError::RootKeyExists(path.to_owned()),
            _ => VaultError::KeyFile { path: path.to_owned(), source },
        })?;
        write_durably(&mut file, path, &key).map_err(|source| {
            let _ = std::fs::remove_file(path);
            VaultError::KeyFile { path: path.to_owned(), source }
        })?;
        Ok(key)
    }

    /// Reads the key file, or makes it on the first start.
    ///
    /// # Errors
    /// [`VaultError::RootKeyMissing`] when there is no file but an installation; otherwise those of
    /// [`LocalKey::load`] and [`LocalKey::create`].
    pub fn load_or_create(
        path: &Path,
        installation: Installation,
        entropy: &dyn Entropy,
    ) -> Result<(Self, KeyOrigin), VaultError> {
        match (Self::load(path), installation) {
            (Err(VaultError::KeyFile { source, .. }), _) if source.kind() != io::ErrorKind::NotFound => {
                Err(VaultError::KeyFile { path: path.to_owned(), source })
            }
            (Err(VaultError::KeyFile { .. }), Installation::New) => {
                Ok((Self::create(path, entropy)?, KeyOrigin::Created))
            }
            (Err(VaultError::KeyFile { .. }), Installation::Existing) => {
                Err(VaultError::RootKeyMissing(path.to_owned()))
            }
            (loaded, _) => loaded.map(|key| (key, KeyOrigin::Loaded)),
        }
    }
}

fn create_new(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

fn write_durably(file: &mut File, path: &Path, key: &LocalKey) -> io::Result<()> {
    let text = key.to_text();
    file.write_all(text.expose().as_bytes())?;
    file.write_all(b"\n")?;
    file.sync_all()?;
    // the name too must survive a power cut, or the next start would find secrets without their key
    #[cfg(unix)]
    if let Some(parent) = path.parent() {
        let parent = if parent.as_os_str().is_empty() { Path::new(".") } else { parent };
        File::open(parent)?.sync_all()?;
    }
    Ok(())
}

#[cfg(unix)]
fn check_mode(path: &Path, file: &File) -> Result<(), VaultError> {
    use std::os::unix::fs::PermissionsExt as _;
    let failed = |source| VaultError::KeyFile { path: path.to_owned(), source };
    let mode = file.metadata().map_err(failed)?.permissions().mode() & 0o777;
    // a group may read: that is how orchestrators hand a secret to a process that is not root
    if mode & 0o027 != 0 {
        return Err(VaultError::KeyFileExposed { path: path.to_owned(), mode });
    }
    Ok(())
}

#[cfg(not(unix))]
fn check_mode(_path: &Path, _file: &File) -> Result<(), VaultError> {
    Ok(())
}
