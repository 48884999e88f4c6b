//! Texts, bytes, lists and failures on their way over the C border.

use meterbox_plugin_abi::{Failure, Status, caught};
use std::ffi::c_char;

/// `meterbox_status`.
pub(super) type CStatus = u32;

/// `METERBOX_LATER`.
pub(super) const LATER: CStatus = u32::MAX;

/// Room that a plugin gets for the sentence of a failure, in bytes.
const SENTENCE_BYTES: usize = 1024;

/// `meterbox_text`.
#[repr(C)]
#[derive(Clone, Copy)]
pub(super) struct Text {
    data: *const c_char,
    len: usize,
}

/// `meterbox_bytes`.
#[repr(C)]
#[derive(Clone, Copy)]
pub(super) struct Bytes {
    data: *const std::ffi::c_void,
    len: usize,
}

/// `meterbox_error`.
#[repr(C)]
pub(super) struct CError {
    text: *mut c_char,
    room: usize,
}

fn invalid(text: &str) -> Failure {
    Failure::new(Status::INVALID, text)
}

/// What `pointer` points at.
///
/// # Safety
/// It is null, or points at a `T` that lives for `'a`.
pub(super) unsafe fn lent<'a, T>(pointer: *const T) -> Result<&'a T, Failure> {
    // SAFETY: the caller's promise.
    unsafe { pointer.as_ref() }.ok_or_else(|| invalid("a handle or table is NULL"))
}

/// As [`lent`], for writing.
///
/// # Safety
/// As there, and nothing else refers to it.
pub(super) unsafe fn lent_mut<'a, T>(pointer: *mut T) -> Result<&'a mut T, Failure> {
    // SAFETY: the caller's promise.
    unsafe { pointer.as_mut() }.ok_or_else(|| invalid("a handle or a place for the answer is NULL"))
}

/// `len` items.
///
/// # Safety
/// `items` is null, or points at `len` items that live unchanged for `'a`.
pub(super) unsafe fn list<'a, T>(items: *const T, len: usize) -> Result<&'a [T], Failure> {
    if len == 0 {
        return Ok(&[]);
    }
    let fits = len
        .checked_mul(size_of::<T>())
        .is_some_and(|bytes| isize::try_from(bytes).is_ok());
    if items.is_null() || !items.is_aligned() || !fits {
        return Err(invalid("a list with a length has no usable address"));
    }
    // SAFETY: not null, aligned, of a possible size; the rest is the caller's promise.
    Ok(unsafe { std::slice::from_raw_parts(items, len) })
}

/// The texts of a list.
///
/// # Safety
/// As [`list`] and [`Text::get`].
pub(super) unsafe fn texts<'a>(items: *const Text, len: usize) -> Result<Vec<&'a str>, Failure> {
    // SAFETY: the caller's promise.
    let items = unsafe { list(items, len) }?;
    // SAFETY: the caller's promise.
    items.iter().map(|text| unsafe { text.get() }).collect()
}

impl Text {
    pub(super) const EMPTY: Self = Self::of("");

    pub(super) const fn from_parts((data, len): (*const u8, usize)) -> Self {
        Self {
            data: data.cast(),
            len,
        }
    }

    pub(super) const fn of(text: &str) -> Self {
        Self {
            data: text.as_ptr().cast(),
            len: text.len(),
        }
    }

    /// The text.
    ///
    /// # Safety
    /// Its bytes, if it has an address, live unchanged for `'a`.
    pub(super) unsafe fn get<'a>(self) -> Result<&'a str, Failure> {
        // SAFETY: the caller's promise.
        let bytes = unsafe { list(self.data.cast::<u8>(), self.len) }?;
        std::str::from_utf8(bytes).map_err(|_| invalid("a text is not UTF-8"))
    }

    /// The text, with what is not UTF-8 replaced.
    ///
    /// # Safety
    /// As [`Text::get`].
    pub(super) unsafe fn lossy<'a>(self) -> std::borrow::Cow<'a, str> {
        // SAFETY: the caller's promise.
        let bytes = unsafe { list(self.data.cast::<u8>(), self.len) };
        String::from_utf8_lossy(bytes.unwrap_or_default())
    }
}

impl Bytes {
    pub(super) const fn of(bytes: &[u8]) -> Self {
        Self {
            data: bytes.as_ptr().cast(),
            len: bytes.len(),
        }
    }

    /// The bytes.
    ///
    /// # Safety
    /// They live unchanged for `'a`.
    pub(super) unsafe fn get<'a>(self) -> Result<&'a [u8], Failure> {
        // SAFETY: the caller's promise.
        unsafe { list(self.data.cast::<u8>(), self.len) }
    }
}

/// Copies `text` into C's buffer, cut at a character and ended by NUL, as far as there is room.
///
/// # Safety
/// `to` is null or points at `room` writable bytes.
pub(super) unsafe fn copy_out(text: &str, to: *mut c_char, room: usize) {
    if to.is_null() || room == 0 {
        return;
    }
    let mut len = text.len().min(room - 1);
    while !text.is_char_boundary(len) {
        len -= 1;
    }
    // SAFETY: `len + 1` bytes fit into the caller's buffer, which cannot overlap a text of ours.
    unsafe {
        std::ptr::copy_nonoverlapping(text.as_ptr(), to.cast::<u8>(), len);
        to.add(len).write(0);
    }
}

/// Runs what C asked for; a failure or panic becomes a status, with its sentence in `error`.
///
/// # Safety
/// `error` is null or a `meterbox_error` with as much room as it says.
pub(super) unsafe fn answer(
    error: *mut CError,
    run: impl FnOnce() -> Result<(), Failure>,
) -> CStatus {
    let failure = match caught(run) {
        Ok(Ok(())) => return Status::OK.0,
        Ok(Err(failure)) | Err(failure) => failure,
    };
    // SAFETY: the caller's promise.
    if let Some(error) = unsafe { error.as_ref() } {
        // SAFETY: the caller's promise.
        unsafe { copy_out(&failure.message, error.text, error.room) };
    }
    failure.status.0
}

/// Asks C; hands back its status and, unless that is 0, its sentence.
pub(super) fn asked(call: impl FnOnce(*mut CError) -> CStatus) -> (CStatus, String) {
    let mut room = [0_u8; SENTENCE_BYTES];
    let mut error = CError {
        text: room.as_mut_ptr().cast(),
        room: SENTENCE_BYTES,
    };
    let status = call(&raw mut error);
    // Whatever C did to the last byte, the text ends there.
    let end = room.iter().position(|&byte| byte == 0);
    let text = String::from_utf8_lossy(&room[..end.unwrap_or(SENTENCE_BYTES)]).into_owned();
    (status, text)
}

/// As [`asked`], with anything but 0 as a failure.
pub(super) fn try_ask(call: impl FnOnce(*mut CError) -> CStatus) -> Result<(), Failure> {
    match asked(call) {
        (0, _) => Ok(()),
        (status, text) => Err(failure(status, text)),
    }
}

pub(super) fn failure(status: CStatus, text: String) -> Failure {
    let text = if text.is_empty() {
        "the plugin gave no reason".to_owned()
    } else {
        text
    };
    Failure::new(Status(status), text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sentence_is_cut_at_a_character_and_always_ended() {
        let mut room = [1_i8 as c_char; 6];
        // SAFETY: the buffer is that long.
        unsafe { copy_out("äöü€", room.as_mut_ptr(), room.len()) };
        let (status, text) = asked(|error| {
            // SAFETY: `asked` gave the buffer.
            unsafe {
                std::ptr::copy_nonoverlapping(room.as_ptr(), (*error).text, room.len());
            }
            7
        });
        assert_eq!((status, text.as_str()), (7, "äö"));
        let (_, text) = asked(|error| {
            // SAFETY: `asked` gave the buffer; nothing ends it.
            unsafe { (*error).text.write_bytes(b'x', (*error).room) };
            1
        });
        assert_eq!(text.len(), SENTENCE_BYTES);
    }

    #[test]
    fn lists_and_texts_without_an_address_are_refused_unless_empty() {
        let none = Text {
            data: std::ptr::null(),
            len: 0,
        };
        // SAFETY: nothing is read through a null pointer.
        unsafe {
            assert_eq!(none.get(), Ok(""));
            assert!(Text { len: 3, ..none }.get().is_err());
            assert!(list::<u64>(std::ptr::null(), 1).is_err());
            assert!(list(std::ptr::dangling::<u64>(), usize::MAX).is_err());
            assert!(list(std::ptr::without_provenance::<u64>(1), 1).is_err());
        }
        let latin = b"\xe4";
        let text = Text {
            data: latin.as_ptr().cast(),
            len: 1,
        };
        // SAFETY: the bytes are static.
        unsafe {
            assert_eq!(text.get().unwrap_err().message, "a text is not UTF-8");
            assert_eq!(text.lossy(), "\u{fffd}");
        }
    }
}
