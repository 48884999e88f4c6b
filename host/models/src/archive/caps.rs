//! How much an archive may hold, counted on the bytes that come out of it and never on what its
//! headers say.

use super::error::ArchiveError;
use std::fs::{File, OpenOptions};
use std::io::{ErrorKind, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

/// Piece in which files are written; a bomb is stopped at most so far behind a cap.
const PIECE_BYTES: usize = 64 << 10;

/// What one archive may hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Caps {
    /// All files together, in bytes.
    pub total_bytes: u64,
    /// One file, in bytes.
    pub file_bytes: u64,
    /// Entries, folders included.
    pub entries: u64,
    /// How many times its own size an archive may unpack to, from `ratio_from` on.
    pub ratio: u64,
    /// Size from which the ratio counts, in bytes.
    pub ratio_from: u64,
}

impl Default for Caps {
    fn default() -> Self {
        Self {
            total_bytes: 4 << 30,
            file_bytes: 2 << 30,
            entries: 10_000,
            ratio: 200,
            ratio_from: 10 << 20,
        }
    }
}

/// Counts what comes out of one archive.
pub(super) struct Meter {
    caps: Caps,
    packed: u64,
    total: u64,
    entries: u64,
}

impl Meter {
    /// For an archive of `packed` bytes.
    pub(super) fn new(caps: &Caps, packed: u64) -> Self {
        Self {
            caps: *caps,
            packed,
            total: 0,
            entries: 0,
        }
    }

    /// One more entry.
    pub(super) fn entry(&mut self) -> Result<(), ArchiveError> {
        self.entries += 1;
        self.check(
            self.entries > self.caps.entries,
            "has too many entries",
            self.caps.entries,
        )
    }

    /// Writes one file with a counted copy of `from`.
    pub(super) fn file(&mut self, from: &mut dyn Read, to: &Path) -> Result<(), ArchiveError> {
        let mut to = create(to)?;
        let mut piece = vec![0; PIECE_BYTES];
        let mut size = 0;
        loop {
            let got = match from.read(&mut piece) {
                Ok(0) => return Ok(()),
                Ok(got) => got,
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                Err(error) => return Err(ArchiveError::Damaged(error.to_string())),
            };
            size += got as u64;
            self.count(size, got as u64)?;
            to.write_all(&piece[..got]).map_err(ArchiveError::Write)?;
        }
    }

    fn count(&mut self, file: u64, more: u64) -> Result<(), ArchiveError> {
        self.total += more;
        let caps = self.caps;
        self.check(
            file > caps.file_bytes,
            "holds a file that is too large",
            caps.file_bytes,
        )?;
        self.check(
            self.total > caps.total_bytes,
            "unpacks to too many bytes",
            caps.total_bytes,
        )?;
        let allowed = self.packed.saturating_mul(caps.ratio).max(caps.ratio_from);
        self.check(
            self.total > allowed,
            "unpacks to far more bytes than it has",
            allowed,
        )
    }

    fn check(&self, over: bool, what: &'static str, most: u64) -> Result<(), ArchiveError> {
        if over {
            Err(ArchiveError::TooLarge { what, most })
        } else {
            Ok(())
        }
    }
}

/// A new file: never one that is there, never through a link.
fn create(path: &Path) -> Result<File, ArchiveError> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true).mode(0o600);
    options.open(path).map_err(ArchiveError::Write)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn small() -> Caps {
        Caps {
            total_bytes: 1000,
            file_bytes: 600,
            entries: 2,
            ratio: 10,
            ratio_from: 500,
        }
    }

    #[test]
    fn files_total_and_ratio_are_each_capped() {
        let mut meter = Meter::new(&small(), 1000);
        meter.count(600, 600).unwrap();
        assert!(matches!(
            meter.count(601, 1),
            Err(ArchiveError::TooLarge { most: 600, .. })
        ));
        assert!(matches!(
            meter.count(400, 400),
            Err(ArchiveError::TooLarge { most: 1000, .. })
        ));
        let mut meter = Meter::new(&small(), 10);
        meter.count(500, 500).unwrap();
        assert!(matches!(
            meter.count(501, 1),
            Err(ArchiveError::TooLarge { most: 500, .. })
        ));
    }

    #[test]
    fn entries_are_capped() {
        let mut meter = Meter::new(&small(), 1);
        meter.entry().unwrap();
        meter.entry().unwrap();
        assert!(matches!(
            meter.entry(),
            Err(ArchiveError::TooLarge { most: 2, .. })
        ));
    }
}
