//! One HTTP request as a plugin sees it.
//!
//! The host implements [`RequestService`]; the plugin holds a [`Request`] for as long as it likes. Nothing
//! here parses a path or a query: texts are given as they came.

use std::sync::Arc;
use std::time::Duration;

use abi_stable::StableAbi;
use abi_stable::prefix_type::WithMetadata;
use abi_stable::std_types::{RSliceMut, RStr, RString};

use crate::border::{Ptr, caught, cross, outcome, shims, try_cross};
use crate::lent::Lent;
use crate::status::{Failure, Status};

/// A request as the host gives it out. Texts stay the same for the life of the request.
pub trait RequestService: Send + Sync + 'static {
    /// The method, as it came: an upper case token for all usual ones.
    fn method(&self) -> &str;
    /// The whole path, as it came, without the query.
    fn path(&self) -> &str;
    /// What follows the route's pattern in the path, with its leading `/`; empty when nothing does.
    fn rest(&self) -> &str;
    /// The query after `?`, as it came; empty when there is none.
    fn query(&self) -> &str;
    /// Address of the client, for logs.
    fn peer(&self) -> &str;
    /// The header number `index` with its name in lower case; `None` past the last one.
    fn header_at(&self, index: usize) -> Option<(&str, &[u8])>;
    /// The first header of this name, which is given in lower case.
    fn header(&self, name: &str) -> Option<&[u8]> {
        let all = (0..).map_while(|index| self.header_at(index));
        all.filter(|(found, _)| *found == name)
            .map(|(_, value)| value)
            .next()
    }
    /// Copies the next bytes of the body into `buffer`, waiting for them if need be; 0 at its end.
    ///
    /// # Errors
    /// [`Status::CLOSED`] when the client left, [`Status::TOO_LARGE`], [`Status::TIMEOUT`].
    fn read_body(&self, buffer: &mut [u8]) -> Result<usize, Failure>;
    /// Time left until the host answers in the plugin's place; `None` for no limit.
    fn time_left(&self) -> Option<Duration>;
}

type SharedRequest = Arc<dyn RequestService>;

/// Border functions of [`RequestService`]; grows only at its end.
#[repr(C)]
#[derive(StableAbi)]
#[sabi(kind(Prefix(prefix_ref = RequestVtRef, prefix_fields = RequestVtPrefix)))]
#[sabi(missing_field(option))]
pub(crate) struct RequestVt {
    method: unsafe extern "C" fn(this: Ptr) -> Lent,
    path: unsafe extern "C" fn(this: Ptr) -> Lent,
    rest: unsafe extern "C" fn(this: Ptr) -> Lent,
    query: unsafe extern "C" fn(this: Ptr) -> Lent,
    peer: unsafe extern "C" fn(this: Ptr) -> Lent,
    header_at: for<'o> unsafe extern "C" fn(this: Ptr, index: usize, name: &'o mut Lent) -> Lent,
    header: for<'t> unsafe extern "C" fn(this: Ptr, name: RStr<'t>) -> Lent,
    read_body: for<'o> unsafe extern "C" fn(
        this: Ptr,
        buffer: RSliceMut<'o, u8>,
        read: &'o mut usize,
        error: &'o mut RString,
    ) -> Status,
    /// The greatest number for no limit.
    time_left_ns: unsafe extern "C" fn(this: Ptr) -> u64,
    retain: unsafe extern "C" fn(this: Ptr) -> Ptr,
    #[sabi(last_prefix_field)]
    release: unsafe extern "C" fn(this: Ptr),
}

/// A request behind the border.
///
/// OWNERSHIP: owned by whoever holds it, free to move to any thread; a clone is one more holder. Texts are
/// lent as long as the handle is held. The body is read once, by whichever holder is first.
#[repr(C)]
#[derive(StableAbi)]
pub struct Request {
    this: Ptr,
    vt: RequestVtRef,
}

static VT: &WithMetadata<RequestVt> = &WithMetadata::new(RequestVt {
    method,
    path,
    rest,
    query,
    peer,
    header_at,
    header,
    read_body,
    time_left_ns,
    retain,
    release,
});

shims! { in SharedRequest as request;
    fn method() -> Lent, or Lent::text("") => Lent::text(request.method());
    fn path() -> Lent, or Lent::text("") => Lent::text(request.path());
    fn rest() -> Lent, or Lent::text("") => Lent::text(request.rest());
    fn query() -> Lent, or Lent::text("") => Lent::text(request.query());
    fn peer() -> Lent, or Lent::text("") => Lent::text(request.peer());
    fn header_at(index: usize, name: &mut Lent) -> Lent, or Lent::NONE =>
        Lent::maybe_bytes(request.header_at(index).map(|(found, value)| {
            *name = Lent::text(found);
            value
        }));
    fn header(name: RStr<'_>) -> Lent, or Lent::NONE =>
        Lent::maybe_bytes(request.header(name.as_str()));
    fn time_left_ns() -> u64, or u64::MAX => request
        .time_left()
        .map_or(u64::MAX, |left| u64::try_from(left.as_nanos()).unwrap_or(u64::MAX));
    fn retain() -> Ptr, or Ptr::NULL => Ptr::boxed(Arc::clone(request));
}

unsafe extern "C" fn read_body(
    this: Ptr,
    mut buffer: RSliceMut<'_, u8>,
    read: &mut usize,
    error: &mut RString,
) -> Status {
    // SAFETY: only `Request::of` pairs this function with a pointer, to a boxed `SharedRequest`.
    let request = unsafe { this.get::<SharedRequest>() };
    outcome(error, || {
        request
            .read_body(buffer.as_mut_slice())
            .map(|len| *read = len)
    })
}

unsafe extern "C" fn release(this: Ptr) {
    // SAFETY: `of` or `retain` boxed it; the handle calls this once, when it is dropped.
    let request = unsafe { this.unbox::<SharedRequest>() };
    let _panic_has_nowhere_to_go = caught(move || drop(request));
}

/// Reads a text of the request through its vtable.
macro_rules! text {
    ($self:ident . $function:ident) => {{
        let lent = cross!($self.$function());
        // SAFETY: the owner lends its texts for as long as this handle is held.
        unsafe { lent.as_text() }.unwrap_or_default()
    }};
}

// SAFETY: the pointee is a `RequestService`, which is `Send` and `Sync`.
unsafe impl Send for Request {}
// SAFETY: as above.
unsafe impl Sync for Request {}

impl Request {
    /// Wraps a request for the border.
    #[must_use]
    pub fn of(request: Arc<dyn RequestService>) -> Self {
        Self {
            this: Ptr::boxed(request),
            vt: RequestVtRef(VT.static_as_prefix()),
        }
    }

    /// See [`RequestService::method`].
    #[must_use]
    pub fn method(&self) -> &str {
        text!(self.method)
    }

    /// See [`RequestService::path`].
    #[must_use]
    pub fn path(&self) -> &str {
        text!(self.path)
    }

    /// See [`RequestService::rest`].
    #[must_use]
    pub fn rest(&self) -> &str {
        text!(self.rest)
    }

    /// See [`RequestService::query`].
    #[must_use]
    pub fn query(&self) -> &str {
        text!(self.query)
    }

    /// See [`RequestService::peer`].
    #[must_use]
    pub fn peer(&self) -> &str {
        text!(self.peer)
    }

    /// See [`RequestService::header_at`].
    #[must_use]
    pub fn header_at(&self, index: usize) -> Option<(&str, &[u8])> {
        let mut name = Lent::NONE;
        let value = cross!(self.header_at(index, &mut name));
        // SAFETY: the owner lends headers for as long as this handle is held; the name is a text.
        unsafe { Some((name.as_text()?, value.as_bytes()?)) }
    }

    /// See [`RequestService::header`]; `name` in any case.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&[u8]> {
        let lower = name.to_ascii_lowercase();
        let value = cross!(self.header(RStr::from(lower.as_str())));
        // SAFETY: the owner lends headers for as long as this handle is held.
        unsafe { value.as_bytes() }
    }

    /// See [`RequestService::read_body`].
    ///
    /// # Errors
    /// As there.
    pub fn read_body(&self, buffer: &mut [u8]) -> Result<usize, Failure> {
        let (mut read, room) = (0, buffer.len());
        try_cross!(self.read_body(RSliceMut::from_mut_slice(buffer), &mut read))?;
        Ok(read.min(room))
    }

    /// See [`RequestService::time_left`].
    #[must_use]
    pub fn time_left(&self) -> Option<Duration> {
        Some(cross!(self.time_left_ns()))
            .filter(|ns| *ns != u64::MAX)
            .map(Duration::from_nanos)
    }
}

impl Clone for Request {
    fn clone(&self) -> Self {
        Self {
            this: cross!(self.retain()),
            ..*self
        }
    }
}

impl Drop for Request {
    fn drop(&mut self) {
        cross!(self.release());
    }
}
