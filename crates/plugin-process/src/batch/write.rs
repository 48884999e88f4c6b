//! From what the border shows to bytes.

use meterbox_plugin_abi::gather::{Flow, Head, Segment, Visitor};

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

    /// A column: the size of its items, and their bytes.
    fn column(&mut self, (size, bytes): (usize, &[u8])) {
        let numbers = [bytes.len() / size, size].map(|one| u32::try_from(one).unwrap_or(u32::MAX));
        self.pair(numbers[0], numbers[1]);
        self.bytes.extend_from_slice(bytes);
        self.bytes.resize(self.bytes.len().next_multiple_of(8), 0);
    }
}

/// Bytes of a column with its count and padding.
fn column_bytes(bytes: &[u8]) -> usize {
    8 + bytes.len().next_multiple_of(8)
}

impl<S: FnMut(&[u8]) -> Flow> Visitor for BatchWriter<S> {
    fn family(&mut self, head: &Head<'_>) -> Flow {
        let bounds = bytemuck::cast_slice(head.bounds());
        let texts = [head.name(), head.help(), head.unit(), head.set()];
        let texts = texts.map(|text| (1, text.as_bytes()));
        let columns = texts.iter().map(|(_, bytes)| column_bytes(bytes));
        if self.make_room(16 + columns.sum::<usize>() + column_bytes(bounds)) == Flow::Stop {
            return Flow::Stop;
        }
        self.number(FAMILY);
        self.pair(head.kind().0, head.flags());
        texts.iter().for_each(|column| self.column(*column));
        self.column((size_of::<f64>(), bounds));
        Flow::Continue
    }

    fn segment(&mut self, segment: &Segment<'_>) -> Flow {
        let columns = segment.columns();
        let bytes: usize = columns.iter().map(|(_, bytes)| column_bytes(bytes)).sum();
        if self.make_room(24 + bytes) == Flow::Stop {
            return Flow::Stop;
        }
        self.number(SEGMENT);
        self.number(segment.structure());
        self.number(columns.len() as u64);
        columns.iter().for_each(|column| self.column(*column));
        Flow::Continue
    }
}
