//! The server's own folder for unpacked models and sockets: private, and gone when it ends.
//!
//! What a server left that was killed is removed by the next one: each holds a lock on its folder.

use rustix::fs::{FlockOperation, flock};
use std::fs::{DirBuilder, File};
use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

const PREFIX: &str = "meterbox-models-";
const LOCK: &str = "lock";

/// A folder below the temporary folder.
#[derive(Debug)]
pub(super) struct WorkFolder {
    path: PathBuf,
    /// Held as long as the folder is in use.
    _lock: File,
}

impl WorkFolder {
    /// Makes a new one, and removes those that nobody holds any more.
    pub(super) fn create(temp_folder: &Path) -> io::Result<Self> {
        remove_left_over(temp_folder);
        // Short, since the name of a socket has at most 107 bytes.
        let id = uuid::Uuid::new_v4().simple().to_string();
        let path = temp_folder.join(format!("{PREFIX}{}", &id[..12]));
        DirBuilder::new().mode(0o700).create(&path)?;
        let lock = File::create(path.join(LOCK))?;
        flock(&lock, FlockOperation::NonBlockingLockExclusive)?;
        std::fs::create_dir(path.join("models"))?;
        Ok(Self { path, _lock: lock })
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Removes it at the end of the server.
    pub(super) fn remove(&self) {
        // The next server removes what is left.
        let _ = std::fs::remove_dir_all(&self.path);
    }

    /// Where archives are unpacked.
    pub(super) fn models(&self) -> PathBuf {
        self.path.join("models")
    }
}

impl Drop for WorkFolder {
    fn drop(&mut self) {
        self.remove();
    }
}

fn remove_left_over(temp_folder: &Path) {
    let Ok(entries) = std::fs::read_dir(temp_folder) else {
        return;
    };
    for entry in entries.flatten() {
        if !entry.file_name().to_string_lossy().starts_with(PREFIX) {
            continue;
        }
        let path = entry.path();
        // A folder of another user cannot be opened, and is none of ours.
        let Ok(lock) = File::options().write(true).open(path.join(LOCK)) else {
            continue;
        };
        if flock(&lock, FlockOperation::NonBlockingLockExclusive).is_ok() {
            let _ = std::fs::remove_dir_all(&path);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tempfile::tempdir;

    #[test]
    fn a_folder_is_private_and_goes_with_its_server() {
        use std::os::unix::fs::PermissionsExt;
        let temp = tempdir().unwrap();
        let work = WorkFolder::create(temp.path()).unwrap();
        let mode = work.path().metadata().unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o700);
        assert!(work.models().is_dir());
        let path = work.path().to_owned();
        drop(work);
        assert!(!path.exists());
    }

    #[test]
    fn what_a_killed_server_left_is_removed_and_what_is_in_use_is_not() {
        let temp = tempdir().unwrap();
        let left = temp.path().join(format!("{PREFIX}dead"));
        std::fs::create_dir_all(left.join("models/x")).unwrap();
        std::fs::write(left.join(LOCK), "").unwrap();
        let foreign = temp.path().join("other");
        std::fs::create_dir(&foreign).unwrap();
        let first = WorkFolder::create(temp.path()).unwrap();
        let second = WorkFolder::create(temp.path()).unwrap();
        assert!(!left.exists() && foreign.exists());
        assert!(first.path().exists() && second.path().exists());
    }
}
