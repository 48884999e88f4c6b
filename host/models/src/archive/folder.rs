//! Archives that are plain folders: copied, so that a later change of the folder does not reach a
//! model that runs.

use super::caps::{Caps, Meter};
use super::entry::Names;
use super::error::ArchiveError;
use std::fs::File;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

pub(super) fn copy(source: &Path, folder: &Path, caps: &Caps) -> Result<(), ArchiveError> {
    // Nothing is packed here, so that the ratio never counts.
    let mut meter = Meter::new(caps, u64::MAX);
    let mut names = Names::default();
    let mut waiting = vec![source.to_owned()];
    while let Some(next) = waiting.pop() {
        for entry in std::fs::read_dir(&next).map_err(ArchiveError::Read)? {
            let entry = entry.map_err(ArchiveError::Read)?;
            meter.entry()?;
            let from = entry.path();
            let below = from.strip_prefix(source).expect("it was found below it");
            let raw = below.as_os_str().as_bytes();
            let kind = entry.file_type().map_err(ArchiveError::Read)?;
            if !kind.is_file() && !kind.is_dir() {
                let name = String::from_utf8_lossy(raw);
                return Err(ArchiveError::bad_entry(&name, "is a link or a device"));
            }
            let to = names.place(raw, kind.is_dir(), folder)?;
            if kind.is_dir() {
                std::fs::create_dir_all(&to).map_err(ArchiveError::Write)?;
                waiting.push(from);
            } else {
                let mut from = File::open(&from).map_err(ArchiveError::Read)?;
                meter.file(&mut from, &to)?;
            }
        }
    }
    Ok(())
}
