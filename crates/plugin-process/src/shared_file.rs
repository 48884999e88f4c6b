//! A file in memory that two processes map.
//!
//! Its size is sealed before anybody else sees it, so that neither side can make the other fault by
//! cutting it off.

#![allow(
    unsafe_code,
    reason = "memory that two processes share is reached through a raw pointer; each block says why it is sound"
)]

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::ptr::NonNull;
use std::slice;
use std::sync::atomic::AtomicU64;

use rustix::fs::{MemfdFlags, SealFlags, fcntl_add_seals, fcntl_get_seals, fstat, ftruncate};
use rustix::mm::{MapFlags, ProtFlags, mmap, munmap};

/// A mapped file of fixed size.
#[derive(Debug)]
pub struct SharedFile {
    file: OwnedFd,
    start: NonNull<u8>,
    len: usize,
}

// SAFETY: the mapping belongs to the process, not to a thread; nothing here changes after `map`.
unsafe impl Send for SharedFile {}
// SAFETY: all access goes through atomics or through copies of raw bytes.
unsafe impl Sync for SharedFile {}

impl SharedFile {
    /// A new file of `len` zero bytes. `name` shows in `/proc/PID/maps`.
    ///
    /// # Errors
    /// The kernel's own, and a length of 0.
    pub fn make(name: &str, len: usize) -> io::Result<Self> {
        let flags = MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING;
        // Kernels before 6.3 do not know the flag that forbids to run the file.
        let file = rustix::fs::memfd_create(name, flags | MemfdFlags::NOEXEC_SEAL)
            .or_else(|_| rustix::fs::memfd_create(name, flags))?;
        ftruncate(&file, len as u64)?;
        fcntl_add_seals(&file, SealFlags::SHRINK | SealFlags::GROW | SealFlags::SEAL)?;
        Self::map(file, len)
    }

    /// A file that the other side made.
    ///
    /// # Errors
    /// The kernel's own, and a file that is not sealed or not `len` bytes long.
    pub fn open(file: OwnedFd, len: usize) -> io::Result<Self> {
        let sealed = fcntl_get_seals(&file)?.contains(SealFlags::SHRINK);
        let size = u64::try_from(fstat(&file)?.st_size).unwrap_or(0);
        if !sealed || size != len as u64 {
            let text = format!("a shared file of {size} bytes (sealed: {sealed}), not of {len}");
            return Err(io::Error::new(io::ErrorKind::InvalidData, text));
        }
        Self::map(file, len)
    }

    fn map(file: OwnedFd, len: usize) -> io::Result<Self> {
        let access = ProtFlags::READ | ProtFlags::WRITE;
        // SAFETY: a new mapping at an address of the kernel's choice touches no memory in use.
        let start = unsafe {
            mmap(
                std::ptr::null_mut(),
                len,
                access,
                MapFlags::SHARED,
                &file,
                0,
            )
        }?;
        let start = NonNull::new(start.cast()).ok_or(io::ErrorKind::InvalidData)?;
        Ok(Self { file, start, len })
    }

    /// Size in bytes.
    #[must_use]
    #[allow(
        clippy::len_without_is_empty,
        reason = "no file of no bytes is ever mapped"
    )]
    pub fn len(&self) -> usize {
        self.len
    }

    /// The file as cells of 8 bytes; bytes over a multiple of 8 are left out.
    #[must_use]
    #[inline]
    pub fn words(&self) -> &[AtomicU64] {
        // SAFETY: the mapping is page aligned, `len` bytes long and lives as long as `self`; atomics
        // may change under a shared reference, in this process or another.
        unsafe { slice::from_raw_parts(self.start.as_ptr().cast::<AtomicU64>(), self.len / 8) }
    }

    /// Copies `bytes` to `offset`; what does not fit is an error of the caller and panics.
    pub(crate) fn copy_in(&self, offset: usize, bytes: &[u8]) {
        assert!(self.has(offset, bytes.len()), "out of the shared file");
        // SAFETY: source and target are as long as was checked just now, and cannot overlap: no
        // reference to the half that this side writes is ever given out.
        unsafe {
            self.start
                .as_ptr()
                .add(offset)
                .copy_from_nonoverlapping(bytes.as_ptr(), bytes.len());
        }
    }

    /// Copies the bytes at `offset` to `target`. The other side may write meanwhile; then the copy is a
    /// mix, which is as good as any other bytes that it could have sent.
    pub(crate) fn copy_out(&self, offset: usize, target: &mut [u8]) {
        assert!(self.has(offset, target.len()), "out of the shared file");
        // SAFETY: as in `copy_in`; only raw pointers are used on the shared side.
        unsafe {
            self.start
                .as_ptr()
                .add(offset)
                .copy_to_nonoverlapping(target.as_mut_ptr(), target.len());
        }
    }

    /// Lends the bytes at `offset`. Only for the child, which trusts its host not to write before it has
    /// an answer.
    pub(crate) fn lend(&self, offset: usize, len: usize) -> &[u8] {
        assert!(self.has(offset, len), "out of the shared file");
        // SAFETY: in bounds as was checked; the host leaves its half alone until the child answers,
        // which the lane's turns promise and which the child, whose host could stop it anyway, believes.
        unsafe { slice::from_raw_parts(self.start.as_ptr().add(offset), len) }
    }

    fn has(&self, offset: usize, len: usize) -> bool {
        offset.checked_add(len).is_some_and(|end| end <= self.len)
    }
}

impl AsFd for SharedFile {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.file.as_fd()
    }
}

impl Drop for SharedFile {
    fn drop(&mut self) {
        // SAFETY: `map` made exactly this mapping, and nothing borrowed from `self` is left.
        let unmapped = unsafe { munmap(self.start.as_ptr().cast(), self.len) };
        debug_assert!(unmapped.is_ok(), "a mapping of our own can be unmapped");
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::Ordering;

    use super::*;

    #[test]
    fn both_mappings_see_the_same_cells_and_neither_can_resize_them() {
        let made = SharedFile::make("test", 4096).expect("memory");
        let theirs = made.as_fd().try_clone_to_owned().expect("a descriptor");
        assert!(ftruncate(&theirs, 0).is_err(), "the size is sealed");
        assert!(ftruncate(&theirs, 8192).is_err(), "the size is sealed");
        let opened = SharedFile::open(theirs, 4096).expect("the same size");
        opened.words()[511].fetch_add(7, Ordering::Relaxed);
        assert_eq!(made.words()[511].load(Ordering::Relaxed), 7);
        made.copy_in(1, b"abc");
        let mut copy = [0; 3];
        opened.copy_out(1, &mut copy);
        assert_eq!((&copy, opened.lend(1, 3)), (b"abc", &b"abc"[..]));
    }

    #[test]
    fn a_file_of_another_size_or_without_seals_is_refused() {
        let made = SharedFile::make("test", 4096).expect("memory");
        let theirs = made.as_fd().try_clone_to_owned().expect("a descriptor");
        assert!(SharedFile::open(theirs, 8192).is_err());
        let loose = rustix::fs::memfd_create("loose", MemfdFlags::ALLOW_SEALING).expect("memory");
        ftruncate(&loose, 4096).expect("a size");
        assert!(SharedFile::open(loose, 4096).is_err());
        assert!(SharedFile::make("empty", 0).is_err());
    }
}
