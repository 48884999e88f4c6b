//! From the border's handles to bytes.

use meterbox_plugin_abi::gather::{Family, Flow, Segment, Visitor};

use super::{FAMILY, SEGMENT};

/// A visitor that packs what it is shown and hands it on in batches.
///
/// A batch is handed on before a record would make it longer than the limit; a single record may be
/// longer. Call [`BatchWriter::finish`] at the end.
pub struct BatchWriter<S> {
    bytes: Vec<u8>,
    limit: usize,
    send: S,
    flow: Flow,
}

impl<S: FnMut(&[u8]) -> Flow> BatchWriter<S> {
    /// Batches of about `limit` bytes at most; `send` takes each and says whether the gather goes on.
    pub fn new(limit: usize, send: S) -> Self {
        Self {
            bytes: Vec::new(),
            limit,
            send,
            flow: Flow::Continue,
        }
    }

    /// Hands on what is left.
    pub fn finish(mut self) -> Flow {
        self.hand_on();
        self.flow
    }

    fn hand_on(&mut self) {
        if !self.bytes.is_empty() && self.flow == Flow::Continue {
            self.flow = (self.send)(&self.bytes);
        }
        self.bytes.clear();
    }

    fn make_room(&mut self, record: usize) -> Flow {
        if self.bytes.len() + record > self.limit {
            self.hand_on();
        }
        self.flow
    }

    fn number(&mut self, number: u64) {
        self.bytes.extend_from_slice(&number.to_le_bytes());
    }

    fn pair(&mut self, first: u32, second: u32) {
        self.bytes.extend_from_slice(&first.to_le_bytes());
        self.bytes.extend_from_slice(&second.to_le_bytes());
    }

    fn column<T: bytemuck::NoUninit>(&mut self, items: &[T]) {
        self.pair(u32::try_from(items.len()).unwrap_or(u32::MAX), 0);
        self.bytes.extend_from_slice(bytemuck::cast_slice(items));
        self.bytes.resize(self.bytes.len().next_multiple_of(8), 0);
    }
}

/// Bytes of a column with its count and padding.
fn column_bytes<T>(items: &[T]) -> usize {
    8 + size_of_val(items).next_multiple_of(8)
}

impl<S: FnMut(&[u8]) -> Flow> Visitor for BatchWriter<S> {
    fn family(&mut self, family: &Family<'_>) -> Flow {
        let texts = [family.name(), family.help(), family.unit(), family.set()];
        let bounds = family.bounds();
        let texts_bytes: usize = texts.iter().map(|text| column_bytes(text.as_bytes())).sum();
        if self.make_room(16 + texts_bytes + column_bytes(bounds)) == Flow::Stop {
            return Flow::Stop;
        }
        self.number(FAMILY);
        self.pair(family.kind().0, family.flags());
        for text in texts {
            self.column(text.as_bytes());
        }
        self.column(bounds);
        Flow::Continue
    }

    fn segment(&mut self, segment: &Segment<'_>) -> Flow {
        let text = segment.label_text().as_bytes();
        let ends = segment.label_ends();
        let (values, buckets) = (segment.values(), segment.bucket_counts());
        let (counts, sums) = (segment.counts(), segment.sums());
        let created = segment.created_seconds();
        let columns = column_bytes(text)
            + column_bytes(ends)
            + column_bytes(values)
            + column_bytes(buckets)
            + column_bytes(counts)
            + column_bytes(sums)
            + column_bytes(created);
        if self.make_room(32 + columns) == Flow::Stop {
            return Flow::Stop;
        }
        self.number(SEGMENT);
        self.number(segment.len() as u64);
        self.number(segment.structure());
        self.number(segment.stamp());
        self.column(text);
        self.column(ends);
        self.column(values);
        self.column(buckets);
        self.column(counts);
        self.column(sums);
        self.column(created);
        Flow::Continue
    }
}
