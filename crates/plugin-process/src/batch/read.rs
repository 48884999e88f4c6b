//! From bytes to what the border's handles are made of.

use bytemuck::AnyBitPattern;
use meterbox_plugin_abi::gather::{
    Family, FamilyColumns, Flow, Kind, SEGMENT_SERIES_MAX, Segment, SegmentColumns, Visitor,
};

use super::{FAMILY, SEGMENT};
use crate::wire::Broken;

/// A family in a batch.
#[derive(Clone, Copy, Debug)]
pub struct FamilyView<'a> {
    kind: Kind,
    flags: u32,
    name: &'a str,
    help: &'a str,
    unit: &'a str,
    set: &'a str,
    bounds: &'a [f64],
}

/// A segment in a batch; its columns fit its length and its family.
#[derive(Clone, Copy, Debug)]
pub struct SegmentView<'a> {
    len: usize,
    structure: u64,
    stamp: u64,
    label_text: &'a str,
    label_ends: &'a [u32],
    values: &'a [f64],
    bucket_counts: &'a [u64],
    counts: &'a [u64],
    sums: &'a [f64],
    created: &'a [f64],
}

/// Reads the batches of one gather in their order.
#[derive(Clone, Copy, Debug, Default)]
pub struct BatchReader {
    /// Buckets of the family that began last.
    buckets: Option<usize>,
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
    pub fn visit(&mut self, bytes: &[u8], visitor: &mut dyn Visitor) -> Result<Flow, Broken> {
        let mut left = Columns { left: bytes };
        while !left.left.is_empty() {
            let flow = match left.number()? {
                FAMILY => {
                    let family = left.family()?;
                    self.buckets = Some(family.bounds.len() + 1);
                    visitor.family(&Family::of(&family))
                }
                SEGMENT => {
                    let buckets = self.buckets;
                    let buckets = buckets.ok_or_else(|| Broken::new("a segment of no family"))?;
                    visitor.segment(&Segment::of(&left.segment(buckets)?))
                }
                other => return Err(Broken::new(format!("a record of type {other}"))),
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

fn short() -> Broken {
    Broken::new("a batch that ends too early")
}

impl<'a> Columns<'a> {
    fn number(&mut self) -> Result<u64, Broken> {
        let (bytes, left) = self.left.split_first_chunk().ok_or_else(short)?;
        self.left = left;
        Ok(u64::from_le_bytes(*bytes))
    }

    fn pair(&mut self) -> Result<(u32, u32), Broken> {
        let both = self.number()?;
        Ok((both as u32, (both >> 32) as u32))
    }

    fn column<T: AnyBitPattern>(&mut self) -> Result<&'a [T], Broken> {
        let (count, zero) = self.pair()?;
        if zero != 0 {
            return Err(Broken::new("a column without its zero"));
        }
        let len = (count as usize).checked_mul(size_of::<T>());
        let len = len.ok_or_else(short)?;
        let whole = len.checked_next_multiple_of(8).ok_or_else(short)?;
        let (bytes, left) = self.left.split_at_checked(whole).ok_or_else(short)?;
        self.left = left;
        bytemuck::try_cast_slice(&bytes[..len])
            .map_err(|_| Broken::new("a batch that is not aligned"))
    }

    fn text(&mut self) -> Result<&'a str, Broken> {
        let text = std::str::from_utf8(self.column()?);
        text.map_err(|_| Broken::new("a text that is not UTF-8"))
    }

    fn family(&mut self) -> Result<FamilyView<'a>, Broken> {
        let (kind, flags) = self.pair()?;
        Ok(FamilyView {
            kind: Kind(kind),
            flags,
            name: self.text()?,
            help: self.text()?,
            unit: self.text()?,
            set: self.text()?,
            bounds: self.column()?,
        })
    }

    fn segment(&mut self, buckets: usize) -> Result<SegmentView<'a>, Broken> {
        let len = usize::try_from(self.number()?).unwrap_or(usize::MAX);
        if len > SEGMENT_SERIES_MAX {
            return Err(Broken::new(format!("a segment of {len} series")));
        }
        let segment = SegmentView {
            len,
            structure: self.number()?,
            stamp: self.number()?,
            label_text: self.text()?,
            label_ends: self.column()?,
            values: self.column()?,
            bucket_counts: self.column()?,
            counts: self.column()?,
            sums: self.column()?,
            created: self.column()?,
        };
        segment.check(buckets)?;
        Ok(segment)
    }
}

impl SegmentView<'_> {
    fn check(&self, buckets: usize) -> Result<(), Broken> {
        let columns = [
            (self.values.len(), self.len),
            (self.bucket_counts.len(), self.len * buckets),
            (self.counts.len(), self.len),
            (self.sums.len(), self.len),
            (self.created.len(), self.len),
        ];
        if columns.iter().any(|(is, full)| *is != 0 && is != full) {
            return Err(Broken::new("a segment whose columns differ in length"));
        }
        let mut start = 0;
        let rising = self.label_ends.iter().all(|end| {
            let end = *end as usize;
            let fine = start <= end && self.label_text.is_char_boundary(end);
            start = end;
            fine
        });
        if self.label_ends.len() != self.len || !rising || start != self.label_text.len() {
            return Err(Broken::new("a segment whose labels do not fit its series"));
        }
        Ok(())
    }
}

impl FamilyColumns for FamilyView<'_> {
    fn name(&self) -> &str {
        self.name
    }
    fn help(&self) -> &str {
        self.help
    }
    fn unit(&self) -> &str {
        self.unit
    }
    fn kind(&self) -> Kind {
        self.kind
    }
    fn bounds(&self) -> &[f64] {
        self.bounds
    }
    fn flags(&self) -> u32 {
        self.flags
    }
    fn set(&self) -> &str {
        self.set
    }
}

impl SegmentColumns for SegmentView<'_> {
    fn len(&self) -> usize {
        self.len
    }
    fn label_text(&self) -> &str {
        self.label_text
    }
    fn label_ends(&self) -> &[u32] {
        self.label_ends
    }
    fn values(&self) -> &[f64] {
        self.values
    }
    fn bucket_counts(&self) -> &[u64] {
        self.bucket_counts
    }
    fn counts(&self) -> &[u64] {
        self.counts
    }
    fn sums(&self) -> &[f64] {
        self.sums
    }
    fn created_seconds(&self) -> &[f64] {
        self.created
    }
    fn structure(&self) -> u64 {
        self.structure
    }
    fn stamp(&self) -> u64 {
        self.stamp
    }
}
