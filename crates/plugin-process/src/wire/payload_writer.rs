//! Writing the fields of a payload.

use super::LIST_ITEMS_MAX;

/// A payload in the making.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PayloadWriter {
    bytes: Vec<u8>,
    endless: bool,
}

impl PayloadWriter {
    /// An empty payload.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// An empty payload with room for `bytes`.
    #[must_use]
    pub fn with_room(bytes: usize) -> Self {
        Self {
            bytes: Vec::with_capacity(bytes),
            endless: false,
        }
    }

    /// A `u8`.
    pub fn u8(&mut self, value: u8) -> &mut Self {
        self.bytes.push(value);
        self
    }

    /// A `u16`.
    pub fn u16(&mut self, value: u16) -> &mut Self {
        self.raw(&value.to_le_bytes())
    }

    /// A `u32`.
    pub fn u32(&mut self, value: u32) -> &mut Self {
        self.raw(&value.to_le_bytes())
    }

    /// A `u64`.
    pub fn u64(&mut self, value: u64) -> &mut Self {
        self.raw(&value.to_le_bytes())
    }

    /// An `f64`.
    pub fn f64(&mut self, value: f64) -> &mut Self {
        self.raw(&value.to_le_bytes())
    }

    /// The number of items of a list that follows.
    pub fn count(&mut self, count: usize) -> &mut Self {
        self.endless |= count > LIST_ITEMS_MAX;
        self.len(count)
    }

    fn len(&mut self, len: usize) -> &mut Self {
        // A payload with more does not fit a frame; the lane refuses it by its length.
        self.u32(u32::try_from(len).unwrap_or(u32::MAX))
    }

    /// Bytes with their count.
    pub fn bytes(&mut self, bytes: &[u8]) -> &mut Self {
        self.len(bytes.len()).raw(bytes)
    }

    /// A text with its count of bytes.
    pub fn text(&mut self, text: &str) -> &mut Self {
        self.bytes(text.as_bytes())
    }

    /// A list of texts.
    pub fn texts(&mut self, texts: &[&str]) -> &mut Self {
        self.count(texts.len());
        for text in texts {
            self.text(text);
        }
        self
    }

    /// Bytes as they are.
    pub fn raw(&mut self, bytes: &[u8]) -> &mut Self {
        self.bytes.extend_from_slice(bytes);
        self
    }

    /// The fields of another payload.
    pub fn append(&mut self, other: &Self) -> &mut Self {
        self.endless |= other.endless;
        self.raw(&other.bytes)
    }

    /// Whether a list in it has more items than the other side takes.
    #[must_use]
    pub fn is_endless(&self) -> bool {
        self.endless
    }

    /// The payload so far.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }
}
