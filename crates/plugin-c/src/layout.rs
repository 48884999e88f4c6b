//! The tables of `meterbox_plugin.h` as this side sees them, field by field.
//!
//! A test compiles the header and compares every offset, so that the two cannot drift apart. Functions
//! that a plugin may leave out are `Option`s; handles are pointers to this module's own types. Families
//! and segments are the border's own structs.

use super::collect::Collecting;
use super::gather::{Gathered, Pushes};
use super::host::HostHandle;
use super::reply::ReplyHandle;
use super::values::{Bytes, CError, Text};
use meterbox_plugin_abi::gather::{Head, Segment};
use meterbox_plugin_abi::growing::Growing;
use meterbox_plugin_abi::{Instrument, MetricFamily, Request, Route, Table};
use std::ffi::{c_char, c_int, c_void};
use std::mem::offset_of;

/// `meterbox_status`.
pub(super) type CStatus = u32;

/// `METERBOX_LATER`.
pub(super) const LATER: CStatus = u32::MAX;

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
    "meterbox_plugin_v1" CPluginTable, at least offset_of!(CPluginTable, start);
    "meterbox_route_v1" CRoute, at least size_of::<CRoute>();
    "meterbox_visitor_v1" CVisitor, at least size_of::<CVisitor>();
    "meterbox_push_v1" CPush, at least size_of::<CPush>();
}

/// Declares the table of the host's functions together with the one that there is of it, each function
/// from the module that writes it.
macro_rules! functions {
    ($($module:ident { $($name:ident: fn($($argument:ty),* $(,)?) $(-> $answer:ty)?;)* })*) => {
        /// `meterbox_functions_v1`.
        #[repr(C)]
        pub(super) struct CFunctions {
            pub(super) struct_size: usize,
            $($(pub(super) $name: unsafe extern "C" fn($($argument),*) $(-> $answer)?,)*)*
        }

        /// What every plugin is handed.
        pub(super) static FUNCTIONS: CFunctions = CFunctions {
            struct_size: size_of::<CFunctions>(),
            $($($name: super::$module::$name,)*)*
        };

        /// Names of the functions in their order.
        #[cfg(test)]
        pub(super) const FUNCTION_NAMES: &[&str] = &[$($(stringify!($name),)*)*];
    };
}

functions! {
    host {
        log: fn(*const HostHandle, u32, Text);
        log_enabled: fn(*const HostHandle, u32) -> c_int;
        clock: fn(*const HostHandle, u32) -> u64;
        info: fn(*const HostHandle, u32, *mut c_char, usize) -> usize;
        start_timer: fn(*const HostHandle, u64, u64, *mut CError) -> CStatus;
        stop_timer: fn(*const HostHandle, u64, *mut CError) -> CStatus;
        subscribe: fn(*const HostHandle, u64, *mut CError) -> CStatus;
        models: fn(*const HostHandle, *mut *mut Table, *mut CError) -> CStatus;
    }
    gather {
        gather: fn(*const HostHandle, *const Text, usize, *const CVisitor, *mut c_void, *mut CError) -> CStatus;
    }
    metrics {
        family_register: fn(*const HostHandle, *const Head<'_>, *mut *mut MetricFamily, *mut CError) -> CStatus;
        family_series: fn(*const MetricFamily, *const Text, usize, *mut *mut Instrument, *mut CError) -> CStatus;
        family_remove: fn(*const MetricFamily, *const Text, usize, *mut CError) -> CStatus;
        family_release: fn(*mut MetricFamily);
        series_add_whole: fn(*const Instrument, u64);
        series_add: fn(*const Instrument, f64);
        series_set: fn(*const Instrument, f64);
        series_observe: fn(*const Instrument, f64);
        series_merge: fn(*const Instrument, *const u64, usize, f64);
        series_release: fn(*mut Instrument);
    }
    request {
        request_method: fn(*const Request) -> Text;
        request_path: fn(*const Request) -> Text;
        request_rest: fn(*const Request) -> Text;
        request_query: fn(*const Request) -> Text;
        request_peer: fn(*const Request) -> Text;
        request_header: fn(*const Request, Text, *mut Bytes) -> c_int;
        request_header_at: fn(*const Request, usize, *mut Text, *mut Bytes) -> c_int;
        request_read_body: fn(*const Request, *mut c_void, usize, *mut usize, *mut CError) -> CStatus;
        request_time_left_ns: fn(*const Request) -> u64;
        request_retain: fn(*const Request) -> *mut Request;
        request_release: fn(*mut Request);
    }
    reply {
        reply_status: fn(*const ReplyHandle, u32, *mut CError) -> CStatus;
        reply_header: fn(*const ReplyHandle, Text, Bytes, *mut CError) -> CStatus;
        reply_write: fn(*const ReplyHandle, Bytes, *mut CError) -> CStatus;
        reply_finish: fn(*const ReplyHandle, Bytes, *mut CError) -> CStatus;
        reply_fail: fn(*const ReplyHandle, u32, Text, *mut CError) -> CStatus;
        reply_is_closed: fn(*const ReplyHandle) -> c_int;
        reply_drop: fn(*const ReplyHandle);
    }
    plugin {
        routes_add: fn(*mut Vec<Route>, *const CRoute);
    }
    collect {
        families_wants: fn(*const Collecting<'_>, Text) -> c_int;
        families_begin: fn(*mut Collecting<'_>, *const Head<'_>, *mut CError) -> CStatus;
        families_value: fn(*mut Collecting<'_>, *const Text, usize, f64, *mut CError) -> CStatus;
        families_total: fn(*mut Collecting<'_>, *const Text, usize, u64, f64, *mut CError) -> CStatus;
        families_buckets: fn(*mut Collecting<'_>, *const Text, usize, *const u64, usize, f64, *mut CError) -> CStatus;
    }
    gather {
        gathered_show: fn(*const Gathered<'_>, *const Text, usize, *const CVisitor, *mut c_void, *mut CError) -> CStatus;
        pushes_add: fn(*mut Pushes<'_>, *const CPush, *mut CError) -> CStatus;
    }
    tables {
        table_len: fn(*const Table) -> usize;
        table_text: fn(*const Table, usize, u32, *mut Text) -> c_int;
        table_number: fn(*const Table, usize, u32, *mut f64) -> c_int;
        table_retain: fn(*const Table) -> *mut Table;
        table_release: fn(*mut Table);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
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
