//! What a collector in C shows: the border's writer of families, with values in the order of labels.

use super::metrics::Described;
use super::values::{CError, CStatus, Text, answer, lent, lent_mut, list, texts};
use meterbox_plugin_abi::gather::{
    FamilyWriter, Filter, Head, OwnedHead, Sample, Visitor, names::check_label,
};
use meterbox_plugin_abi::{Failure, Status};
use std::ffi::c_int;

/// `meterbox_families`: one collection.
pub(super) struct Collecting<'a> {
    writer: FamilyWriter<'a>,
    /// Label names of the family that was begun last.
    labels: Vec<String>,
}

impl<'a> Collecting<'a> {
    pub(super) fn new(filter: &'a Filter<'a>, visitor: &'a mut dyn Visitor) -> Self {
        Self {
            writer: FamilyWriter::new(filter, visitor),
            labels: Vec::new(),
        }
    }

    /// Shows what is left, and says what could not be shown.
    pub(super) fn finish(self) -> Result<(), Failure> {
        self.writer.finish()
    }

    fn open(&self) -> Result<(), Failure> {
        if self.writer.stopped() {
            return Err(Failure::new(Status::CLOSED, "the reader has enough"));
        }
        Ok(())
    }

    fn begin(&mut self, described: &Described<'_>) -> Result<(), Failure> {
        self.writer.end();
        self.open()?;
        let spec = described.spec();
        if let Some(label) = spec.labels.iter().find(|label| check_label(label).is_err()) {
            let text = format!("{}: {label:?} is not a label name", spec.name);
            return self.writer.refuse(text);
        }
        self.labels = spec.labels.iter().map(|&label| label.to_owned()).collect();
        self.writer.begin(OwnedHead::from(&spec.head()))
    }

    fn sample(&mut self, values: &[&str], sample: &Sample<'_>) -> Result<(), Failure> {
        self.open()?;
        let (wanted, found) = (self.labels.len(), values.len());
        if let Some(head) = self.writer.head()
            && wanted != found
        {
            let name = &head.name;
            let text = format!("{name} has {wanted} labels, but the sample has {found} values");
            return self.writer.refuse(text);
        }
        let labels = self.labels.iter().map(String::as_str);
        self.writer
            .sample(labels.zip(values.iter().copied()), sample)
    }
}

pub(super) unsafe extern "C" fn families_wants(
    families: *const Collecting<'_>,
    name: Text,
) -> c_int {
    // SAFETY: the handle lives for `collect`; the name is C's for the call.
    let wanted = unsafe {
        match (lent(families), name.get()) {
            (Ok(families), Ok(name)) => families.writer.wants(name),
            _ => false,
        }
    };
    c_int::from(wanted)
}

pub(super) unsafe extern "C" fn families_begin(
    families: *mut Collecting<'_>,
    family: *const Head<'_>,
    error: *mut CError,
) -> CStatus {
    // SAFETY: the handle lives for `collect`, used by one thread; the family is C's for the call.
    unsafe {
        answer(error, || {
            let families = lent_mut(families)?;
            match Described::read(family) {
                Ok(described) => families.begin(&described),
                Err(failure) => families.writer.refuse(failure.message),
            }
        })
    }
}

/// One sample of the present family.
///
/// # Safety
/// As in `families_begin`; the values are C's for the call.
unsafe fn add(
    families: *mut Collecting<'_>,
    values: *const Text,
    values_len: usize,
    sample: Result<Sample<'_>, Failure>,
) -> Result<(), Failure> {
    // SAFETY: the caller's promise.
    let families = unsafe { lent_mut(families) }?;
    // SAFETY: the caller's promise.
    let values = unsafe { texts(values, values_len) };
    match values.and_then(|values| Ok((values, sample?))) {
        Ok((values, sample)) => families.sample(&values, &sample),
        Err(failure) => families.writer.refuse(failure.message),
    }
}

pub(super) unsafe extern "C" fn families_value(
    families: *mut Collecting<'_>,
    values: *const Text,
    values_len: usize,
    value: f64,
    error: *mut CError,
) -> CStatus {
    // SAFETY: as in `families_begin`.
    unsafe {
        answer(error, || {
            add(families, values, values_len, Ok(Sample::Value(value)))
        })
    }
}

pub(super) unsafe extern "C" fn families_total(
    families: *mut Collecting<'_>,
    values: *const Text,
    values_len: usize,
    count: u64,
    sum: f64,
    error: *mut CError,
) -> CStatus {
    // SAFETY: as in `families_begin`.
    unsafe {
        answer(error, || {
            add(families, values, values_len, Ok(Sample::Total(count, sum)))
        })
    }
}

pub(super) unsafe extern "C" fn families_buckets(
    families: *mut Collecting<'_>,
    values: *const Text,
    values_len: usize,
    buckets: *const u64,
    buckets_len: usize,
    sum: f64,
    error: *mut CError,
) -> CStatus {
    // SAFETY: as in `families_begin`; the buckets are C's for the call.
    unsafe {
        answer(error, || {
            let buckets = list(buckets, buckets_len).map(|list| Sample::Buckets(list, sum));
            add(families, values, values_len, buckets)
        })
    }
}
