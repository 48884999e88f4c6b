//! The bytes of a received frame.

use std::fmt;
use std::ops::Deref;
use std::sync::Arc;

use crate::arena::Arena;

/// The payload of a frame; its bytes start at a multiple of 8 in memory.
pub struct Payload(Place);

enum Place {
    Here(Aligned),
    /// In the host's half, which the child may read until it answers.
    Arena(Arc<Arena>, usize),
}

impl Payload {
    pub(crate) fn here(bytes: Aligned) -> Self {
        Self(Place::Here(bytes))
    }

    pub(crate) fn in_arena(arena: Arc<Arena>, len: usize) -> Self {
        Self(Place::Arena(arena, len))
    }

    /// The same bytes in memory of this process alone, which stay while the lane is used on.
    #[must_use]
    pub fn into_owned(self) -> Self {
        match self.0 {
            Place::Here(_) => self,
            Place::Arena(..) => Self::here(Aligned::from_bytes(&self)),
        }
    }
}

impl Deref for Payload {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        match &self.0 {
            Place::Here(bytes) => bytes.as_bytes(),
            Place::Arena(arena, len) => arena.theirs(*len),
        }
    }
}

impl fmt::Debug for Payload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Payload({} bytes)", self.len())
    }
}

/// Bytes that start at a multiple of 8, so that columns in them can be read in place.
#[derive(Default)]
pub(crate) struct Aligned {
    words: Vec<u64>,
    len: usize,
}

impl Aligned {
    pub(crate) fn from_bytes(bytes: &[u8]) -> Self {
        let mut aligned = Self::default();
        aligned.grow(bytes.len()).copy_from_slice(bytes);
        aligned
    }

    pub(crate) fn as_bytes(&self) -> &[u8] {
        &bytemuck::cast_slice(&self.words)[..self.len]
    }

    /// Adds `more` zero bytes and gives them out.
    pub(crate) fn grow(&mut self, more: usize) -> &mut [u8] {
        let start = self.len;
        self.len += more;
        self.words.resize(self.len.div_ceil(8), 0);
        &mut bytemuck::cast_slice_mut(&mut self.words)[start..self.len]
    }
}
