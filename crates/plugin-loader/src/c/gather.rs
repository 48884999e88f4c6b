//! Gathered metrics shown to C, and pushes taken from it.

use super::growing;
use super::host::HostHandle;
use super::layout::{CFamily, CPush, CSegment, CStatus, CVisitor};
use super::values::{CError, Text, answer, lent, lent_mut, list, texts};
use meterbox_plugin_abi::gather::{Family, Filter, Flow, GatherSource, Segment, Visitor};
use meterbox_plugin_abi::{Failure, Push, PushSink, Status};
use std::ffi::c_void;
use std::ptr;

/// `meterbox_gathered`.
pub(super) struct Gathered<'a>(pub(super) &'a dyn GatherSource);

/// `meterbox_pushes`.
pub(super) struct Pushes<'a>(pub(super) &'a mut dyn PushSink);

/// C's visitor.
struct Shown {
    table: CVisitor,
    data: *mut c_void,
    /// Buckets in a row of the present family.
    buckets: usize,
}

/// A segment with the table that C reads; C's pointer is to the table, which comes first.
#[repr(C)]
struct SegmentView<'a> {
    table: CSegment,
    segment: &'a Segment<'a>,
}

/// The address of a column, or null for one that is not as long as it must be.
fn column<T>(items: &[T], len: usize) -> *const T {
    if items.len() == len && len > 0 {
        items.as_ptr()
    } else {
        ptr::null()
    }
}

fn flow(answered: i32) -> Flow {
    if answered == 0 {
        Flow::Continue
    } else {
        Flow::Stop
    }
}

impl Visitor for Shown {
    fn family(&mut self, family: &Family<'_>) -> Flow {
        let bounds = family.bounds();
        self.buckets = bounds.len() + 1;
        let Some(show) = self.table.family else {
            return Flow::Continue;
        };
        let table = CFamily {
            struct_size: size_of::<CFamily>(),
            kind: family.kind().0,
            flags: family.flags(),
            name: Text::of(family.name()),
            help: Text::of(family.help()),
            unit: Text::of(family.unit()),
            set: Text::of(family.set()),
            labels: ptr::null(),
            labels_len: 0,
            bounds: column(bounds, bounds.len()),
            bounds_len: bounds.len(),
        };
        // SAFETY: the plugin's own function and pointer; the table lives for the call.
        flow(unsafe { show(self.data, &raw const table) })
    }

    fn segment(&mut self, segment: &Segment<'_>) -> Flow {
        let Some(show) = self.table.segment else {
            return Flow::Continue;
        };
        let (len, text, ends) = (segment.len(), segment.label_text(), segment.label_ends());
        // A column that panicked is empty; without labels there is nothing to show.
        if ends.len() != len || ends.last().is_some_and(|&end| end as usize > text.len()) {
            return Flow::Continue;
        }
        let view = SegmentView {
            table: CSegment {
                struct_size: size_of::<CSegment>(),
                len,
                label_text: Text::of(text),
                label_ends: column(ends, len),
                values: column(segment.values(), len),
                bucket_counts: column(segment.bucket_counts(), len * self.buckets),
                counts: column(segment.counts(), len),
                sums: column(segment.sums(), len),
                created: column(segment.created_seconds(), len),
                structure: segment.structure(),
            },
            segment,
        };
        // SAFETY: the plugin's own function and pointer; the table lives for the call.
        flow(unsafe { show(self.data, ptr::from_ref(&view).cast()) })
    }
}

pub(super) unsafe extern "C" fn segment_stamp(segment: *const CSegment) -> u64 {
    if segment.is_null() {
        return 0;
    }
    // SAFETY: C only ever sees the tables inside `SegmentView`s, and only while they live.
    let view = unsafe { &*segment.cast::<SegmentView<'_>>() };
    view.segment.stamp()
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
        buckets: 1,
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
