//! What a plugin hands to the host: its table of functions. Handles in it are pointers to this crate's own types.

use super::collect::Collecting;
use super::functions::CFunctions;
use super::gather::{Gathered, Pushes};
use super::host::HostHandle;
use super::reply::ReplyHandle;
use super::values::{Bytes, CError, CStatus, Text};
use meterbox_plugin_abi::growing::Growing;
use meterbox_plugin_abi::{Request, Route, Table};
use std::ffi::{c_char, c_void};
use std::mem::offset_of;

/// `meterbox_plugin_v1`.
#[repr(C)]
#[derive(Clone, Copy)]
pub(super) struct CPluginTable {
    pub(super) struct_size: usize,
    pub(super) api_major: u32,
    pub(super) api_minor: u32,
    pub(super) metadata: *const c_char,
    pub(super) create: Option<
        unsafe extern "C" fn(
            *const CFunctions,
            *const HostHandle,
            Text,
            *mut *mut c_void,
            *mut CError,
        ) -> CStatus,
    >,
    pub(super) destroy: Option<unsafe extern "C" fn(*mut c_void)>,
    pub(super) start: Option<unsafe extern "C" fn(*mut c_void, *mut CError) -> CStatus>,
    pub(super) stop: Option<unsafe extern "C" fn(*mut c_void, u64, *mut CError) -> CStatus>,
    pub(super) routes: Option<unsafe extern "C" fn(*mut c_void, *mut Vec<Route>)>,
    pub(super) call: Option<
        unsafe extern "C" fn(
            *mut c_void,
            u32,
            *const Request,
            *const ReplyHandle,
            *mut CError,
        ) -> CStatus,
    >,
    pub(super) collect: Option<
        for<'a> unsafe extern "C" fn(*mut c_void, *mut Collecting<'a>, *mut CError) -> CStatus,
    >,
    pub(super) on_events:
        Option<unsafe extern "C" fn(*mut c_void, *const Table, *mut CError) -> CStatus>,
    pub(super) push_metrics: Option<
        for<'a> unsafe extern "C" fn(
            *mut c_void,
            *const Gathered<'a>,
            *mut Pushes<'a>,
            *mut CError,
        ) -> CStatus,
    >,
    pub(super) classify:
        Option<unsafe extern "C" fn(*mut c_void, u32, Bytes, *mut u32, *mut CError) -> CStatus>,
    pub(super) on_timer: Option<unsafe extern "C" fn(*mut c_void, u64, *mut CError) -> CStatus>,
}

// SAFETY: as declared above, and a test compares it with the header; the functions in it are `Option`s,
// everything else is a number or a pointer.
unsafe impl Growing for CPluginTable {
    const NAME: &'static str = "meterbox_plugin_v1";
    const SIZE_MIN: usize = offset_of!(Self, start);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::layout::CRoute;
    use meterbox_plugin_abi::growing::read;

    #[test]
    fn half_a_field_is_no_field_and_garbage_is_no_table() {
        // SAFETY: all zeros are a value of every `Growing`.
        let mut table: CPluginTable = unsafe { std::mem::zeroed() };
        table.metadata = c"x".as_ptr();
        unsafe extern "C" fn destroy(_: *mut c_void) {}
        table.destroy = Some(destroy);
        let read_it = |table: &CPluginTable| {
            // SAFETY: the table is whole, whatever it says.
            unsafe { read(std::ptr::from_ref(table)) }
        };
        table.struct_size = offset_of!(CPluginTable, destroy);
        let refused = read_it(&table).map(drop).unwrap_err();
        assert_eq!(
            refused.message,
            "a meterbox_plugin_v1 has 40 bytes or more, not 32; set struct_size to sizeof it"
        );
        table.struct_size = offset_of!(CPluginTable, start) + 4;
        let taken = read_it(&table).expect("a first version's table");
        assert!(taken.destroy.is_some() && taken.start.is_none());
        table.struct_size = usize::MAX;
        assert!(read_it(&table).is_err());
        // SAFETY: null is allowed.
        assert!(unsafe { read::<CRoute>(std::ptr::null()) }.is_err());
    }
}
