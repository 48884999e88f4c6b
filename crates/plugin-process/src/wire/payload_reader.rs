//! Reading the fields of a payload that the other side may have damaged on purpose.

/// Most items of one list. An empty text takes four bytes on the way and many more in memory.
pub const LIST_ITEMS_MAX: usize = 1 << 16;

/// What the other side sent makes no sense; the lane is of no use any more.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Malformed(String);

impl Malformed {
    /// `what` was sent, a noun with its article.
    pub fn new(what: impl Into<String>) -> Self {
        Self(what.into())
    }
}

/// A payload of which the fields are taken from the front.
#[derive(Clone, Copy, Debug)]
pub struct PayloadReader<'a> {
    left: &'a [u8],
}

macro_rules! numbers {
    ($($name:ident),*) => {
        $(
            #[doc = concat!("A `", stringify!($name), "`.")]
            ///
            /// # Errors
            /// Fewer bytes are left.
            pub fn $name(&mut self) -> Result<$name, Malformed> {
                let bytes = self.array()?;
                Ok($name::from_le_bytes(bytes))
            }
        )*
    };
}

impl<'a> PayloadReader<'a> {
    /// The fields of `payload`.
    #[must_use]
    pub fn of(payload: &'a [u8]) -> Self {
        Self { left: payload }
    }

    numbers!(u8, u16, u32, u64, f64);

    fn array<const N: usize>(&mut self) -> Result<[u8; N], Malformed> {
        let (array, left) = self.left.split_first_chunk().ok_or_else(short)?;
        self.left = left;
        Ok(*array)
    }

    /// The number of items of a list, each of at least `item_bytes_min` bytes; never more than can be
    /// there, so that it is safe to make room for them.
    ///
    /// # Errors
    /// Fewer bytes are left; more items than [`LIST_ITEMS_MAX`].
    pub fn count(&mut self, item_bytes_min: usize) -> Result<usize, Malformed> {
        let count = self.u32()? as usize;
        if count > LIST_ITEMS_MAX {
            return Err(Malformed::new(format!("a list of {count} items")));
        }
        if count > self.left.len() / item_bytes_min.max(1) {
            return Err(short());
        }
        Ok(count)
    }

    /// Bytes with their count.
    ///
    /// # Errors
    /// Fewer bytes are left.
    pub fn bytes(&mut self) -> Result<&'a [u8], Malformed> {
        let len = self.u32()? as usize;
        let (bytes, left) = self.left.split_at_checked(len).ok_or_else(short)?;
        self.left = left;
        Ok(bytes)
    }

    /// A text.
    ///
    /// # Errors
    /// Fewer bytes are left, or they are not UTF-8.
    pub fn text(&mut self) -> Result<&'a str, Malformed> {
        std::str::from_utf8(self.bytes()?).map_err(|_| Malformed::new("a text that is not UTF-8"))
    }

    /// A list of texts.
    ///
    /// # Errors
    /// As [`PayloadReader::text`].
    pub fn texts(&mut self) -> Result<Vec<&'a str>, Malformed> {
        let count = self.count(4)?;
        (0..count).map(|_| self.text()).collect()
    }

    /// A list of numbers.
    ///
    /// # Errors
    /// Fewer bytes are left.
    pub fn f64s(&mut self) -> Result<Vec<f64>, Malformed> {
        let count = self.count(8)?;
        (0..count).map(|_| self.f64()).collect()
    }

    /// All that is left.
    pub fn rest(&mut self) -> &'a [u8] {
        std::mem::take(&mut self.left)
    }

    /// Ends the payload.
    ///
    /// # Errors
    /// Bytes are left over.
    pub fn end(self) -> Result<(), Malformed> {
        if self.left.is_empty() {
            Ok(())
        } else {
            Err(Malformed::new(format!(
                "a payload with {} bytes too many",
                self.left.len()
            )))
        }
    }
}

fn short() -> Malformed {
    Malformed::new("a payload that ends too early")
}
