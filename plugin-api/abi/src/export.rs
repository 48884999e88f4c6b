//! What an exporter hands to the host for delivery.
//!
//! The host owns sending, retrying and giving up; an exporter only says what to send and, by its verdict
//! on the answer, what became of it. No connection is opened here.

use abi_stable::StableAbi;
use abi_stable::prefix_type::WithMetadata;
use abi_stable::std_types::{RSlice, RStr, RString};
use std::marker::PhantomData;

use crate::border::{Ptr, cross, outcome, try_cross};
use crate::status::{Failure, Status};

/// One push: an HTTP request that the host is to deliver.
#[derive(Clone, Copy, Debug)]
pub struct Push<'a> {
    /// HTTP method.
    pub method: &'a str,
    /// Absolute address.
    pub url: &'a str,
    /// Headers; the host adds those that frame the connection.
    pub headers: &'a [(&'a str, &'a str)],
    /// Body.
    pub body: &'a [u8],
}

/// Takes pushes.
pub trait PushSink {
    /// Accepts one push for delivery.
    ///
    /// # Errors
    /// [`Status::LIMIT`] when too much waits already, [`Status::TOO_LARGE`], [`Status::INVALID`].
    fn push(&mut self, push: &Push<'_>) -> Result<(), Failure>;
}

/// A header as it crosses.
///
/// OWNERSHIP: borrowed for the call. Frozen: two texts, for ever.
#[repr(C)]
#[derive(Clone, Copy, StableAbi)]
pub(crate) struct Pair<'a> {
    name: RStr<'a>,
    value: RStr<'a>,
}

/// Border functions of [`PushSink`]; grows only at its end.
#[repr(C)]
#[derive(StableAbi)]
#[sabi(kind(Prefix(prefix_ref = PushSinkVtRef, prefix_fields = PushSinkVtPrefix)))]
#[sabi(missing_field(option))]
pub(crate) struct PushSinkVt {
    #[sabi(last_prefix_field)]
    push: for<'t, 'o> unsafe extern "C" fn(
        this: Ptr,
        method: RStr<'t>,
        url: RStr<'t>,
        headers: RSlice<'t, Pair<'t>>,
        body: RSlice<'t, u8>,
        error: &'o mut RString,
    ) -> Status,
}

/// A borrowed sink behind the border; to the exporter it is a [`PushSink`] like any other.
///
/// OWNERSHIP: borrowed from the host for the call.
#[repr(C)]
#[derive(StableAbi)]
pub(crate) struct PushHandle<'a> {
    this: Ptr,
    vt: PushSinkVtRef,
    borrow: PhantomData<&'a mut ()>,
}

static VT: &WithMetadata<PushSinkVt> = &WithMetadata::new(PushSinkVt { push });

unsafe extern "C" fn push(
    this: Ptr,
    method: RStr<'_>,
    url: RStr<'_>,
    headers: RSlice<'_, Pair<'_>>,
    body: RSlice<'_, u8>,
    error: &mut RString,
) -> Status {
    // SAFETY: only `PushHandle::of` pairs this function with a pointer, to a sink that it borrows.
    let sink = unsafe { this.get_mut::<&mut dyn PushSink>() };
    outcome(error, || {
        let headers: Vec<(&str, &str)> = headers
            .iter()
            .map(|pair| (pair.name.as_str(), pair.value.as_str()))
            .collect();
        sink.push(&Push {
            method: method.as_str(),
            url: url.as_str(),
            headers: &headers,
            body: body.as_slice(),
        })
    })
}

impl<'a> PushHandle<'a> {
    /// Wraps a sink for the border; the outer borrow keeps the address of the inner one.
    pub(crate) fn of(sink: &'a mut &mut dyn PushSink) -> Self {
        Self {
            this: Ptr::lend(sink),
            vt: PushSinkVtRef(VT.static_as_prefix()),
            borrow: PhantomData,
        }
    }
}

impl PushSink for PushHandle<'_> {
    fn push(&mut self, push: &Push<'_>) -> Result<(), Failure> {
        let headers: Vec<Pair<'_>> = push
            .headers
            .iter()
            .map(|(name, value)| Pair {
                name: RStr::from(*name),
                value: RStr::from(*value),
            })
            .collect();
        try_cross!(self.push(
            RStr::from(push.method),
            RStr::from(push.url),
            RSlice::from_slice(&headers),
            RSlice::from_slice(push.body),
        ))
    }
}
