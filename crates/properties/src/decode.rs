//! Bytes to text: UTF-8 where it is valid, ISO-8859-1 otherwise.
//!
//! Java 8 read `.properties` as ISO-8859-1 and people save them as UTF-8 today; a file that is
//! valid UTF-8 but meant as ISO-8859-1 does not occur outside of constructed cases. It guesses
//! no further encoding.

use std::borrow::Cow;

/// The text of `bytes`, without a byte order mark; never fails, since each byte is a character of
/// ISO-8859-1.
#[must_use]
pub fn decode(bytes: &[u8]) -> Cow<'_, str> {
    match std::str::from_utf8(bytes) {
        Ok(text) => Cow::Borrowed(text.strip_prefix('\u{feff}').unwrap_or(text)),
        Err(_) => Cow::Owned(bytes.iter().copied().map(char::from).collect()),
    }
}

#[cfg(test)]
mod tests {
    use super::decode;

    #[test]
    fn utf8_is_read_as_utf8_and_its_byte_order_mark_dropped() {
        assert_eq!(decode("\u{feff}a=größe".as_bytes()), "a=größe");
    }

    #[test]
    fn bytes_that_are_not_utf8_are_read_as_latin_1() {
        assert_eq!(decode(b"a=gr\xf6\xdfe"), "a=größe");
    }
}
