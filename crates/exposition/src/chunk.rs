//! The one buffer of a page: lines are written into it, full ones go to the sink.
//!
//! It knows nothing of formats. Memory of a scrape is this buffer, whatever the size of the page; it
//! grows only for a line that does not fit into it.

use meterbox_plugin_abi::gather::Flow;

use crate::Sink;

/// Size of the buffer, and most bytes that a sink is handed at once.
pub const CHUNK_BYTES: usize = 64 * 1024;

/// Size that the buffer begins with: most pages fit, and the allocator hands out and takes back a
/// small piece of memory at once.
const FIRST_BYTES: usize = 16 * 1024;

pub(crate) struct Chunk<S> {
    /// All of its length may be written to.
    bytes: Vec<u8>,
    used: usize,
    sink: S,
    flow: Flow,
    passed: u64,
}

impl<S: Sink> Chunk<S> {
    pub(crate) fn new(sink: S) -> Self {
        Self {
            bytes: vec![0; FIRST_BYTES],
            used: 0,
            sink,
            flow: Flow::Continue,
            passed: 0,
        }
    }

    /// Whether the sink still wants bytes.
    pub(crate) fn flow(&self) -> Flow {
        self.flow
    }

    /// Bytes that the sink took.
    pub(crate) fn passed(&self) -> u64 {
        self.passed
    }

    pub(crate) fn into_sink(self) -> S {
        self.sink
    }

    /// At least `need` bytes to write a line into; [`take`](Self::take) says how many were used.
    #[inline(always)]
    pub(crate) fn room(&mut self, need: usize) -> &mut [u8] {
        if self.bytes.len() - self.used < need {
            self.make_room(need);
        }
        &mut self.bytes[self.used..]
    }

    /// Keeps the first `length` bytes of the room that was given out last.
    #[inline(always)]
    pub(crate) fn take(&mut self, length: usize) {
        self.used += length;
    }

    #[cold]
    fn make_room(&mut self, need: usize) {
        if self.used + need > CHUNK_BYTES {
            self.flush();
        }
        let wanted = (self.used + need).max(CHUNK_BYTES);
        if self.bytes.len() < wanted {
            self.bytes.resize(wanted, 0);
        }
    }

    /// Appends any number of bytes.
    pub(crate) fn push(&mut self, mut bytes: &[u8]) {
        while !bytes.is_empty() {
            if self.used == self.bytes.len() {
                self.make_room(1);
            }
            let room = &mut self.bytes[self.used..];
            let (now, later) = bytes.split_at(bytes.len().min(room.len()));
            room[..now.len()].copy_from_slice(now);
            self.used += now.len();
            bytes = later;
        }
    }

    /// Hands what is there to the sink.
    pub(crate) fn flush(&mut self) {
        let used = std::mem::take(&mut self.used);
        for piece in self.bytes[..used].chunks(CHUNK_BYTES) {
            if self.flow == Flow::Continue {
                self.flow = self.sink.chunk(piece);
                self.passed += piece.len() as u64;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line<S: Sink>(chunk: &mut Chunk<S>, need: usize, text: &[u8]) {
        chunk.room(need)[..text.len()].copy_from_slice(text);
        chunk.take(text.len());
    }

    #[test]
    fn chunks_keep_order_and_size() {
        let mut sizes = Vec::new();
        let mut all = Vec::new();
        let mut chunk = Chunk::new(|bytes: &[u8]| {
            sizes.push(bytes.len());
            all.extend_from_slice(bytes);
            Flow::Continue
        });
        let mut expected = Vec::new();
        for _ in 0..3000 {
            line(
                &mut chunk,
                60,
                b"0123456789012345678901234567890123456789\n",
            );
            expected.extend_from_slice(b"0123456789012345678901234567890123456789\n");
        }
        let long = vec![b'x'; 3 * CHUNK_BYTES];
        chunk.push(&long);
        line(&mut chunk, 2 * CHUNK_BYTES, b"end\n");
        line(&mut chunk, long.len(), &long);
        expected.extend_from_slice(&long);
        expected.extend_from_slice(b"end\n");
        expected.extend_from_slice(&long);
        chunk.flush();
        chunk.flush();
        assert_eq!(chunk.passed(), expected.len() as u64);
        drop(chunk);
        assert!(all == expected, "the bytes differ");
        assert!(
            sizes.iter().all(|size| (1..=CHUNK_BYTES).contains(size)),
            "{sizes:?}"
        );
    }

    #[test]
    fn a_sink_that_stops_is_not_called_again() {
        let mut calls = 0;
        let mut chunk = Chunk::new(|_: &[u8]| {
            calls += 1;
            Flow::Stop
        });
        chunk.push(&vec![b'x'; 5 * CHUNK_BYTES]);
        chunk.flush();
        assert_eq!(chunk.flow(), Flow::Stop);
        drop(chunk);
        assert_eq!(calls, 1);
    }
}
