//! From bytes to what the border shows.

use bytemuck::AnyBitPattern;
use meterbox_plugin_abi::gather::{Flow, Head, Kind, Segment, Visitor, check};

use super::{FAMILY, SEGMENT};
use crate::wire::Malformed;

/// Reads the batches of one gather in their order.
#[derive(Clone, Copy, Debug, Default)]
pub struct BatchReader {
    /// Kind and number of bounds of the family that began last.
    family: Option<(Kind, usize)>,
}

impl BatchReader {
    /// Before the first batch.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Shows what is in `bytes`, which start at a multiple of 8, to `visitor`. Each record is checked
    /// before it is shown.
    ///
    /// # Errors
    /// A record that cannot be, or a segment before any family.
    pub fn visit(&mut self, bytes: &[u8], visitor: &mut dyn Visitor) -> Result<Flow, Malformed> {
        let mut left = Columns { left: bytes };
        while !left.left.is_empty() {
            let flow = match left.number()? {
                FAMILY => {
                    let head = left.family()?;
                    self.family = Some((head.kind(), head.bounds().len()));
                    visitor.family(&head)
                }
                SEGMENT => {
                    let family = self.family;
                    let (kind, bounds) =
                        family.ok_or_else(|| Malformed::new("a segment of no family"))?;
                    let segment = left.segment()?;
                    check::columns(kind, bounds, &segment)
                        .map_err(|misfit| Malformed::new(misfit.to_string()))?;
                    visitor.segment(&segment)
                }
                other => return Err(Malformed::new(format!("a record of type {other}"))),
            };
            if flow == Flow::Stop {
                return Ok(Flow::Stop);
            }
        }
        Ok(Flow::Continue)
    }
}

struct Columns<'a> {
    left: &'a [u8],
}

fn short() -> Malformed {
    Malformed::new("a batch that ends too early")
}

impl<'a> Columns<'a> {
    fn number(&mut self) -> Result<u64, Malformed> {
        let (bytes, left) = self.left.split_first_chunk().ok_or_else(short)?;
        self.left = left;
        Ok(u64::from_le_bytes(*bytes))
    }

    fn pair(&mut self) -> Result<(u32, u32), Malformed> {
        let both = self.number()?;
        Ok((both as u32, (both >> 32) as u32))
    }

    /// The next column: the size of its items, and their bytes.
    fn any(&mut self) -> Result<(usize, &'a [u8]), Malformed> {
        let (count, size) = self.pair()?;
        let len = (count as usize)
            .checked_mul(size as usize)
            .ok_or_else(short)?;
        let whole = len.checked_next_multiple_of(8).ok_or_else(short)?;
        let (bytes, left) = self.left.split_at_checked(whole).ok_or_else(short)?;
        self.left = left;
        Ok((size as usize, &bytes[..len]))
    }

    /// The bytes of a column of items of this size.
    fn bytes(&mut self, size: usize) -> Result<&'a [u8], Malformed> {
        match self.any()? {
            (found, bytes) if found == size => Ok(bytes),
            (found, _) => {
                let text = format!("a column of items of {found} bytes instead of {size}");
                Err(Malformed::new(text))
            }
        }
    }

    fn column<T: AnyBitPattern>(&mut self) -> Result<&'a [T], Malformed> {
        bytemuck::try_cast_slice(self.bytes(size_of::<T>())?)
            .map_err(|_| Malformed::new("a batch that is not aligned"))
    }

    fn text(&mut self) -> Result<&'a str, Malformed> {
        let text = std::str::from_utf8(self.bytes(1)?);
        text.map_err(|_| Malformed::new("a text that is not UTF-8"))
    }

    fn family(&mut self) -> Result<Head<'a>, Malformed> {
        let (kind, flags) = self.pair()?;
        Ok(Head::new(Kind(kind), self.text()?)
            .with_flags(flags)
            .with_help(self.text()?)
            .with_unit(self.text()?)
            .with_set(self.text()?)
            .with_bounds(self.column()?))
    }

    fn segment(&mut self) -> Result<Segment<'a>, Malformed> {
        let structure = self.number()?;
        let mut columns = self.number()?;
        let next = |size| match columns.checked_sub(1) {
            // A column that the writer does not have is empty.
            None => Ok(&[][..]),
            Some(left) => {
                columns = left;
                self.bytes(size)
            }
        };
        let segment = Segment::from_columns(next, Malformed::new)?;
        for _ in 0..columns {
            // One that this side does not know is passed over.
            self.any()?;
        }
        Ok(segment.with_structure(structure))
    }
}
