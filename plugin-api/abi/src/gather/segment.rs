//! A run of up to 256 series of one family, as columns.

use std::marker::PhantomData;

use abi_stable::StableAbi;
use abi_stable::prefix_type::WithMetadata;
use abi_stable::std_types::{RSlice, RStr};

use crate::opaque::{Opaque, shim_borrow, shim_number};

/// Most series that one segment holds.
pub const SEGMENT_SERIES_MAX: usize = 256;

/// A segment as its owner gives it out. Implemented by the owner of metrics, read as [`Segment`].
///
/// A column that does not belong to the family's kind is empty. A reader checks lengths before it
/// trusts them: a method that panicked behind the border gives an empty column.
pub trait SegmentColumns {
    /// Number of series, at most [`SEGMENT_SERIES_MAX`].
    fn len(&self) -> usize;
    /// True when no series is in it.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }
    /// The label blocks of all series back to back, each `a="b",c="d"` with values escaped as in
    /// Prometheus text 0.0.4 (`\\`, `\n`, `\"`), without braces; empty for a series without labels.
    fn label_text(&self) -> &str;
    /// End of each series' block in [`label_text`](Self::label_text), in bytes; `len()` entries.
    fn label_ends(&self) -> &[u32];
    /// Values of a counter, gauge, unknown or info; `len()` entries.
    fn values(&self) -> &[f64];
    /// Bucket counts of a histogram, row by row: `len() * (bounds + 1)` entries, not cumulative,
    /// the last of a row counts what is above the highest bound.
    fn bucket_counts(&self) -> &[u64];
    /// Number of observations of a histogram or summary; `len()` entries.
    fn counts(&self) -> &[u64];
    /// Sum of observations of a histogram or summary; `len()` entries.
    fn sums(&self) -> &[f64];
    /// When each series was created, in Unix seconds; `len()` entries, or none when not known.
    fn created_seconds(&self) -> &[f64];
    /// Changes exactly when the set of series or their labels changed; unique per segment and
    /// version.
    fn structure(&self) -> u64;
    /// Equal stamps of one segment mean that no value moved. May be computed at the call, so ask
    /// only when the answer is used.
    fn stamp(&self) -> u64;
}

/// Border functions of [`SegmentColumns`]; grows only at its end.
#[repr(C)]
#[derive(StableAbi)]
#[sabi(kind(Prefix(prefix_ref = SegmentVtRef, prefix_fields = SegmentVtPrefix)))]
#[sabi(missing_field(option))]
pub(crate) struct SegmentVt {
    len: for<'x> extern "C" fn(this: Opaque<'x>) -> usize,
    label_text: for<'x> extern "C" fn(this: Opaque<'x>) -> RStr<'x>,
    label_ends: for<'x> extern "C" fn(this: Opaque<'x>) -> RSlice<'x, u32>,
    values: for<'x> extern "C" fn(this: Opaque<'x>) -> RSlice<'x, f64>,
    bucket_counts: for<'x> extern "C" fn(this: Opaque<'x>) -> RSlice<'x, u64>,
    counts: for<'x> extern "C" fn(this: Opaque<'x>) -> RSlice<'x, u64>,
    sums: for<'x> extern "C" fn(this: Opaque<'x>) -> RSlice<'x, f64>,
    created_seconds: for<'x> extern "C" fn(this: Opaque<'x>) -> RSlice<'x, f64>,
    structure: for<'x> extern "C" fn(this: Opaque<'x>) -> u64,
    #[sabi(last_prefix_field)]
    stamp: for<'x> extern "C" fn(this: Opaque<'x>) -> u64,
}

/// A borrowed segment behind the border.
///
/// OWNERSHIP: borrowed from the side that gathers, for the visitor's call; copying the handle
/// copies the borrow. It stays on the thread that received it.
#[repr(C)]
#[derive(StableAbi, Clone, Copy)]
pub struct Segment<'a> {
    this: Opaque<'a>,
    vt: SegmentVtRef,
}

impl<'a> Segment<'a> {
    /// Wraps an owner's segment for the border.
    #[must_use]
    pub fn of<T: SegmentColumns>(columns: &'a T) -> Self {
        Self {
            this: Opaque::of(columns),
            vt: SegmentVtRef(SegmentGlue::<T>::VT.static_as_prefix()),
        }
    }

    /// See [`SegmentColumns::len`].
    #[must_use]
    pub fn len(&self) -> usize {
        self.vt.len()(self.this)
    }

    /// True when no series is in it.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// See [`SegmentColumns::label_text`].
    #[must_use]
    pub fn label_text(&self) -> &'a str {
        self.vt.label_text()(self.this).as_str()
    }

    /// See [`SegmentColumns::label_ends`].
    #[must_use]
    pub fn label_ends(&self) -> &'a [u32] {
        self.vt.label_ends()(self.this).as_slice()
    }

    /// See [`SegmentColumns::values`].
    #[must_use]
    pub fn values(&self) -> &'a [f64] {
        self.vt.values()(self.this).as_slice()
    }

    /// See [`SegmentColumns::bucket_counts`].
    #[must_use]
    pub fn bucket_counts(&self) -> &'a [u64] {
        self.vt.bucket_counts()(self.this).as_slice()
    }

    /// See [`SegmentColumns::counts`].
    #[must_use]
    pub fn counts(&self) -> &'a [u64] {
        self.vt.counts()(self.this).as_slice()
    }

    /// See [`SegmentColumns::sums`].
    #[must_use]
    pub fn sums(&self) -> &'a [f64] {
        self.vt.sums()(self.this).as_slice()
    }

    /// See [`SegmentColumns::created_seconds`].
    #[must_use]
    pub fn created_seconds(&self) -> &'a [f64] {
        self.vt.created_seconds()(self.this).as_slice()
    }

    /// See [`SegmentColumns::structure`].
    #[must_use]
    pub fn structure(&self) -> u64 {
        self.vt.structure()(self.this)
    }

    /// See [`SegmentColumns::stamp`].
    #[must_use]
    pub fn stamp(&self) -> u64 {
        self.vt.stamp()(self.this)
    }
}

struct SegmentGlue<T>(PhantomData<T>);

impl<T: SegmentColumns> SegmentGlue<T> {
    const VT: &'static WithMetadata<SegmentVt> = &WithMetadata::new(SegmentVt {
        len: Self::len,
        label_text: Self::label_text,
        label_ends: Self::label_ends,
        values: Self::values,
        bucket_counts: Self::bucket_counts,
        counts: Self::counts,
        sums: Self::sums,
        created_seconds: Self::created_seconds,
        structure: Self::structure,
        stamp: Self::stamp,
    });

    shim_number!(len, usize, 0);
    shim_number!(structure, u64, 0);
    shim_number!(stamp, u64, 0);
    shim_borrow!(label_text, RStr<'_>, RStr::empty());
    shim_borrow!(label_ends, RSlice<'_, u32>, RSlice::EMPTY);
    shim_borrow!(values, RSlice<'_, f64>, RSlice::EMPTY);
    shim_borrow!(bucket_counts, RSlice<'_, u64>, RSlice::EMPTY);
    shim_borrow!(counts, RSlice<'_, u64>, RSlice::EMPTY);
    shim_borrow!(sums, RSlice<'_, f64>, RSlice::EMPTY);
    shim_borrow!(created_seconds, RSlice<'_, f64>, RSlice::EMPTY);
}

impl<T: SegmentColumns + ?Sized> SegmentColumns for &T {
    fn len(&self) -> usize {
        (**self).len()
    }
    fn label_text(&self) -> &str {
        (**self).label_text()
    }
    fn label_ends(&self) -> &[u32] {
        (**self).label_ends()
    }
    fn values(&self) -> &[f64] {
        (**self).values()
    }
    fn bucket_counts(&self) -> &[u64] {
        (**self).bucket_counts()
    }
    fn counts(&self) -> &[u64] {
        (**self).counts()
    }
    fn sums(&self) -> &[f64] {
        (**self).sums()
    }
    fn created_seconds(&self) -> &[f64] {
        (**self).created_seconds()
    }
    fn structure(&self) -> u64 {
        (**self).structure()
    }
    fn stamp(&self) -> u64 {
        (**self).stamp()
    }
}
