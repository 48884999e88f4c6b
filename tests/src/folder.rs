//! A folder of its own for each test, removed with it.

use std::path::{Path, PathBuf};
use tempfile::TempDir;

/// A fresh folder with mode 0700; removed when dropped.
#[derive(Debug)]
pub struct Folder(TempDir);

impl Folder {
    /// Makes a folder whose name starts with `name`.
    ///
    /// # Panics
    /// If the temporary folder of the system is not writable.
    #[must_use]
    pub fn new(name: &str) -> Self {
        let folder = tempfile::Builder::new()
            .prefix(&format!("meterbox-{name}-"))
            .tempdir();
        Self(folder.expect("the temporary folder is writable"))
    }

    /// Where the folder is.
    #[must_use]
    pub fn path(&self) -> &Path {
        self.0.path()
    }

    /// Writes `text` to the file `name` inside and gives its path.
    ///
    /// # Panics
    /// If the file cannot be written.
    pub fn write(&self, name: &str, text: impl AsRef<[u8]>) -> PathBuf {
        let file = self.path().join(name);
        if let Some(folder) = file.parent() {
            std::fs::create_dir_all(folder).expect("the folder is ours");
        }
        std::fs::write(&file, text).expect("the folder is writable");
        file
    }
}
