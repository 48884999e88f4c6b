//! Archives of models: from a file or folder of the store to a folder that a worker can run in.
//!
//! A `.mar` is a zip, a gzipped tar or a plain folder. Every entry's name is checked, sizes are
//! counted while unpacking, and nothing is left behind by an archive that is refused. Handler code in
//! an archive is run as it is: only archives that you trust belong into the store.

mod caps;
mod document;
mod entry;
mod error;
mod folder;
mod manifest;
mod model_config;
mod tgz;
mod zip;

pub use caps::Caps;
pub use error::ArchiveError;
pub use manifest::{Manifest, Runtime};
pub use model_config::ModelConfig;

use std::fs::File;
use std::io::{ErrorKind, Read, Seek};
use std::path::{Path, PathBuf};

/// An archive, unpacked: a folder that goes when this is dropped.
#[derive(Debug)]
pub struct Unpacked {
    folder: PathBuf,
    /// What its manifest says; nothing if it has none.
    pub manifest: Manifest,
    /// What its `configFile` says; nothing if it has none.
    pub config: ModelConfig,
}

impl Unpacked {
    /// The folder: the worker's working directory.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }
}

impl Drop for Unpacked {
    fn drop(&mut self) {
        remove(&self.folder);
    }
}

fn remove(folder: &Path) {
    if let Err(error) = std::fs::remove_dir_all(folder)
        && error.kind() != ErrorKind::NotFound
    {
        tracing::warn!(target: "model", "{}: cannot be removed: {error}", folder.display());
    }
}

/// Unpacks `source` below `target`, into a folder of 32 hexadecimal digits.
///
/// # Errors
/// Why the archive is refused. Nothing of it is left below `target` then.
pub fn unpack(source: &Path, target: &Path, caps: &Caps) -> Result<Unpacked, ArchiveError> {
    let name = uuid::Uuid::new_v4().simple().to_string();
    let folder = target.join(&name);
    let draft = Draft(target.join(format!("{name}.new")));
    std::fs::create_dir_all(&draft.0).map_err(ArchiveError::Write)?;
    fill(source, &draft.0, caps)?;
    let manifest = Manifest::read(&draft.0)?;
    let config = ModelConfig::read(&draft.0, &manifest)?;
    std::fs::rename(&draft.0, &folder).map_err(ArchiveError::Write)?;
    Ok(Unpacked {
        folder,
        manifest,
        config,
    })
}

/// A folder that is not finished: gone unless it was renamed.
struct Draft(PathBuf);

impl Drop for Draft {
    fn drop(&mut self) {
        remove(&self.0);
    }
}

/// Tells the kind of an archive by its first bytes, never by its name.
fn fill(source: &Path, folder: &Path, caps: &Caps) -> Result<(), ArchiveError> {
    if source.is_dir() {
        return folder::copy(source, folder, caps);
    }
    let mut file = File::open(source).map_err(ArchiveError::Read)?;
    if !file.metadata().map_err(ArchiveError::Read)?.is_file() {
        return Err(ArchiveError::NotAnArchive);
    }
    let mut magic = [0; 4];
    let got = read_some(&mut file, &mut magic).map_err(ArchiveError::Read)?;
    file.rewind().map_err(ArchiveError::Read)?;
    match &magic[..got] {
        b"PK\x03\x04" | b"PK\x05\x06" => zip::unpack(file, folder, caps),
        [0x1f, 0x8b, ..] => tgz::unpack(file, folder, caps),
        _ => Err(ArchiveError::NotAnArchive),
    }
}

fn read_some(file: &mut File, buffer: &mut [u8]) -> std::io::Result<usize> {
    let mut got = 0;
    while got < buffer.len() {
        match file.read(&mut buffer[got..])? {
            0 => break,
            n => got += n,
        }
    }
    Ok(got)
}

#[cfg(test)]
mod tests;
