//! Items and texts that are lent for a call: an address and a number.
//!
//! All zeros are an empty column, so that a struct made of columns can be read when its end is missing.

use std::fmt;
use std::marker::PhantomData;

/// Items lent over the border, as `meterbox_numbers` and its like in the header for C.
///
/// OWNERSHIP: borrowed from the side that made it; a copy copies the borrow. Frozen: an address and a
/// number, for ever.
#[repr(C)]
pub struct Column<'a, T> {
    start: *const T,
    len: usize,
    lent: PhantomData<&'a [T]>,
}

impl<'a, T> Column<'a, T> {
    /// No items.
    pub const EMPTY: Self = Self {
        start: std::ptr::null(),
        len: 0,
        lent: PhantomData,
    };

    /// Lends these items.
    #[must_use]
    pub const fn of(items: &'a [T]) -> Self {
        Self {
            start: items.as_ptr(),
            len: items.len(),
            lent: PhantomData,
        }
    }

    /// The items. What a stranger filled in is looked at with [`Column::parts`] first.
    #[must_use]
    pub const fn get(self) -> &'a [T] {
        // A number without its address, or the other way round, is a field that was there by half.
        if self.start.is_null() || self.len == 0 {
            return &[];
        }
        // SAFETY: `of` took both from a slice that lives for 'a, here or on the other side of the border.
        unsafe { std::slice::from_raw_parts(self.start, self.len) }
    }

    /// Address and number as they are, for whoever has to check them.
    #[must_use]
    pub const fn parts(self) -> (*const T, usize) {
        (self.start, self.len)
    }
}

impl<T> Clone for Column<'_, T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for Column<'_, T> {}

impl<T: PartialEq> PartialEq for Column<'_, T> {
    fn eq(&self, other: &Self) -> bool {
        self.get() == other.get()
    }
}

impl<T: fmt::Debug> fmt::Debug for Column<'_, T> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.get().fmt(out)
    }
}

/// A text lent over the border, as `meterbox_text` in the header for C.
///
/// OWNERSHIP: as [`Column`].
#[repr(transparent)]
#[derive(Clone, Copy, PartialEq)]
pub struct Text<'a>(Column<'a, u8>);

impl<'a> Text<'a> {
    /// Lends this text.
    #[must_use]
    pub const fn of(text: &'a str) -> Self {
        Self(Column::of(text.as_bytes()))
    }

    /// The text. What a stranger filled in is looked at with [`Text::bytes`] first.
    #[must_use]
    pub const fn get(self) -> &'a str {
        // SAFETY: `of` took the bytes from a text, here or on the other side of the border.
        unsafe { std::str::from_utf8_unchecked(self.0.get()) }
    }

    /// Its bytes.
    #[must_use]
    pub const fn bytes(self) -> Column<'a, u8> {
        self.0
    }
}

impl fmt::Debug for Text<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.get().fmt(out)
    }
}

/// A number that a column may consist of; every pattern of bits is one.
pub(crate) trait Item: Copy {}

impl Item for u8 {}
impl Item for u32 {}
impl Item for u64 {}
impl Item for f64 {}

/// The bytes of these items as they lie in memory.
pub(crate) fn bytes_of<T: Item>(items: &[T]) -> &[u8] {
    // SAFETY: numbers have no padding, and the bytes are those that the slice borrows.
    unsafe { std::slice::from_raw_parts(items.as_ptr().cast(), size_of_val(items)) }
}

/// The items that lie in these bytes; none when they are not aligned for that or end within an item.
pub(crate) fn items_of<T: Item>(bytes: &[u8]) -> Option<&[T]> {
    if bytes.is_empty() {
        return Some(&[]);
    }
    // SAFETY: every pattern of bits is a number.
    let (before, items, after) = unsafe { bytes.align_to::<T>() };
    (before.is_empty() && after.is_empty()).then_some(items)
}
