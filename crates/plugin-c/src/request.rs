//! A request, read by C. A handle is a border request: lent for a call, or boxed when C retained it.

use super::tables::put;
use super::values::{Bytes, CError, CStatus, Text, answer, lent, lent_mut};
use meterbox_plugin_abi::{Failure, Request, Status};
use std::ffi::{c_int, c_void};

/// A text of the request; empty for a handle that is NULL.
macro_rules! texts {
    ($($function:ident = $method:ident;)*) => {$(
        pub(super) unsafe extern "C" fn $function(request: *const Request) -> Text {
            // SAFETY: C holds the request, and its texts live as long.
            unsafe { lent(request) }.map_or(Text::EMPTY, |request| Text::of(request.$method()))
        }
    )*};
}

texts! {
    request_method = method;
    request_path = path;
    request_rest = rest;
    request_query = query;
    request_peer = peer;
}

pub(super) unsafe extern "C" fn request_header(
    request: *const Request,
    name: Text,
    value: *mut Bytes,
) -> c_int {
    // SAFETY: C holds the request; name and place are C's for the call.
    unsafe {
        let found = match (lent(request), name.get()) {
            (Ok(request), Ok(name)) => request.header(name),
            _ => None,
        };
        put(value, found.map(Bytes::of))
    }
}

pub(super) unsafe extern "C" fn request_header_at(
    request: *const Request,
    index: usize,
    name: *mut Text,
    value: *mut Bytes,
) -> c_int {
    // SAFETY: as in `request_header`.
    unsafe {
        let found = lent(request)
            .ok()
            .and_then(|request| request.header_at(index));
        let (found_name, found_value) = found.unzip();
        let named = put(name, found_name.map(Text::of));
        named & put(value, found_value.map(Bytes::of))
    }
}

pub(super) unsafe extern "C" fn request_read_body(
    request: *const Request,
    buffer: *mut c_void,
    room: usize,
    read: *mut usize,
    error: *mut CError,
) -> CStatus {
    // SAFETY: C holds the request; buffer and place are C's for the call.
    unsafe {
        answer(error, || {
            let read = lent_mut(read)?;
            *read = 0;
            if buffer.is_null() || room == 0 || isize::try_from(room).is_err() {
                return Err(Failure::new(
                    Status::INVALID,
                    "there is no room for the body; give a buffer of at least one byte",
                ));
            }
            let request = lent(request)?;
            // The border takes a slice, and C's buffer may be uninitialised.
            buffer.cast::<u8>().write_bytes(0, room);
            let buffer = std::slice::from_raw_parts_mut(buffer.cast::<u8>(), room);
            *read = request.read_body(buffer)?;
            Ok(())
        })
    }
}

pub(super) unsafe extern "C" fn request_time_left_ns(request: *const Request) -> u64 {
    // SAFETY: C holds the request.
    let left = unsafe { lent(request) }.ok().and_then(Request::time_left);
    left.map_or(u64::MAX, |left| {
        u64::try_from(left.as_nanos()).unwrap_or(u64::MAX)
    })
}

pub(super) unsafe extern "C" fn request_retain(request: *const Request) -> *mut Request {
    // SAFETY: C holds the request.
    unsafe { lent(request) }.map_or(std::ptr::null_mut(), |request| {
        Box::into_raw(Box::new(request.clone()))
    })
}

pub(super) unsafe extern "C" fn request_release(request: *mut Request) {
    if !request.is_null() {
        // SAFETY: `request_retain` boxed it, and C gives it back once.
        drop(unsafe { Box::from_raw(request) });
    }
}
