//! The eight bytes before every payload.

use super::{Kind, Malformed};

/// Bytes of a header.
pub const HEADER_BYTES: usize = 8;
/// Longest payload, in bytes.
pub const PAYLOAD_BYTES_MAX: usize = 64 << 20;
/// Flag: the payload lies in the sender's half of the arena.
pub const ARENA_FLAG: u16 = 1;

/// A frame without its payload.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    /// Bytes of the payload, at most [`PAYLOAD_BYTES_MAX`].
    pub len: usize,
    /// What the frame is.
    pub kind: Kind,
    /// Whether the payload lies in the arena.
    pub in_arena: bool,
}

impl Header {
    /// The header as it goes over the lane.
    #[must_use]
    pub fn bytes(self) -> [u8; HEADER_BYTES] {
        let mut bytes = [0; HEADER_BYTES];
        // A longer payload is refused before it gets here.
        bytes[..4].copy_from_slice(&u32::try_from(self.len).unwrap_or(u32::MAX).to_le_bytes());
        bytes[4..6].copy_from_slice(&self.kind.0.to_le_bytes());
        let flags = if self.in_arena { ARENA_FLAG } else { 0 };
        bytes[6..].copy_from_slice(&flags.to_le_bytes());
        bytes
    }

    /// Reads a header.
    ///
    /// # Errors
    /// A payload over [`PAYLOAD_BYTES_MAX`], or a flag that is not known.
    pub fn read(bytes: [u8; HEADER_BYTES]) -> Result<Self, Malformed> {
        let [a, b, c, d, e, f, g, h] = bytes;
        let len = u32::from_le_bytes([a, b, c, d]) as usize;
        let flags = u16::from_le_bytes([g, h]);
        if len > PAYLOAD_BYTES_MAX {
            return Err(Malformed::new(format!("a frame of {len} bytes")));
        }
        if flags & !ARENA_FLAG != 0 {
            return Err(Malformed::new(format!("a frame with flags 0x{flags:x}")));
        }
        Ok(Self {
            len,
            kind: Kind(u16::from_le_bytes([e, f])),
            in_arena: flags & ARENA_FLAG != 0,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_survives_and_an_impossible_one_is_refused() {
        let header = Header {
            len: PAYLOAD_BYTES_MAX,
            kind: Kind::REPLY,
            in_arena: true,
        };
        assert_eq!(header.bytes(), [0, 0, 0, 4, 0x2b, 0, 1, 0]);
        assert_eq!(Header::read(header.bytes()), Ok(header));
        assert!(
            Header::read([1, 0, 0, 4, 0x2b, 0, 0, 0]).is_err(),
            "too long"
        );
        assert!(Header::read([0, 0, 0, 0, 0x2b, 0, 2, 0]).is_err(), "a flag");
    }
}
