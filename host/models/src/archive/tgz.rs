//! Archives that are gzipped tars.

use super::caps::{Caps, Meter};
use super::entry::Names;
use super::error::ArchiveError;
use flate2::read::MultiGzDecoder;
use std::fs::File;
use std::io::{BufReader, Read};
use std::path::Path;
use tar::{Archive, EntryType};

/// Padding that may follow the last entry.
const END_BYTES_MAX: u64 = 1 << 20;

pub(super) fn unpack(file: File, folder: &Path, caps: &Caps) -> Result<(), ArchiveError> {
    let packed = file.metadata().map_err(ArchiveError::Read)?.len();
    let mut meter = Meter::new(caps, packed);
    let mut names = Names::default();
    let mut archive = Archive::new(MultiGzDecoder::new(BufReader::new(file)));
    for entry in archive.entries().map_err(damaged)? {
        let mut entry = entry.map_err(damaged)?;
        meter.entry()?;
        let raw = entry.path_bytes().into_owned();
        let is_folder = match entry.header().entry_type() {
            EntryType::Directory => true,
            EntryType::Regular | EntryType::Continuous => false,
            // Notes for the entries after it.
            EntryType::XGlobalHeader => continue,
            _ => {
                let name = String::from_utf8_lossy(&raw);
                return Err(ArchiveError::bad_entry(&name, "is a link or a device"));
            }
        };
        let path = names.place(&raw, is_folder, folder)?;
        if is_folder {
            std::fs::create_dir_all(&path).map_err(ArchiveError::Write)?;
            continue;
        }
        let above = path.parent().expect("a checked path has a folder above it");
        std::fs::create_dir_all(above).map_err(ArchiveError::Write)?;
        meter.file(&mut entry, &path)?;
    }
    check_end(archive.into_inner())
}

/// Reads what follows the last entry, so that a file that is cut or damaged there is noticed too.
fn check_end(rest: impl Read) -> Result<(), ArchiveError> {
    let read = std::io::copy(&mut rest.take(END_BYTES_MAX + 1), &mut std::io::sink());
    if read.map_err(damaged)? > END_BYTES_MAX {
        return Err(ArchiveError::Damaged(
            "bytes follow its last entry".to_owned(),
        ));
    }
    Ok(())
}

#[allow(
    clippy::needless_pass_by_value,
    reason = "stands where map_err wants a function"
)]
fn damaged(error: std::io::Error) -> ArchiveError {
    match error.raw_os_error() {
        Some(_) => ArchiveError::Read(error),
        None => ArchiveError::Damaged(error.to_string()),
    }
}
