//! The host's log, clocks, facts, timers, events and models, as functions for C.

use super::tables;
use super::values::{CError, CStatus, Text, answer, copy_out, lent, lent_mut};
use meterbox_plugin_abi::events::EventKinds;
use meterbox_plugin_abi::{Clock, Fact, Host, Level, Table, caught};
use std::ffi::{c_char, c_int};
use std::time::Duration;

/// `meterbox_host`: lives as long as the plugin that it was made for.
pub(super) struct HostHandle {
    pub(super) host: Host,
    /// The plugin's name, the target of its log lines.
    name: String,
}

impl HostHandle {
    pub(super) fn new(host: Host) -> Self {
        let name = host
            .info(Fact::PLUGIN)
            .unwrap_or_else(|| "plugin".to_owned());
        Self { host, name }
    }
}

pub(super) unsafe extern "C" fn log(host: *const HostHandle, level: u32, message: Text) {
    // SAFETY: the handle lives until `destroy` has returned, the text for the call.
    let _no_panic = caught(|| unsafe {
        if let Ok(host) = lent(host) {
            host.host.log(Level(level), &host.name, &message.lossy());
        }
    });
}

pub(super) unsafe extern "C" fn log_enabled(host: *const HostHandle, level: u32) -> c_int {
    // SAFETY: as in `log`.
    let enabled =
        caught(|| unsafe { lent(host) }.map(|h| h.host.log_enabled(Level(level), &h.name)));
    c_int::from(matches!(enabled, Ok(Ok(true))))
}

pub(super) unsafe extern "C" fn clock(host: *const HostHandle, clock: u32) -> u64 {
    // SAFETY: as in `log`.
    unsafe { lent(host) }.map_or(0, |handle| handle.host.clock(Clock(clock)))
}

pub(super) unsafe extern "C" fn info(
    host: *const HostHandle,
    fact: u32,
    buffer: *mut c_char,
    room: usize,
) -> usize {
    // SAFETY: as in `log`; the plugin lends the buffer for the call.
    let len = caught(|| unsafe {
        let text = lent(host).ok()?.host.info(Fact(fact))?;
        copy_out(&text, buffer, room);
        Some(text.len())
    });
    len.ok().flatten().unwrap_or(0)
}

pub(super) unsafe extern "C" fn start_timer(
    host: *const HostHandle,
    id: u64,
    period_ns: u64,
    error: *mut CError,
) -> CStatus {
    // SAFETY: as in `log`; the error is the plugin's for the call.
    unsafe {
        answer(error, || {
            let period = Duration::from_nanos(period_ns);
            lent(host)?.host.start_timer(id, period)
        })
    }
}

pub(super) unsafe extern "C" fn stop_timer(
    host: *const HostHandle,
    id: u64,
    error: *mut CError,
) -> CStatus {
    // SAFETY: as in `start_timer`.
    unsafe { answer(error, || lent(host)?.host.stop_timer(id)) }
}

pub(super) unsafe extern "C" fn subscribe(
    host: *const HostHandle,
    kinds: u64,
    error: *mut CError,
) -> CStatus {
    // SAFETY: as in `start_timer`.
    unsafe { answer(error, || lent(host)?.host.subscribe(EventKinds(kinds))) }
}

pub(super) unsafe extern "C" fn models(
    host: *const HostHandle,
    models: *mut *mut Table,
    error: *mut CError,
) -> CStatus {
    // SAFETY: as in `start_timer`; `models` is a place of the plugin's.
    unsafe {
        answer(error, || {
            *lent_mut(models)? = tables::hand_out(lent(host)?.host.models()?);
            Ok(())
        })
    }
}
