//! Why an archive is refused.

use std::io;

/// Why an archive is refused.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ArchiveError {
    /// It is neither zip nor gzip nor a folder.
    #[error("the file is neither a zip nor a gzipped tar: build it with the archiver")]
    NotAnArchive,
    /// It is damaged.
    #[error("the archive is damaged: {0}")]
    Damaged(String),
    /// An entry has a name that may not be written.
    #[error("entry {name:?} {why}: build the archive from plain relative names")]
    BadEntry {
        /// The entry's name, at most 200 characters of it.
        name: String,
        /// What is wrong with it.
        why: &'static str,
    },
    /// It holds more than is allowed.
    #[error(
        "the archive {what} (at most {most}): split the model or leave out what it does not need"
    )]
    TooLarge {
        /// What there is too much of.
        what: &'static str,
        /// How much is allowed.
        most: u64,
    },
    /// Its manifest makes no sense.
    #[error("MAR-INF/MANIFEST.json: {0}")]
    Manifest(String),
    /// Its configuration file makes no sense.
    #[error("{file}: {text}")]
    Config {
        /// The file, as the manifest names it.
        file: String,
        /// What is wrong with it.
        text: String,
    },
    /// The file could not be read.
    #[error("the archive cannot be read: {0}")]
    Read(io::Error),
    /// The unpacked files could not be written.
    #[error("the archive cannot be unpacked: {0}")]
    Write(io::Error),
}

impl ArchiveError {
    pub(super) fn bad_entry(name: &str, why: &'static str) -> Self {
        Self::BadEntry {
            name: name.chars().take(200).collect(),
            why,
        }
    }
}
