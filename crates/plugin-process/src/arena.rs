//! The shared memory of a lane: two halves, the first written by the host, the second by the child.

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use crate::aligned::Aligned;
use crate::shared_file::SharedFile;
use crate::side::Side;

/// Payloads of fewer bytes follow their header.
pub const ARENA_BYTES_MIN: usize = 16 << 10;

/// One side's view of the shared memory of a lane.
#[derive(Debug)]
pub struct Arena {
    file: SharedFile,
    half: usize,
    side: Side,
}

impl Arena {
    /// A new arena with halves of `half` bytes, as the host makes it.
    ///
    /// # Errors
    /// The kernel's own; a size of 0 or one that is no multiple of 8.
    pub fn make(half: usize) -> io::Result<Self> {
        let file = SharedFile::make("meterbox-arena", size(half)?)?;
        let side = Side::Parent;
        Ok(Self { file, half, side })
    }

    /// The arena that the host made, as the child opens it.
    ///
    /// # Errors
    /// As [`Arena::make`], and a file that is not the host's.
    pub fn open(file: OwnedFd, half: usize) -> io::Result<Self> {
        let file = SharedFile::open(file, size(half)?)?;
        let side = Side::Child;
        Ok(Self { file, half, side })
    }

    /// Bytes of a half.
    #[must_use]
    pub fn half(&self) -> usize {
        self.half
    }

    /// Whether a payload of `len` bytes goes by the arena.
    pub(crate) fn takes(&self, len: usize) -> bool {
        (ARENA_BYTES_MIN..=self.half).contains(&len)
    }

    /// Writes a payload that [`Arena::takes`] to this side's half.
    pub(crate) fn write(&self, payload: &[u8]) {
        self.file.copy_in(self.offset_of(self.side), payload);
    }

    /// A copy of the other side's payload; `len` is at most a half.
    pub(crate) fn copy(&self, len: usize) -> Aligned {
        let mut copy = Aligned::default();
        self.file
            .copy_out(self.offset_of(self.side.other()), copy.grow(len));
        copy
    }

    /// The other side's payload itself; for the child alone.
    pub(crate) fn theirs(&self, len: usize) -> &[u8] {
        self.file.lend(self.offset_of(self.side.other()), len)
    }

    fn offset_of(&self, side: Side) -> usize {
        match side {
            Side::Parent => 0,
            Side::Child => self.half,
        }
    }
}

fn size(half: usize) -> io::Result<usize> {
    let size = half.checked_mul(2).filter(|size| size % 16 == 0);
    size.ok_or_else(|| io::Error::new(io::ErrorKind::InvalidInput, "an arena of odd size"))
}

impl AsFd for Arena {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.file.as_fd()
    }
}
