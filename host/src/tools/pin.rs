//! Pins: writes digests into the lock file that the loader reads.
//!
//! A lock file is what `sha256sum` prints: a digest, two blanks, a file name. Comments and the lines
//! of other files stay as they are.

use super::digest::{DigestError, digest};
use meterbox_plugin_files::Pins;
use std::fs::{self, File};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

/// The lock file's name where the configuration names none.
const BESIDE: &str = "plugins.lock";

/// A file that is pinned now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pinned {
    /// The file's name in the lock file.
    pub name: String,
    /// Its digest.
    pub sha256: String,
    /// The lock file.
    pub lock: PathBuf,
    /// Whether the line took the place of an older one.
    pub replaced: bool,
}

/// Why a file is not pinned.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PinError {
    /// A lock file cannot hold this name.
    #[error("{}: such a name cannot stand in a lock file; rename the file", .0.display())]
    Name(PathBuf),
    /// The file has no digest.
    #[error(transparent)]
    Digest(#[from] DigestError),
    /// The lock file is there and cannot be read.
    #[error("{}: the lock file cannot be read ({source})", .lock.display())]
    Unreadable {
        /// The lock file.
        lock: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// The lock file has lines that the loader would refuse.
    #[error("{}: {faults}; correct or remove the line first", .lock.display())]
    Faulty {
        /// The lock file.
        lock: PathBuf,
        /// Each line and what is wrong with it.
        faults: String,
    },
    /// The lock file cannot be replaced.
    #[error("{}: the lock file cannot be written ({source}); run as the owner of its folder", .lock.display())]
    Unwritable {
        /// The lock file.
        lock: PathBuf,
        /// What the system says.
        source: io::Error,
    },
}

/// Pins `file` in the lock file `lock`, or else in the one beside it.
///
/// # Errors
/// The file's name or content cannot be used, or the lock file cannot be read or written.
pub fn pin(file: &Path, lock: Option<&Path>) -> Result<Pinned, PinError> {
    let name = name_of(file)?;
    let (sha256, _) = digest(file)?;
    let lock = lock.map_or_else(|| beside(file), Path::to_path_buf);
    let replaced = write(&lock, &sha256, &name)?;
    Ok(Pinned {
        name,
        sha256,
        lock,
        replaced,
    })
}

fn beside(file: &Path) -> PathBuf {
    match file.parent() {
        Some(folder) if folder != Path::new("") => folder.join(BESIDE),
        _ => PathBuf::from(BESIDE),
    }
}

/// The name under which the loader looks for a pin.
fn name_of(file: &Path) -> Result<String, PinError> {
    let name = file.file_name().and_then(|name| name.to_str());
    let usable = name.filter(|name| !name.contains(char::is_control) && name.trim() == *name);
    let name = usable.map(str::to_owned);
    name.ok_or_else(|| PinError::Name(file.to_owned()))
}

/// Puts the line into the lock file; whether it took the place of another digest.
fn write(lock: &Path, sha256: &str, name: &str) -> Result<bool, PinError> {
    let lock_file = || lock.to_owned();
    let old = match fs::read_to_string(lock) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => String::new(),
        Err(source) => {
            let lock = lock_file();
            return Err(PinError::Unreadable { lock, source });
        }
    };
    Pins::parse(&old).map_err(|faults| PinError::Faulty {
        lock: lock_file(),
        faults: faults.join("; "),
    })?;
    let (text, replaced) = with_line(&old, sha256, name);
    if text == old {
        return Ok(replaced);
    }
    // A lock file that others may write would be no lock; the rename shows no reader half of it.
    let new = lock.with_extension(format!("lock.{}", std::process::id()));
    let written = File::options()
        .write(true)
        .create_new(true)
        .mode(0o644)
        .open(&new)
        .and_then(|mut file| {
            file.write_all(text.as_bytes())
                .and_then(|()| file.sync_all())
        })
        .and_then(|()| fs::rename(&new, lock));
    written.map(|()| replaced).map_err(|source| {
        // What was begun may be missing already.
        drop(fs::remove_file(&new));
        let lock = lock_file();
        PinError::Unwritable { lock, source }
    })
}

/// The text with the line of `name` added or in the place of the old ones.
fn with_line(old: &str, sha256: &str, name: &str) -> (String, bool) {
    let line = format!("{sha256}  {name}\n");
    let mut text = String::new();
    let mut replaced = false;
    for old_line in old.lines() {
        if line_name(old_line) != Some(name) {
            text += old_line;
            text.push('\n');
        } else if !replaced {
            replaced = true;
            text += &line;
        }
    }
    if !replaced {
        text += &line;
    }
    (text, replaced)
}

/// The file name of a line, read as the loader reads it.
fn line_name(line: &str) -> Option<&str> {
    let line = line.trim();
    if line.starts_with('#') {
        return None;
    }
    let (_, name) = line.split_once(char::is_whitespace)?;
    Some(name.trim_start().trim_start_matches('*'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_line_is_added_or_replaced_and_all_others_stay() {
        let (a, b, c) = ("a".repeat(64), "b".repeat(64), "c".repeat(64));
        let (text, replaced) = with_line("", &a, "drift.so");
        assert_eq!(
            (text.as_str(), replaced),
            (&*format!("{a}  drift.so\n"), false)
        );
        let old = format!("# ours\n{a} *drift.so\n\n{b}  other.so\n{b}  drift.so");
        let (text, replaced) = with_line(&old, &c, "drift.so");
        assert!(replaced);
        assert_eq!(text, format!("# ours\n{c}  drift.so\n\n{b}  other.so\n"));
    }

    #[test]
    fn a_name_that_would_break_a_line_is_refused() {
        assert!(name_of(Path::new("a/b.so")).is_ok_and(|name| name == "b.so"));
        assert!(name_of(Path::new("a/b\n.so")).is_err());
        assert!(name_of(Path::new("a/ b.so")).is_err());
        assert!(name_of(Path::new("..")).is_err());
    }
}
