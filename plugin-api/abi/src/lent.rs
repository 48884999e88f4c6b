//! Text and bytes that a handle lends to its holder, with room for "there is none".

use std::slice;

use abi_stable::StableAbi;

/// A borrowed piece of memory, or nothing.
///
/// OWNERSHIP: stays with the side that returned it; valid as long as the method of the handle that
/// gave it says. Frozen: an address and a length, for ever.
#[repr(C)]
#[derive(Clone, Copy, StableAbi)]
pub(crate) struct Lent {
    start: *const u8,
    len: usize,
}

impl Lent {
    pub(crate) const NONE: Self = Self {
        start: std::ptr::null(),
        len: 0,
    };

    pub(crate) const fn bytes(bytes: &[u8]) -> Self {
        Self {
            start: bytes.as_ptr(),
            len: bytes.len(),
        }
    }

    pub(crate) const fn text(text: &str) -> Self {
        Self::bytes(text.as_bytes())
    }

    pub(crate) fn maybe_text(text: Option<&str>) -> Self {
        text.map_or(Self::NONE, Self::text)
    }

    pub(crate) fn maybe_bytes(bytes: Option<&[u8]>) -> Self {
        bytes.map_or(Self::NONE, Self::bytes)
    }

    /// # Safety
    /// The lender keeps the memory unchanged during `'a`.
    pub(crate) unsafe fn as_bytes<'a>(self) -> Option<&'a [u8]> {
        // SAFETY: a start that is not null came from a slice of that length; the caller vouches for `'a`.
        (!self.start.is_null()).then(|| unsafe { slice::from_raw_parts(self.start, self.len) })
    }

    /// # Safety
    /// As [`Lent::as_bytes`]; and it was made by [`Lent::text`], or is none.
    pub(crate) unsafe fn as_text<'a>(self) -> Option<&'a str> {
        // SAFETY: the caller's promise; `Lent::text` took valid UTF-8.
        unsafe {
            self.as_bytes()
                .map(|bytes| std::str::from_utf8_unchecked(bytes))
        }
    }
}
