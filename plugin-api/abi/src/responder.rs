//! The answer to one request, as a plugin gives it.
//!
//! The host implements [`ResponderService`] (normally by [`crate::Reply`], which knows the rules); the
//! plugin owns the [`Responder`], may move it to any thread, and finishes it once.

use abi_stable::StableAbi;
use abi_stable::prefix_type::WithMetadata;
use abi_stable::std_types::{RSlice, RStr, RString};

use crate::border::{Ptr, caught, cross, shims, try_cross};
use crate::status::{Failure, Status};

/// The host's side of one answer. Dropping it without `finish` or `fail` is an answer as well.
pub trait ResponderService: Send + 'static {
    /// Sets the HTTP status; 200 when never called.
    ///
    /// # Errors
    /// [`Status::INVALID`] for a number outside 200..=599 or when the head is sent.
    fn status(&mut self, status: u16) -> Result<(), Failure>;

    /// Adds a header.
    ///
    /// # Errors
    /// [`Status::INVALID`] for a name or value that HTTP does not allow, one that is the host's to set, or
    /// when the head is sent; [`Status::LIMIT`] for too many.
    fn header(&mut self, name: &str, value: &[u8]) -> Result<(), Failure>;

    /// Sends the head if it is not sent, then these bytes. Waits while the client is slow.
    ///
    /// # Errors
    /// [`Status::CLOSED`] when the client left or the host answered itself, [`Status::TOO_LARGE`] over the
    /// reply cap.
    fn write(&mut self, bytes: &[u8]) -> Result<(), Failure>;

    /// Ends the answer with these last bytes; when nothing was written before, they are the whole body and
    /// its length is announced.
    ///
    /// # Errors
    /// As [`ResponderService::write`].
    fn finish(&mut self, bytes: &[u8]) -> Result<(), Failure>;

    /// Ends the answer with an error body in the host's form, or cuts it off when the head is sent.
    ///
    /// # Errors
    /// [`Status::CLOSED`] when it is over already.
    fn fail(&mut self, status: u16, message: &str) -> Result<(), Failure>;

    /// Whether nobody is interested in the answer any more.
    fn is_closed(&self) -> bool;
}

type Owned = Box<dyn ResponderService>;

/// Border functions of [`ResponderService`]; grows only at its end.
#[repr(C)]
#[derive(StableAbi)]
#[sabi(kind(Prefix(prefix_ref = ResponderVtRef, prefix_fields = ResponderVtPrefix)))]
#[sabi(missing_field(option))]
pub(crate) struct ResponderVt {
    status: for<'o> unsafe extern "C" fn(this: Ptr, status: u16, error: &'o mut RString) -> Status,
    header: for<'t, 'o> unsafe extern "C" fn(
        this: Ptr,
        name: RStr<'t>,
        value: RSlice<'t, u8>,
        error: &'o mut RString,
    ) -> Status,
    write: for<'t, 'o> unsafe extern "C" fn(
        this: Ptr,
        bytes: RSlice<'t, u8>,
        error: &'o mut RString,
    ) -> Status,
    finish: for<'t, 'o> unsafe extern "C" fn(
        this: Ptr,
        bytes: RSlice<'t, u8>,
        error: &'o mut RString,
    ) -> Status,
    fail: for<'t, 'o> unsafe extern "C" fn(
        this: Ptr,
        status: u16,
        message: RStr<'t>,
        error: &'o mut RString,
    ) -> Status,
    is_closed: unsafe extern "C" fn(this: Ptr) -> bool,
    #[sabi(last_prefix_field)]
    release: unsafe extern "C" fn(this: Ptr),
}

/// An answer behind the border.
///
/// OWNERSHIP: owned by one holder at a time, who may move it to any thread. Dropping it ends the answer.
#[repr(C)]
#[derive(StableAbi)]
pub struct Responder {
    this: Ptr,
    vt: ResponderVtRef,
}

static VT: &WithMetadata<ResponderVt> = &WithMetadata::new(ResponderVt {
    status,
    header,
    write,
    finish,
    fail,
    is_closed,
    release,
});

shims! { in mut Owned as responder;
    try fn status(status: u16) => responder.status(status);
    try fn header(name: RStr<'_>, value: RSlice<'_, u8>) =>
        responder.header(name.as_str(), value.as_slice());
    try fn write(bytes: RSlice<'_, u8>) => responder.write(bytes.as_slice());
    try fn finish(bytes: RSlice<'_, u8>) => responder.finish(bytes.as_slice());
    try fn fail(status: u16, message: RStr<'_>) => responder.fail(status, message.as_str());
    fn is_closed() -> bool, or true => responder.is_closed();
}

unsafe extern "C" fn release(this: Ptr) {
    // SAFETY: `of` boxed it; the handle calls this once, when it is dropped.
    let responder = unsafe { this.unbox::<Owned>() };
    let _panic_has_nowhere_to_go = caught(move || drop(responder));
}

// SAFETY: the pointee is a `ResponderService`, which is `Send` and has one holder.
unsafe impl Send for Responder {}

impl Responder {
    /// Wraps an answer for the border.
    #[must_use]
    pub fn of(responder: Box<dyn ResponderService>) -> Self {
        Self {
            this: Ptr::boxed(responder),
            vt: ResponderVtRef(VT.static_as_prefix()),
        }
    }

    /// See [`ResponderService::status`].
    ///
    /// # Errors
    /// As there.
    pub fn status(&mut self, status: u16) -> Result<(), Failure> {
        try_cross!(self.status(status))
    }

    /// See [`ResponderService::header`].
    ///
    /// # Errors
    /// As there.
    pub fn header(&mut self, name: &str, value: &[u8]) -> Result<(), Failure> {
        try_cross!(self.header(RStr::from(name), RSlice::from_slice(value)))
    }

    /// See [`ResponderService::write`].
    ///
    /// # Errors
    /// As there.
    pub fn write(&mut self, bytes: &[u8]) -> Result<(), Failure> {
        try_cross!(self.write(RSlice::from_slice(bytes)))
    }

    /// See [`ResponderService::finish`].
    ///
    /// # Errors
    /// As there.
    pub fn finish(self, bytes: &[u8]) -> Result<(), Failure> {
        try_cross!(self.finish(RSlice::from_slice(bytes)))
    }

    /// See [`ResponderService::fail`].
    ///
    /// # Errors
    /// As there.
    pub fn fail(self, status: u16, message: &str) -> Result<(), Failure> {
        try_cross!(self.fail(status, RStr::from(message)))
    }

    /// See [`ResponderService::is_closed`].
    #[must_use]
    pub fn is_closed(&self) -> bool {
        cross!(self.is_closed())
    }
}

impl Drop for Responder {
    fn drop(&mut self) {
        cross!(self.release());
    }
}
