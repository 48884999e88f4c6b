//! Bytes in memory of this process that begin where a column of numbers may.

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
