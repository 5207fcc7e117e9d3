//! The name under which this process holds leases: the same after a restart, so that its own leftovers are
//! recovered at once, and another one in every process that runs at the same time.

use std::fs::{File, OpenOptions};
use std::io::{Read as _, Seek as _, Write as _};
use std::path::Path;

use keybearer_core::{Entropy, Result, random_token};

/// A node name and the lock that makes it ours.
#[derive(Debug)]
pub(crate) struct NodeName {
    /// `stable.` : the part that survives a restart.
    pub prefix: String,
    /// `stable.start`: this run.
    pub name: String,
    _lock: Option<File>,
}

impl NodeName {
    /// Takes the name that `folder` keeps; a new one when there is no folder or another process uses it.
    ///
    /// # Errors
    /// Those of the random source.
    pub fn take(folder: Option<&Path>, entropy: &dyn Entropy) -> Result<Self> {
        let fresh = random_token(entropy, 8)?;
        let held = folder.and_then(|folder| hold(folder, &fresh));
        let (stable, lock) = match held {
            Some((stable, file)) => (stable, Some(file)),
            None => (fresh, None),
        };
        let prefix = format!("{stable}.");
        Ok(Self { name: format!("{prefix}{}", random_token(entropy, 5)?), prefix, _lock: lock })
    }
}

/// The stored name, locked for as long as the file lives; `None` when it cannot be had.
fn hold(folder: &Path, fresh: &str) -> Option<(String, File)> {
    std::fs::create_dir_all(folder).ok()?;
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false);
    let mut file = options.open(folder.join("node")).ok()?;
    file.try_lock().ok()?;
    let mut stored = String::new();
    file.read_to_string(&mut stored).ok()?;
    let stored = stored.trim();
    let well_formed =
        (8..=32).contains(&stored.len()) && stored.bytes().all(|byte| byte.is_ascii_alphanumeric());
    if well_formed {
        return Some((stored.to_owned(), file));
    }
    file.rewind().ok()?;
    file.set_len(0).ok()?;
    file.write_all(fresh.as_bytes()).ok()?;
    file.sync_all().ok()?;
    Some((fresh.to_owned(), file))
}

#[cfg(test)]
mod tests {
    use keybearer_core::OsEntropy;

    use super::*;

    #[test]
    fn a_restart_keeps_the_prefix_and_changes_the_name() {
        let folder = tempfile::tempdir().unwrap();
        let first = NodeName::take(Some(folder.path()), &OsEntropy).unwrap();
        let (prefix, name) = (first.prefix.clone(), first.name.clone());
        drop(first);
        let second = NodeName::take(Some(folder.path()), &OsEntropy).unwrap();
        assert_eq!(second.prefix, prefix);
        assert_ne!(second.name, name);
    }

    #[test]
    fn two_processes_on_one_folder_have_different_names() {
        let folder = tempfile::tempdir().unwrap();
        let first = NodeName::take(Some(folder.path()), &OsEntropy).unwrap();
        let second = NodeName::take(Some(folder.path()), &OsEntropy).unwrap();
        assert_ne!(first.prefix, second.prefix);
    }
}
