//! The frame of a chunked body: sizes, extensions, trailer fields. **Source:** RFC 9112 7.1.
//!
//! Data passes unseen; everything around it is checked and capped, since a body of tiny chunks or
//! endless extensions costs the server more than the client.

use crate::refusal::Refusal;

/// Extensions of all chunks of a body, in bytes.
const EXTENSION_BYTES_MAX: usize = 4096;
/// Trailer fields, in bytes.
const TRAILER_BYTES_MAX: usize = 8192;
/// From so many bytes of data and frame on, chunks have to be of a certain size.
const SMALL_CHUNKS_BYTES: u64 = 1 << 20;
/// That size, on average.
const CHUNK_BYTES_MIN: u64 = 16;

/// Where in the frame the next byte is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    /// In the digits of a size, so many of them seen.
    Size(u32),
    Extension,
    /// After the CR of a size line.
    SizeEnd,
    Data,
    DataCr,
    DataLf,
    /// In a trailer line that has so many bytes already.
    Trailer(usize),
    /// After the CR of a trailer line; true if the line is empty, which ends the body.
    TrailerEnd(bool),
}

/// The machine of one body.
pub(crate) struct Chunks {
    place: Place,
    /// The size being read, then the data that is left of the chunk.
    left: u64,
    chunks: u64,
    data_bytes: u64,
    all_bytes: u64,
    extension_bytes: usize,
    trailer_bytes: usize,
}

impl Default for Chunks {
    fn default() -> Self {
        Self {
            place: Place::Size(0),
            left: 0,
            chunks: 0,
            data_bytes: 0,
            all_bytes: 0,
            extension_bytes: 0,
            trailer_bytes: 0,
        }
    }
}

impl Chunks {
    /// How many of `bytes` belong to the body, and whether it ends with them.
    pub(crate) fn take(&mut self, bytes: &[u8]) -> Result<(usize, bool), Refusal> {
        let mut at = 0;
        while at < bytes.len() {
            if self.place == Place::Data {
                let taken = usize::try_from(self.left)
                    .unwrap_or(usize::MAX)
                    .min(bytes.len() - at);
                self.left -= taken as u64;
                self.data_bytes += taken as u64;
                self.all_bytes += taken as u64;
                at += taken;
                if self.left == 0 {
                    self.place = Place::DataCr;
                }
                continue;
            }
            self.all_bytes += 1;
            let over = self.frame(bytes[at])?;
            at += 1;
            if over {
                return Ok((at, true));
            }
        }
        Ok((at, false))
    }

    /// Takes one byte that is not data; true at the end of the body.
    fn frame(&mut self, byte: u8) -> Result<bool, Refusal> {
        self.place = match (self.place, byte) {
            (Place::Size(digits), _) if byte.is_ascii_hexdigit() => {
                // 15 digits cannot overflow, and no body is longer.
                if digits == 15 {
                    return Err(Refusal::CHUNK);
                }
                let digit = char::from(byte).to_digit(16).unwrap_or(0);
                self.left = self.left * 16 + u64::from(digit);
                Place::Size(digits + 1)
            }
            (Place::Size(1..), b'\r') => Place::SizeEnd,
            (Place::Size(1..), b';') => Place::Extension,
            (Place::Extension, b'\r') => Place::SizeEnd,
            (Place::Extension, b' '..=b'~' | b'\t') => {
                self.extension_bytes += 1;
                if self.extension_bytes > EXTENSION_BYTES_MAX {
                    return Err(Refusal::CHUNK_EXTENSION);
                }
                Place::Extension
            }
            (Place::SizeEnd, b'\n') => self.begin_chunk()?,
            (Place::DataCr, b'\r') => Place::DataLf,
            (Place::DataLf, b'\n') => Place::Size(0),
            (Place::Trailer(length), b'\r') => Place::TrailerEnd(length == 0),
            (Place::Trailer(length), b' '..=b'~' | b'\t') => {
                self.trailer_bytes += 1;
                if self.trailer_bytes > TRAILER_BYTES_MAX {
                    return Err(Refusal::TRAILERS);
                }
                Place::Trailer(length + 1)
            }
            (Place::TrailerEnd(true), b'\n') => return Ok(true),
            (Place::TrailerEnd(false), b'\n') => Place::Trailer(0),
            _ => return Err(Refusal::CHUNK),
        };
        Ok(false)
    }

    fn begin_chunk(&mut self) -> Result<Place, Refusal> {
        if self.left == 0 {
            return Ok(Place::Trailer(0));
        }
        self.chunks += 1;
        let small = self.data_bytes + self.left < CHUNK_BYTES_MIN * self.chunks;
        if small && self.all_bytes > SMALL_CHUNKS_BYTES {
            return Err(Refusal::TINY_CHUNKS);
        }
        Ok(Place::Data)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn whole(body: &[u8]) -> Result<(usize, bool), Refusal> {
        Chunks::default().take(body)
    }

    #[test]
    fn a_body_ends_with_its_empty_chunk() {
        let body = b"5\r\nhello\r\nA;x=\"y\"\r\n0123456789\r\n0\r\n\r\nGET";
        assert_eq!(whole(body), Ok((body.len() - 3, true)));
        assert_eq!(whole(b"000\r\n\r\n"), Ok((7, true)));
        assert_eq!(whole(b"5\r\nhel"), Ok((6, false)));
    }

    #[test]
    fn malformed_frames_are_refused() {
        for body in [
            &b"\r\n"[..],
            b";x\r\n",
            b"5\nhello",
            b"5\r\nhelloX",
            b"5\r\nhello\n",
            b"g\r\n",
            b"-1\r\n",
            b"0x5\r\n",
            b"1234567890123456\r\n",
            b"0\r\nA: b\n",
            b"0\r\nA: \x01\r\n",
            b"5 \r\n",
        ] {
            assert_eq!(
                whole(body),
                Err(Refusal::CHUNK),
                "{:?}",
                String::from_utf8_lossy(body)
            );
        }
    }

    #[test]
    fn extensions_and_trailers_are_capped() {
        let extension = [b"5;".to_vec(), vec![b'e'; 5000]].concat();
        assert_eq!(whole(&extension), Err(Refusal::CHUNK_EXTENSION));
        let trailers = [b"0\r\n".to_vec(), b"A: b\r\n".repeat(2100)].concat();
        assert_eq!(whole(&trailers), Err(Refusal::TRAILERS));
    }

    #[test]
    fn tiny_chunks_are_refused_after_a_megabyte() {
        let tiny = b"6\r\nabcdef\r\n".repeat(100_000);
        assert_eq!(whole(&tiny), Err(Refusal::TINY_CHUNKS));
        let some = b"6\r\nabcdef\r\n".repeat(1000);
        assert_eq!(whole(&some), Ok((some.len(), false)));
        let good = b"10\r\n0123456789abcdef\r\n".repeat(100_000);
        assert_eq!(whole(&good), Ok((good.len(), false)));
    }
}
