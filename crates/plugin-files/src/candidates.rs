//! Lists the files of the plugin folders that could be plugins, in the order in which they load.
//!
//! Folders in the order given, files by name inside each. What is named like no plugin of any
//! [`Language`] is counted and left alone: a folder full of jars is no error. Files are not opened here.

use super::Language;
use crate::{Reason, Refusal};
use std::ffi::OsString;
use std::path::{Path, PathBuf};

/// One file that could be a plugin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Candidate {
    /// The folder, as configured.
    pub folder: PathBuf,
    /// The name inside the folder.
    pub file_name: OsString,
}

impl Candidate {
    /// The whole path.
    pub fn path(&self) -> PathBuf {
        self.folder.join(&self.file_name)
    }
}

/// What a look into the folders gave.
#[derive(Debug, Default)]
pub struct Found {
    /// In load order.
    pub candidates: Vec<Candidate>,
    /// Names that are no plugin candidates, per folder that has any.
    pub ignored: Vec<(PathBuf, usize)>,
    /// Folders that could not be read, each with its sentence.
    pub errors: Vec<Refusal>,
}

/// Lists all candidates of `folders`.
///
/// A folder that appears twice is read once.
pub fn candidates(folders: &[PathBuf]) -> Found {
    let mut found = Found::default();
    let mut seen: Vec<&Path> = Vec::new();
    for folder in folders {
        if seen.contains(&folder.as_path()) {
            continue;
        }
        seen.push(folder);
        match list(folder) {
            Ok((mut names, ignored)) => {
                names.sort();
                found
                    .candidates
                    .extend(names.into_iter().map(|file_name| Candidate {
                        folder: folder.clone(),
                        file_name,
                    }));
                if ignored > 0 {
                    found.ignored.push((folder.clone(), ignored));
                }
            }
            Err(error) => found.errors.push(unreadable(folder, &error)),
        }
    }
    found
}

/// Whether a file of this name is looked at.
pub(crate) fn is_candidate_name(name: &std::ffi::OsStr) -> bool {
    Language::of(name).is_some()
}

/// Whether a file of this name is a configuration or a lock file, or hidden: no plugin, and no surprise either.
fn belongs_to_plugins(name: &std::ffi::OsStr) -> bool {
    let name = name.as_encoded_bytes();
    let endings: [&[u8]; 3] = [b".toml", b".lock", b"__pycache__"];
    name.starts_with(b".") || endings.iter().any(|ending| name.ends_with(ending))
}

fn list(folder: &Path) -> std::io::Result<(Vec<OsString>, usize)> {
    let mut names = Vec::new();
    let mut ignored = 0;
    for entry in std::fs::read_dir(folder)? {
        let name = entry?.file_name();
        if is_candidate_name(&name) {
            names.push(name);
        } else if !belongs_to_plugins(&name) {
            ignored += 1;
        }
    }
    Ok((names, ignored))
}

fn unreadable(folder: &Path, error: &std::io::Error) -> Refusal {
    let reason = match error.kind() {
        std::io::ErrorKind::NotFound => Reason::NotFound,
        _ => Reason::Unreadable,
    };
    let text =
        format!("cannot list this plugin folder ({error}); create it or change plugins_path");
    Refusal::new(reason, text).at(folder)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::Folder;

    #[test]
    fn folders_keep_their_order_and_files_are_sorted() {
        let (first, second) = (Folder::new(), Folder::new());
        for name in [
            "b.so",
            "a.so",
            "c.py",
            ".hidden.so",
            "notes.txt",
            "_c.py",
            ".so",
        ] {
            first.write(name, b"");
        }
        second.write("0.so", b"");
        let folders = [
            first.path().to_path_buf(),
            second.path().to_path_buf(),
            first.path().to_path_buf(),
        ];
        let found = candidates(&folders);
        let names: Vec<_> = found
            .candidates
            .iter()
            .map(|c| c.file_name.to_str())
            .collect();
        assert_eq!(
            names,
            [Some("a.so"), Some("b.so"), Some("c.py"), Some("0.so")]
        );
        assert_eq!(found.ignored, [(first.path().to_path_buf(), 2)]);
        assert!(found.errors.is_empty());
    }

    #[test]
    fn a_missing_folder_and_a_file_as_folder_are_sentences_not_failures() {
        let folder = Folder::new();
        folder.write("file", b"");
        let found = candidates(&[folder.path().join("absent"), folder.path().join("file")]);
        assert!(found.candidates.is_empty());
        assert_eq!(found.errors[0].reason, Reason::NotFound);
        assert!(
            found.errors[0]
                .text
                .contains("absent: cannot list this plugin folder")
        );
        assert_eq!(found.errors[1].reason, Reason::Unreadable);
    }
}
