//! The model store: a folder of archives, and the only place that models come from.
//!
//! URLs other than bare names are refused until `allowed_urls` can be set; nothing is fetched.
//!
//! **Source:** the texts are TorchServe 0.12's.

use super::name;
use std::path::{Path, PathBuf};

/// What an archive's name may end in; a folder has a manifest instead.
const ENDINGS: [&str; 3] = [".mar", ".tar.gz", ".tgz"];

/// The folder of archives, or none.
#[derive(Debug, Clone)]
pub struct Store {
    folder: Option<PathBuf>,
}

/// Why there is no such archive.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StoreError {
    /// The URL is empty.
    #[error("empty url")]
    EmptyUrl,
    /// The URL leads upwards.
    #[error("Relative path is not allowed in url: {0}")]
    Relative(String),
    /// The URL leads out of the store.
    #[error("Given URL {0} does not match any allowed URL(s)")]
    NotAllowed(String),
    /// There is no such archive.
    #[error("Model not found at: {0}")]
    NotFound(String),
}

impl Store {
    /// The store in `folder`.
    #[must_use]
    pub fn new(folder: Option<PathBuf>) -> Self {
        Self { folder }
    }

    /// The archive that `url` names.
    ///
    /// # Errors
    /// It is no bare name, or nothing in the store has it.
    pub fn locate(&self, url: &str) -> Result<PathBuf, StoreError> {
        if url.is_empty() {
            return Err(StoreError::EmptyUrl);
        }
        if url.contains("..") {
            return Err(StoreError::Relative(url.to_owned()));
        }
        if url.contains("://") || url.starts_with("file:") {
            return Err(StoreError::NotAllowed(url.to_owned()));
        }
        let not_found = || StoreError::NotFound(url.to_owned());
        if !is_bare(url) {
            return Err(not_found());
        }
        let path = self.folder.as_ref().ok_or_else(not_found)?.join(url);
        if path.exists() {
            Ok(path)
        } else {
            Err(not_found())
        }
    }

    /// All archives in it, by name.
    ///
    /// # Errors
    /// The folder cannot be read.
    pub fn list(&self) -> std::io::Result<Vec<String>> {
        let Some(folder) = &self.folder else {
            return Ok(Vec::new());
        };
        let mut found = Vec::new();
        for entry in std::fs::read_dir(folder)? {
            let entry = entry?;
            let Ok(name) = entry.file_name().into_string() else {
                continue;
            };
            let path = entry.path();
            let has_ending = ENDINGS.iter().any(|ending| name.ends_with(ending));
            let is_archive = if path.is_dir() {
                path.join("MAR-INF").is_dir()
            } else {
                has_ending
            };
            if is_bare(&name) && is_archive {
                found.push(name);
            }
        }
        found.sort();
        Ok(found)
    }

    /// The name of a model whose archive names none: its file's name without the ending.
    #[must_use]
    pub fn default_name(url: &str) -> String {
        let cut = ENDINGS
            .iter()
            .find_map(|ending| url.strip_suffix(ending))
            .unwrap_or(url);
        let plain = |c: char| {
            if name::is_valid(&format!("x{c}")) {
                c
            } else {
                '_'
            }
        };
        cut.chars().map(plain).collect()
    }

    /// Its folder.
    #[must_use]
    pub fn folder(&self) -> Option<&Path> {
        self.folder.as_deref()
    }
}

/// Whether it is one part of a path that is safe to print.
fn is_bare(name: &str) -> bool {
    let plain = |c: char| !c.is_control() && !matches!(c, '/' | '\\');
    !name.is_empty() && name.len() <= 255 && !name.starts_with('.') && name.chars().all(plain)
}

#[cfg(test)]
mod tests {
    use super::*;
    use tempfile::tempdir;

    #[test]
    fn only_bare_names_of_the_store_are_found() {
        let folder = tempdir().unwrap();
        std::fs::write(folder.path().join("noop.mar"), "x").unwrap();
        std::fs::create_dir(folder.path().join("sub")).unwrap();
        std::fs::write(folder.path().join("sub/x.mar"), "x").unwrap();
        let store = Store::new(Some(folder.path().to_owned()));
        assert_eq!(
            store.locate("noop.mar").unwrap(),
            folder.path().join("noop.mar")
        );
        for (url, error) in [
            ("", "empty url"),
            ("nosuch.mar", "Model not found at: nosuch.mar"),
            (
                "../noop.mar",
                "Relative path is not allowed in url: ../noop.mar",
            ),
            (
                "http://127.0.0.1:9/x.mar",
                "Given URL http://127.0.0.1:9/x.mar does not match any allowed URL(s)",
            ),
            (
                "file:///etc/passwd",
                "Given URL file:///etc/passwd does not match any allowed URL(s)",
            ),
            ("/etc/passwd", "Model not found at: /etc/passwd"),
            ("sub/x.mar", "Model not found at: sub/x.mar"),
            ("a\\b", "Model not found at: a\\b"),
            (".hidden", "Model not found at: .hidden"),
        ] {
            assert_eq!(store.locate(url).unwrap_err().to_string(), error);
        }
        let none = Store::new(None);
        assert!(matches!(
            none.locate("noop.mar"),
            Err(StoreError::NotFound(_))
        ));
    }

    #[test]
    fn archives_are_listed_by_name_and_other_files_are_not() {
        let folder = tempdir().unwrap();
        for file in ["b.mar", "a.tar.gz", "c.tgz", "readme.txt", ".x.mar"] {
            std::fs::write(folder.path().join(file), "x").unwrap();
        }
        std::fs::create_dir_all(folder.path().join("d/MAR-INF")).unwrap();
        std::fs::create_dir(folder.path().join("e")).unwrap();
        let store = Store::new(Some(folder.path().to_owned()));
        assert_eq!(store.list().unwrap(), ["a.tar.gz", "b.mar", "c.tgz", "d"]);
    }

    #[test]
    fn a_model_without_a_name_is_called_as_its_file() {
        for (url, expect) in [
            ("a.mar", "a"),
            ("a.tar.gz", "a"),
            ("a b", "a_b"),
            ("d", "d"),
        ] {
            assert_eq!(Store::default_name(url), expect);
        }
    }
}
