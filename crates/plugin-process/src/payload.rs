//! The bytes of a received frame.

use std::fmt;
use std::ops::Deref;
use std::sync::Arc;

use crate::aligned::Aligned;
use crate::arena::Arena;

/// The payload of a frame; its bytes start at a multiple of 8 in memory.
pub struct Payload(PayloadBytes);

enum PayloadBytes {
    Owned(Aligned),
    /// In the host's half, which the child may read until it answers.
    Arena(Arc<Arena>, usize),
}

impl Payload {
    pub(crate) fn owned(bytes: Aligned) -> Self {
        Self(PayloadBytes::Owned(bytes))
    }

    pub(crate) fn in_arena(arena: Arc<Arena>, len: usize) -> Self {
        Self(PayloadBytes::Arena(arena, len))
    }

    /// The same bytes in memory of this process alone, which stay while the lane is used on.
    #[must_use]
    pub fn into_owned(self) -> Self {
        match self.0 {
            PayloadBytes::Owned(_) => self,
            PayloadBytes::Arena(..) => Self::owned(Aligned::from_bytes(&self)),
        }
    }
}

impl Deref for Payload {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        match &self.0 {
            PayloadBytes::Owned(bytes) => bytes.as_bytes(),
            PayloadBytes::Arena(arena, len) => arena.theirs(*len),
        }
    }
}

impl fmt::Debug for Payload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Payload({} bytes)", self.len())
    }
}
