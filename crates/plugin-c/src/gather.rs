//! Gathered metrics shown to C, and pushes taken from it.

use super::host::HostHandle;
use super::layout::{CPush, CVisitor, ShowFamily, ShowSegment};
use super::values::{CError, CStatus, Text, answer, lent, lent_mut, list, texts};
use meterbox_plugin_abi::gather::{
    Filter, Flow, GatherSource, Head, Kind, Segment, Visitor, check,
};
use meterbox_plugin_abi::{Failure, Push, PushSink, Status, growing};
use std::ffi::c_void;

/// `meterbox_gathered`.
pub(super) struct Gathered<'a>(pub(super) &'a dyn GatherSource);

/// `meterbox_pushes`.
pub(super) struct Pushes<'a>(pub(super) &'a mut dyn PushSink);

/// C's visitor.
struct Shown {
    table: CVisitor,
    data: *mut c_void,
    /// Kind and number of bounds of the present family.
    family: (Kind, usize),
}

fn flow(answered: i32) -> Flow {
    if answered == 0 {
        Flow::Continue
    } else {
        Flow::Stop
    }
}

impl Visitor for Shown {
    fn family(&mut self, head: &Head<'_>) -> Flow {
        self.family = (head.kind(), head.bounds().len());
        // SAFETY: the plugin's own function and pointer; the head lives for the call.
        let show = |show: ShowFamily| flow(unsafe { show(self.data, head) });
        self.table.family.map_or(Flow::Continue, show)
    }

    fn segment(&mut self, segment: &Segment<'_>) -> Flow {
        let (kind, bounds) = self.family;
        if check::columns(kind, bounds, segment).is_err() {
            // Encoders leave it out, too.
            return Flow::Continue;
        }
        // SAFETY: the plugin's own function and pointer; the segment lives for the call.
        let show = |show: ShowSegment| flow(unsafe { show(self.data, segment) });
        self.table.segment.map_or(Flow::Continue, show)
    }
}

/// Shows what `source` has to C.
///
/// # Safety
/// Names and visitor are C's for the call.
unsafe fn show(
    source: &dyn GatherSource,
    names: *const Text,
    names_len: usize,
    visitor: *const CVisitor,
    data: *mut c_void,
) -> Result<(), Failure> {
    // SAFETY: the caller's promise.
    let (names, table) = unsafe { (texts(names, names_len)?, growing::read(visitor)?) };
    let mut shown = Shown {
        table,
        data,
        family: (Kind::UNKNOWN, 0),
    };
    source
        .gather(&Filter { names: &names }, &mut shown)
        .map_err(Failure::internal)
}

pub(super) unsafe extern "C" fn gather(
    host: *const HostHandle,
    names: *const Text,
    names_len: usize,
    visitor: *const CVisitor,
    data: *mut c_void,
    error: *mut CError,
) -> CStatus {
    // SAFETY: the handle lives until `destroy` has returned; the rest is C's for the call.
    unsafe {
        answer(error, || {
            show(&lent(host)?.host, names, names_len, visitor, data)
        })
    }
}

pub(super) unsafe extern "C" fn gathered_show(
    gathered: *const Gathered<'_>,
    names: *const Text,
    names_len: usize,
    visitor: *const CVisitor,
    data: *mut c_void,
    error: *mut CError,
) -> CStatus {
    // SAFETY: the handle lives for `push_metrics`; the rest is C's for the call.
    unsafe {
        answer(error, || {
            show(lent(gathered)?.0, names, names_len, visitor, data)
        })
    }
}

pub(super) unsafe extern "C" fn pushes_add(
    pushes: *mut Pushes<'_>,
    push: *const CPush,
    error: *mut CError,
) -> CStatus {
    // SAFETY: the handle lives for `push_metrics`, used by one thread; the push is C's for the call.
    unsafe {
        answer(error, || {
            let table = growing::read(push)?;
            let pairs = list(table.headers, table.headers_len)?;
            let headers: Result<Vec<_>, Failure> = pairs
                .iter()
                .map(|pair| Ok((pair.name.get()?, pair.value.get()?)))
                .collect();
            let (method, url) = (table.method.get()?, table.url.get()?);
            if url.is_empty() {
                return Err(Failure::new(Status::INVALID, "a push has no address"));
            }
            lent_mut(pushes)?.0.push(&Push {
                method,
                url,
                headers: &headers?,
                body: table.body.get()?,
            })
        })
    }
}
