//! What the host hands to a plugin: the table of its functions, each from the module that writes it.

use super::collect::Collecting;
use super::gather::{Gathered, Pushes};
use super::host::HostHandle;
use super::layout::{CPush, CRoute, CVisitor};
use super::reply::ReplyHandle;
use super::values::{Bytes, CError, CStatus, Text};
use meterbox_plugin_abi::gather::Head;
use meterbox_plugin_abi::{Instrument, MetricFamily, Request, Route, Table};
use std::ffi::{c_char, c_int, c_void};

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
    routes {
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
