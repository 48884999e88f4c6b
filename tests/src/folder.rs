//! A folder of its own for each test, removed with it.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

/// A fresh folder with mode 0700; removed when dropped.
#[derive(Debug)]
pub struct Folder(PathBuf);

impl Folder {
    /// Makes a folder whose name starts with `name`.
    ///
    /// # Panics
    /// If the temporary folder of the system is not writable.
    #[must_use]
    pub fn new(name: &str) -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let path =
            std::env::temp_dir().join(format!("meterbox-{name}-{}-{number}", std::process::id()));
        std::fs::create_dir_all(&path).expect("the temporary folder is writable");
        let private = std::os::unix::fs::PermissionsExt::from_mode(0o700);
        std::fs::set_permissions(&path, private).expect("the folder is ours");
        Self(path)
    }

    /// Where the folder is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.0
    }

    /// Writes `text` to the file `name` inside and gives its path.
    ///
    /// # Panics
    /// If the file cannot be written.
    pub fn write(&self, name: &str, text: impl AsRef<[u8]>) -> PathBuf {
        let file = self.0.join(name);
        if let Some(folder) = file.parent() {
            std::fs::create_dir_all(folder).expect("the folder is ours");
        }
        std::fs::write(&file, text).expect("the folder is writable");
        file
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        // A leftover in the temporary folder must not hide the failure that a test reports.
        drop(std::fs::remove_dir_all(&self.0));
    }
}
