//! Archives that are zips: what the archiver writes.

use super::caps::{Caps, Meter};
use super::entry::Names;
use super::error::ArchiveError;
use std::fs::File;
use std::path::Path;
use zip::ZipArchive;
use zip::result::ZipError;

/// Type bits of a Unix mode.
const TYPE_MASK: u32 = 0o170_000;
const TYPE_FILE: u32 = 0o100_000;
const TYPE_FOLDER: u32 = 0o040_000;

pub(super) fn unpack(file: File, folder: &Path, caps: &Caps) -> Result<(), ArchiveError> {
    let packed = file.metadata().map_err(ArchiveError::Read)?.len();
    let mut archive = ZipArchive::new(file).map_err(damaged)?;
    let mut meter = Meter::new(caps, packed);
    if archive.has_duplicate_names() {
        return Err(ArchiveError::Damaged(
            "two entries have the same name".to_owned(),
        ));
    }
    if archive.len() as u64 > caps.entries {
        return Err(ArchiveError::TooLarge {
            what: "has too many entries",
            most: caps.entries,
        });
    }
    if archive.has_overlapping_entries().map_err(damaged)? {
        return Err(ArchiveError::Damaged("entries overlap".to_owned()));
    }
    let mut names = Names::default();
    for index in 0..archive.len() {
        let mut entry = archive.by_index(index).map_err(damaged)?;
        meter.entry()?;
        let is_folder = entry.is_dir();
        let path = names.place(entry.name_raw(), is_folder, folder)?;
        let kind = entry.unix_mode().map_or(0, |mode| mode & TYPE_MASK);
        let expected = if is_folder { TYPE_FOLDER } else { TYPE_FILE };
        if kind != 0 && kind != expected {
            let name = String::from_utf8_lossy(entry.name_raw()).into_owned();
            return Err(ArchiveError::bad_entry(&name, "is a link or a device"));
        }
        if is_folder {
            std::fs::create_dir_all(&path).map_err(ArchiveError::Write)?;
            continue;
        }
        let above = path.parent().expect("a checked path has a folder above it");
        std::fs::create_dir_all(above).map_err(ArchiveError::Write)?;
        meter.file(&mut entry, &path)?;
    }
    Ok(())
}

fn damaged(error: ZipError) -> ArchiveError {
    match error {
        ZipError::Io(error) if error.raw_os_error().is_some() => ArchiveError::Read(error),
        other => ArchiveError::Damaged(other.to_string()),
    }
}
