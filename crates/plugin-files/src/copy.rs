//! The private copy of a plugin file: a sealed memory file whose descriptor stays open.
//!
//! Overwriting a loaded library in place kills the process, and glibc tells libraries apart by
//! name and inode, so each generation gets a copy of its own that nobody can change. Where the
//! kernel forbids executable memory files, a file in a 0700 folder takes their place. The copy is
//! never closed once it was loaded: its number must not be used again.

use crate::{Reason, Refusal};
use rustix::fs::{MemfdFlags, SealFlags};
use sha2::{Digest, Sha256};
use std::fs::File;
use std::io::{Read, Seek, Write};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd};
use std::path::{Path, PathBuf};

const ALLOW_SEALING_EXEC: MemfdFlags = MemfdFlags::CLOEXEC
    .union(MemfdFlags::ALLOW_SEALING)
    .union(MemfdFlags::EXEC);
const ALLOW_SEALING: MemfdFlags = MemfdFlags::CLOEXEC.union(MemfdFlags::ALLOW_SEALING);

/// A copy that nobody can change, and its digest.
#[derive(Debug)]
pub struct PrivateCopy {
    file: File,
    sha256: [u8; 32],
    len: u64,
}

impl PrivateCopy {
    /// Copies at most `len_max` bytes of `source`, seals the copy, and reads it back.
    ///
    /// `fallback` is a folder of the host (mode 0700) for kernels without executable memory files.
    ///
    /// # Errors
    /// [`Reason::TooLarge`] when the source grew past `len_max`, [`Reason::Copy`] for the rest.
    pub fn make(
        source: &File,
        name: &str,
        len_max: u64,
        fallback: Option<&Path>,
    ) -> Result<(Self, Vec<u8>), Refusal> {
        let file = match memory_file(name) {
            Ok(file) => sealed(file, source, len_max)?,
            Err(error) => match fallback {
                Some(folder) => in_folder(folder, source, len_max)?,
                None => return Err(failed(&format!("no memory file: {error}"))),
            },
        };
        let bytes = read_back(&file)?;
        let sha256 = Sha256::digest(&bytes).into();
        Ok((
            Self {
                file,
                sha256,
                len: bytes.len() as u64,
            },
            bytes,
        ))
    }

    /// The digest of exactly the bytes that will be mapped.
    pub fn sha256(&self) -> [u8; 32] {
        self.sha256
    }

    /// Size in bytes.
    pub fn len(&self) -> u64 {
        self.len
    }

    /// Whether the file had no bytes.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// The path under which this process can open the copy, as long as it is held.
    pub fn proc_path(&self) -> PathBuf {
        PathBuf::from(format!("/proc/self/fd/{}", self.file.as_raw_fd()))
    }

    /// Leaves the copy open for the life of the process.
    pub fn keep_open(self) {
        std::mem::forget(self.file);
    }

    /// A further descriptor of the copy, for a child process.
    ///
    /// # Errors
    /// When this process may have no more descriptors.
    pub fn share(&self) -> std::io::Result<File> {
        self.file.try_clone()
    }
}

impl AsFd for PrivateCopy {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.file.as_fd()
    }
}

fn memory_file(name: &str) -> rustix::io::Result<File> {
    // Kernels before 6.3 do not know MFD_EXEC and take its absence for it.
    let fd = rustix::fs::memfd_create(name, ALLOW_SEALING_EXEC).or_else(|error| match error {
        rustix::io::Errno::INVAL => rustix::fs::memfd_create(name, ALLOW_SEALING),
        other => Err(other),
    })?;
    Ok(File::from(fd))
}

fn sealed(mut file: File, source: &File, len_max: u64) -> Result<File, Refusal> {
    copy_bytes(source, &mut file, len_max)?;
    let seals = SealFlags::WRITE | SealFlags::SHRINK | SealFlags::GROW | SealFlags::SEAL;
    rustix::fs::fcntl_add_seals(&file, seals)
        .map_err(|error| failed(&format!("sealing: {error}")))?;
    Ok(file)
}

/// A copy in `folder`, reopened for reading only and unlinked: its inode is its own.
fn in_folder(folder: &Path, source: &File, len_max: u64) -> Result<File, Refusal> {
    use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
    static NEXT: std::sync::atomic::AtomicU64 = std::sync::atomic::AtomicU64::new(0);
    let number = NEXT.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
    let path = folder.join(format!("{}-{number}.so", std::process::id()));
    let make = || -> std::io::Result<(File, File)> {
        std::fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(folder)?;
        let mut options = File::options();
        let writer = options
            .write(true)
            .create_new(true)
            .mode(0o500)
            .open(&path)?;
        Ok((writer, File::open(&path)?))
    };
    let (mut writer, reader) =
        make().map_err(|error| failed(&format!("{}: {error}", path.display())))?;
    let copied = copy_bytes(source, &mut writer, len_max);
    // Open descriptors keep the inode; a name left behind would only be litter.
    let _ = std::fs::remove_file(&path);
    copied.map(|()| reader)
}

fn copy_bytes(source: &File, target: &mut File, len_max: u64) -> Result<(), Refusal> {
    let copied = std::io::copy(&mut source.take(len_max + 1), target)
        .and_then(|copied| target.flush().map(|()| copied))
        .map_err(|error| failed(&error.to_string()))?;
    if copied > len_max {
        let text = format!("it grew past {len_max} bytes while it was read; copy it again");
        return Err(Refusal::new(Reason::TooLarge, text));
    }
    Ok(())
}

fn read_back(mut file: &File) -> Result<Vec<u8>, Refusal> {
    let mut bytes = Vec::new();
    file.rewind()
        .and_then(|()| file.read_to_end(&mut bytes))
        .map_err(|error| failed(&format!("reading it back: {error}")))?;
    Ok(bytes)
}

fn failed(why: &str) -> Refusal {
    let text = format!("no private copy could be made ({why}); check memory and temporary space");
    Refusal::new(Reason::Copy, text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::Folder;

    fn source(folder: &Folder, bytes: &[u8]) -> File {
        File::open(folder.write("a.so", bytes)).unwrap()
    }

    #[test]
    fn a_sealed_copy_keeps_its_bytes_when_the_source_changes() {
        let folder = Folder::new();
        let file = source(&folder, b"first");
        let (copy, bytes) = PrivateCopy::make(&file, "a", 1024, None).unwrap();
        folder.write("a.so", b"other");
        assert_eq!(bytes, b"first");
        assert_eq!(std::fs::read(copy.proc_path()).unwrap(), b"first");
        assert_eq!(copy.sha256()[..4], [0xa7, 0x93, 0x7b, 0x64]);
        let write = rustix::io::pwrite(&copy, b"evil", 0);
        assert_eq!(write, Err(rustix::io::Errno::PERM), "the seal holds");
        let grow = rustix::fs::ftruncate(&copy, 0);
        assert_eq!(grow, Err(rustix::io::Errno::PERM));
    }

    #[test]
    fn the_fallback_folder_gives_a_private_unlinked_file() {
        let folder = Folder::new();
        let file = source(&folder, b"first");
        let private = folder.path().join("run");
        let copy = in_folder(&private, &file, 1024).unwrap();
        assert_eq!(read_back(&copy).unwrap(), b"first");
        assert_eq!(std::fs::read_dir(&private).unwrap().count(), 0);
        assert!(
            rustix::io::write(&copy, b"x").is_err(),
            "it is open for reading only"
        );
    }

    #[test]
    fn a_source_that_grows_is_refused() {
        let folder = Folder::new();
        let file = source(&folder, b"12345");
        let refusal = PrivateCopy::make(&file, "a", 4, None).unwrap_err();
        assert_eq!(refusal.reason, Reason::TooLarge);
    }
}
