//! The structs of `meterbox_plugin.h` as this side sees them, field by field.
//!
//! A test compiles the header and compares every offset, so that the two cannot drift apart. Functions
//! that a plugin may leave out are `Option`s. Families and segments are the border's own structs.

use super::values::{Bytes, Text};
use meterbox_plugin_abi::gather::{Head, Segment};
use meterbox_plugin_abi::growing::Growing;
use std::ffi::{c_int, c_void};

/// `meterbox_route_v1`.
#[repr(C)]
#[derive(Clone, Copy)]
pub(super) struct CRoute {
    pub(super) struct_size: usize,
    pub(super) id: u32,
    pub(super) listener: u32,
    pub(super) methods: u32,
    pub(super) reserved: u32,
    pub(super) pattern: Text,
}

/// The first function of a visitor.
pub(super) type ShowFamily = unsafe extern "C" fn(*mut c_void, *const Head<'_>) -> c_int;

/// Its second.
pub(super) type ShowSegment = unsafe extern "C" fn(*mut c_void, *const Segment<'_>) -> c_int;

/// `meterbox_visitor_v1`.
#[repr(C)]
#[derive(Clone, Copy)]
pub(super) struct CVisitor {
    pub(super) struct_size: usize,
    pub(super) family: Option<ShowFamily>,
    pub(super) segment: Option<ShowSegment>,
}

/// `meterbox_pair`.
#[repr(C)]
#[derive(Clone, Copy)]
pub(super) struct CPair {
    pub(super) name: Text,
    pub(super) value: Text,
}

/// `meterbox_push_v1`.
#[repr(C)]
#[derive(Clone, Copy)]
pub(super) struct CPush {
    pub(super) struct_size: usize,
    pub(super) method: Text,
    pub(super) url: Text,
    pub(super) headers: *const CPair,
    pub(super) headers_len: usize,
    pub(super) body: Bytes,
}

macro_rules! growing {
    ($($name:literal $table:ty, at least $size:expr;)*) => {$(
        // SAFETY: as declared above, and a test compares it with the header; the functions in it are
        // `Option`s, everything else is a number or a pointer.
        unsafe impl Growing for $table {
            const NAME: &'static str = $name;
            const SIZE_MIN: usize = $size;
        }
    )*};
}

growing! {
    "meterbox_route_v1" CRoute, at least size_of::<CRoute>();
    "meterbox_visitor_v1" CVisitor, at least size_of::<CVisitor>();
    "meterbox_push_v1" CPush, at least size_of::<CPush>();
}
