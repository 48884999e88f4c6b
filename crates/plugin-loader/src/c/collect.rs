//! What a collector in C shows: samples gathered into segments of columns on their way to the reader.

use super::layout::{CFamily, CStatus};
use super::metrics::Described;
use super::values::{CError, Text, answer, lent, lent_mut, list, texts};
use meterbox_plugin_abi::gather::{
    Family, FamilyColumns, Filter, Flow, Kind, SEGMENT_SERIES_MAX, Segment, SegmentColumns, Visitor,
};
use meterbox_plugin_abi::{Failure, Status};
use std::ffi::c_int;
use std::hash::{DefaultHasher, Hash, Hasher};

/// `meterbox_families`: one collection.
pub(super) struct Collecting<'a> {
    filter: &'a Filter<'a>,
    visitor: &'a mut dyn Visitor,
    family: Option<Present>,
    rows: Rows,
    /// The reader has enough.
    stopped: bool,
    /// The first thing that could not be shown.
    refused: Option<Failure>,
}

/// The family that was begun last.
struct Present {
    head: Head,
    labels: Vec<String>,
    wanted: bool,
    shown: bool,
}

struct Head {
    kind: Kind,
    flags: u32,
    texts: [String; 4],
    bounds: Vec<f64>,
}

impl FamilyColumns for Head {
    fn name(&self) -> &str {
        &self.texts[0]
    }
    fn help(&self) -> &str {
        &self.texts[1]
    }
    fn unit(&self) -> &str {
        &self.texts[2]
    }
    fn set(&self) -> &str {
        &self.texts[3]
    }
    fn kind(&self) -> Kind {
        self.kind
    }
    fn bounds(&self) -> &[f64] {
        &self.bounds
    }
    fn flags(&self) -> u32 {
        self.flags
    }
}

/// What a sample carries.
enum Sample<'a> {
    Value(f64),
    Total(u64, f64),
    Buckets(&'a [u64], f64),
}

fn invalid(text: String) -> Failure {
    Failure::new(Status::INVALID, text)
}

/// **Source:** Prometheus data model; only metric names may have colons.
fn is_name(name: &str, colons: bool) -> bool {
    let first = |c: char| c.is_ascii_alphabetic() || c == '_' || (colons && c == ':');
    name.starts_with(first) && name.chars().all(|c| first(c) || c.is_ascii_digit())
}

impl<'a> Collecting<'a> {
    pub(super) fn new(filter: &'a Filter<'a>, visitor: &'a mut dyn Visitor) -> Self {
        Self {
            filter,
            visitor,
            family: None,
            rows: Rows::default(),
            stopped: false,
            refused: None,
        }
    }

    /// Shows what is left, and says what could not be shown.
    pub(super) fn finish(mut self) -> Result<(), Failure> {
        self.close();
        self.refused.map_or(Ok(()), Err)
    }

    fn wants(&self, name: &str) -> bool {
        !self.stopped && self.filter.wants_family(name)
    }

    /// Remembers the first failure, for a plugin that does not look at what it is answered.
    fn noted(&mut self, outcome: Result<(), Failure>) -> Result<(), Failure> {
        if let Err(failure) = &outcome
            && failure.status != Status::CLOSED
        {
            self.refused.get_or_insert_with(|| failure.clone());
        }
        outcome
    }

    fn open(&self) -> Result<(), Failure> {
        if self.stopped {
            return Err(Failure::new(Status::CLOSED, "the reader has enough"));
        }
        Ok(())
    }

    fn begin(&mut self, described: &Described<'_>) -> Result<(), Failure> {
        self.close();
        self.open()?;
        // SAFETY: C lends the family and all that it refers to for the call that leads here.
        let spec = unsafe { described.spec() }?;
        if !is_name(spec.name, true) {
            let text = format!(
                "{:?} is not a metric name; its samples are left out",
                spec.name
            );
            return Err(invalid(text));
        }
        if let Some(label) = spec.labels.iter().find(|label| !is_name(label, false)) {
            let text = format!("{}: {label:?} is not a label name", spec.name);
            return Err(invalid(text));
        }
        let own = [spec.name, spec.help, spec.unit, spec.set].map(str::to_owned);
        self.family = Some(Present {
            wanted: self.wants(spec.name),
            shown: false,
            labels: spec.labels.iter().map(|&label| label.to_owned()).collect(),
            head: Head {
                kind: spec.kind,
                flags: spec.flags,
                texts: own,
                bounds: spec.bounds.to_vec(),
            },
        });
        Ok(())
    }

    fn sample(&mut self, values: &[&str], sample: &Sample<'_>) -> Result<(), Failure> {
        self.open()?;
        let Some(family) = &self.family else {
            return Err(invalid("a sample comes after families_begin".to_owned()));
        };
        let name = family.head.name();
        if values.len() != family.labels.len() {
            let (wanted, found) = (family.labels.len(), values.len());
            return Err(invalid(format!(
                "{name} has {wanted} labels, but the sample has {found} values"
            )));
        }
        let fits = match sample {
            Sample::Buckets(buckets, _) => {
                family.head.kind == Kind::HISTOGRAM && buckets.len() == family.head.bounds.len() + 1
            }
            Sample::Total(..) => family.head.kind == Kind::SUMMARY,
            Sample::Value(_) => ![Kind::HISTOGRAM, Kind::SUMMARY].contains(&family.head.kind),
        };
        if !fits {
            let kind = family.head.kind.word();
            return Err(invalid(format!(
                "the sample does not fit {name}, a {kind}: call families_value, families_total or \
                 families_buckets with one count more than bounds"
            )));
        }
        if !family.wanted {
            return Ok(());
        }
        if self.rows.ends.len() == SEGMENT_SERIES_MAX {
            self.show();
            self.open()?;
        }
        if let Some(family) = &self.family {
            self.rows.push(&family.labels, values, sample);
        }
        Ok(())
    }

    /// Ends the present family; one without samples is shown as well.
    fn close(&mut self) {
        let pending = self
            .family
            .as_ref()
            .is_some_and(|family| family.wanted && (!family.shown || !self.rows.ends.is_empty()));
        if pending && !self.stopped {
            self.show();
        }
        self.rows = Rows::default();
        self.family = None;
    }

    fn show(&mut self) {
        let Some(family) = &mut self.family else {
            return;
        };
        let mut flow = Flow::Continue;
        if !family.shown {
            family.shown = true;
            flow = self.visitor.family(&Family::of(&family.head));
        }
        if flow == Flow::Continue && !self.rows.ends.is_empty() {
            flow = self.visitor.segment(&Segment::of(&self.rows));
        }
        self.stopped = flow == Flow::Stop;
        self.rows = Rows::default();
    }
}

#[derive(Default)]
struct Rows {
    text: String,
    ends: Vec<u32>,
    values: Vec<f64>,
    bucket_counts: Vec<u64>,
    counts: Vec<u64>,
    sums: Vec<f64>,
}

impl Rows {
    fn push(&mut self, labels: &[String], values: &[&str], sample: &Sample<'_>) {
        for (index, (label, value)) in labels.iter().zip(values).enumerate() {
            if index > 0 {
                self.text.push(',');
            }
            self.text.push_str(label);
            self.text.push_str("=\"");
            for character in value.chars() {
                match character {
                    '\n' => self.text.push_str("\\n"),
                    '\\' => self.text.push_str("\\\\"),
                    '"' => self.text.push_str("\\\""),
                    other => self.text.push(other),
                }
            }
            self.text.push('"');
        }
        self.ends
            .push(u32::try_from(self.text.len()).unwrap_or(u32::MAX));
        match *sample {
            Sample::Value(value) => self.values.push(value),
            Sample::Total(count, sum) => {
                self.counts.push(count);
                self.sums.push(sum);
            }
            Sample::Buckets(buckets, sum) => {
                self.bucket_counts.extend_from_slice(buckets);
                self.counts
                    .push(buckets.iter().fold(0, |all, &one| all.wrapping_add(one)));
                self.sums.push(sum);
            }
        }
    }
}

fn hash(of: impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    of.hash(&mut hasher);
    hasher.finish()
}

impl SegmentColumns for Rows {
    fn len(&self) -> usize {
        self.ends.len()
    }
    fn label_text(&self) -> &str {
        &self.text
    }
    fn label_ends(&self) -> &[u32] {
        &self.ends
    }
    fn values(&self) -> &[f64] {
        &self.values
    }
    fn bucket_counts(&self) -> &[u64] {
        &self.bucket_counts
    }
    fn counts(&self) -> &[u64] {
        &self.counts
    }
    fn sums(&self) -> &[f64] {
        &self.sums
    }
    fn created_seconds(&self) -> &[f64] {
        &[]
    }
    fn structure(&self) -> u64 {
        hash((&self.text, &self.ends))
    }
    fn stamp(&self) -> u64 {
        let bits = |values: &[f64]| values.iter().map(|v| v.to_bits()).collect::<Vec<_>>();
        hash((
            bits(&self.values),
            &self.bucket_counts,
            &self.counts,
            bits(&self.sums),
        ))
    }
}

pub(super) unsafe extern "C" fn families_wants(
    families: *const Collecting<'_>,
    name: Text,
) -> c_int {
    // SAFETY: the handle lives for `collect`; the name is C's for the call.
    let wanted = unsafe {
        match (lent(families), name.get()) {
            (Ok(families), Ok(name)) => families.wants(name),
            _ => false,
        }
    };
    c_int::from(wanted)
}

pub(super) unsafe extern "C" fn families_begin(
    families: *mut Collecting<'_>,
    family: *const CFamily,
    error: *mut CError,
) -> CStatus {
    // SAFETY: the handle lives for `collect`, used by one thread; the family is C's for the call.
    unsafe {
        answer(error, || {
            let families = lent_mut(families)?;
            let begun = Described::read(family).and_then(|described| families.begin(&described));
            families.noted(begun)
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
    let added = values.and_then(|values| families.sample(&values, &sample?));
    families.noted(added)
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
