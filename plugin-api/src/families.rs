//! Families that a collector shows at the moment somebody asks, without registering them.
//!
//! Rows are gathered into segments of columns of up to 256 series and shown as soon as one is full, so
//! that a collector of any size needs little memory. No value is kept between two collections.

use std::collections::hash_map::DefaultHasher;
use std::fmt::Write;
use std::hash::{Hash, Hasher};

use meterbox_plugin_abi::gather::{
    FAMILY_INHERITED_NAME, FAMILY_SHOW_EMPTY, Family, FamilyColumns, Filter, Flow, Kind,
    SEGMENT_SERIES_MAX, Segment, SegmentColumns, Visitor,
};

use crate::error::{Error, Result};

/// Where a collector shows its families; see [`Plugin::collect`](crate::Plugin::collect).
///
/// ```
/// # use meterbox_plugin::prelude::*;
/// # fn collect(families: &mut Families<'_>) {
/// families
///     .gauge("room_temperature_celsius", "Temperature of a room.")
///     .unit("celsius")
///     .sample(&[("room", "kitchen")], 21.5)
///     .sample(&[("room", "cellar")], 12.0);
/// # }
/// ```
pub struct Families<'a> {
    filter: &'a Filter<'a>,
    visitor: &'a mut dyn Visitor,
    stopped: bool,
    refused: Option<Error>,
}

impl<'a> Families<'a> {
    /// Shows families to `visitor`, as far as `filter` wants them.
    pub fn new(filter: &'a Filter<'a>, visitor: &'a mut dyn Visitor) -> Self {
        Self {
            filter,
            visitor,
            stopped: false,
            refused: None,
        }
    }

    /// Whether anything of a family with this name is wanted; ask before reading something expensive.
    #[must_use]
    pub fn wants(&self, name: &str) -> bool {
        !self.stopped && self.filter.wants_family(name)
    }

    /// Whether anything of any of these families is wanted; a name that ends in `*` stands for all that
    /// begin so.
    #[must_use]
    pub fn wants_any(&self, names: &[&str]) -> bool {
        !self.stopped && self.filter.wants_any(names)
    }

    /// A family of any kind. Its samples follow as calls on the result; it is shown when that is dropped.
    pub fn family(&mut self, kind: Kind, name: &str, help: &str) -> FamilyRows<'_, 'a> {
        let wanted = self.wants(name);
        let fine = is_name(name, b":");
        if wanted && !fine {
            self.refuse(format!(
                "{name:?} is not a metric name; its samples are left out"
            ));
        }
        FamilyRows {
            head: Head {
                kind,
                name: name.to_owned(),
                help: help.to_owned(),
                unit: String::new(),
                set: String::new(),
                bounds: Vec::new(),
                flags: 0,
            },
            rows: Rows::default(),
            wanted: wanted && fine,
            shown: false,
            families: self,
        }
    }

    /// A counter; its name should end in `_total`.
    pub fn counter(&mut self, name: &str, help: &str) -> FamilyRows<'_, 'a> {
        self.family(Kind::COUNTER, name, help)
    }

    /// A gauge.
    pub fn gauge(&mut self, name: &str, help: &str) -> FamilyRows<'_, 'a> {
        self.family(Kind::GAUGE, name, help)
    }

    /// A histogram with these upper bounds, ascending, without `+Inf`.
    pub fn histogram(&mut self, name: &str, help: &str, bounds: &[f64]) -> FamilyRows<'_, 'a> {
        let mut rows = self.family(Kind::HISTOGRAM, name, help);
        rows.head.bounds = bounds.to_vec();
        rows
    }

    /// A summary: count and sum.
    pub fn summary(&mut self, name: &str, help: &str) -> FamilyRows<'_, 'a> {
        self.family(Kind::SUMMARY, name, help)
    }

    /// Facts in labels; give each sample the value 1.
    pub fn info(&mut self, name: &str, help: &str) -> FamilyRows<'_, 'a> {
        self.family(Kind::INFO, name, help)
    }

    /// Reports that something could not be shown; the collection goes on and ends with the first of them.
    pub fn refuse(&mut self, why: impl Into<String>) {
        self.refused.get_or_insert_with(|| Error::invalid(why));
    }

    /// The first thing that could not be shown.
    ///
    /// # Errors
    /// That one.
    pub fn finish(self) -> Result<()> {
        self.refused.map_or(Ok(()), Err)
    }
}

struct Head {
    kind: Kind,
    name: String,
    help: String,
    unit: String,
    set: String,
    bounds: Vec<f64>,
    flags: u32,
}

impl FamilyColumns for Head {
    fn name(&self) -> &str {
        &self.name
    }
    fn help(&self) -> &str {
        &self.help
    }
    fn unit(&self) -> &str {
        &self.unit
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
    fn set(&self) -> &str {
        &self.set
    }
}

/// The samples of one family, to be chained.
pub struct FamilyRows<'f, 'a> {
    families: &'f mut Families<'a>,
    head: Head,
    rows: Rows,
    wanted: bool,
    shown: bool,
}

impl FamilyRows<'_, '_> {
    /// With a unit as in OpenMetrics. Before the first sample, as all that describes the family.
    #[must_use]
    pub fn unit(mut self, unit: &str) -> Self {
        unit.clone_into(&mut self.head.unit);
        self
    }

    /// In a name set: shown only where the operator chose that set.
    #[must_use]
    pub fn in_set(mut self, set: &str) -> Self {
        set.clone_into(&mut self.head.set);
        self
    }

    /// Keeps its name in every format and is shown without samples, too.
    #[must_use]
    pub fn inherited(mut self) -> Self {
        self.head.flags |= FAMILY_INHERITED_NAME | FAMILY_SHOW_EMPTY;
        self
    }

    /// A sample of a counter, gauge or info.
    #[allow(
        clippy::return_self_not_must_use,
        reason = "the last call of a chain is dropped"
    )]
    pub fn sample(mut self, labels: &[(&str, &str)], value: f64) -> Self {
        if self.begin(labels) {
            self.rows.values.push(value);
        }
        self
    }

    /// A sample of a summary.
    #[allow(
        clippy::return_self_not_must_use,
        reason = "the last call of a chain is dropped"
    )]
    pub fn total(mut self, labels: &[(&str, &str)], count: u64, sum: f64) -> Self {
        if self.begin(labels) {
            self.rows.counts.push(count);
            self.rows.sums.push(sum);
        }
        self
    }

    /// A sample of a histogram: observations per bucket, not cumulative, the last above the highest
    /// bound; and the sum of all.
    #[allow(
        clippy::return_self_not_must_use,
        reason = "the last call of a chain is dropped"
    )]
    pub fn buckets(mut self, labels: &[(&str, &str)], buckets: &[u64], sum: f64) -> Self {
        let wanted = self.head.bounds.len() + 1;
        if buckets.len() != wanted {
            let (name, found) = (&self.head.name, buckets.len());
            self.families.refuse(format!(
                "histogram {name} has {wanted} buckets, not {found}"
            ));
        } else if self.begin(labels) {
            self.rows.bucket_counts.extend_from_slice(buckets);
            self.rows.counts.push(buckets.iter().sum());
            self.rows.sums.push(sum);
        }
        self
    }

    /// Begins a row, if there is a reason to.
    fn begin(&mut self, labels: &[(&str, &str)]) -> bool {
        if !self.wanted || self.families.stopped {
            return false;
        }
        if let Some((name, _)) = labels.iter().find(|(name, _)| !is_name(name, b"")) {
            let family = &self.head.name;
            self.families
                .refuse(format!("{family}: {name:?} is not a label name"));
            return false;
        }
        if self.rows.ends.len() == SEGMENT_SERIES_MAX {
            self.show();
        }
        self.rows.begin(labels);
        true
    }

    /// Shows what is there so far.
    fn show(&mut self) {
        let visitor = &mut self.families.visitor;
        let mut flow = Flow::Continue;
        if !self.shown {
            self.shown = true;
            flow = visitor.family(&Family::of(&self.head));
        }
        if flow == Flow::Continue && !self.rows.ends.is_empty() {
            flow = visitor.segment(&Segment::of(&self.rows));
        }
        self.families.stopped = flow == Flow::Stop;
        self.rows.clear();
    }
}

impl Drop for FamilyRows<'_, '_> {
    fn drop(&mut self) {
        let pending = !self.rows.ends.is_empty() || !self.shown;
        if self.wanted && pending && !self.families.stopped && !std::thread::panicking() {
            self.show();
        }
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
    fn begin(&mut self, labels: &[(&str, &str)]) {
        for (index, (name, value)) in labels.iter().enumerate() {
            let comma = if index == 0 { "" } else { "," };
            write!(self.text, "{comma}{name}=\"").expect("a String takes all text");
            for part in value.split_inclusive(['\\', '"', '\n']) {
                match part.as_bytes().last() {
                    Some(b'\n') => {
                        self.text.push_str(&part[..part.len() - 1]);
                        self.text.push_str("\\n");
                    }
                    Some(special @ (b'\\' | b'"')) => {
                        self.text.push_str(&part[..part.len() - 1]);
                        self.text.push('\\');
                        self.text.push(char::from(*special));
                    }
                    _ => self.text.push_str(part),
                }
            }
            self.text.push('"');
        }
        let end = u32::try_from(self.text.len()).expect("256 label blocks are far below 4 GiB");
        self.ends.push(end);
    }

    fn clear(&mut self) {
        self.text.clear();
        self.ends.clear();
        self.values.clear();
        self.bucket_counts.clear();
        self.counts.clear();
        self.sums.clear();
    }
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
        let mut hasher = DefaultHasher::new();
        (&self.text, &self.ends).hash(&mut hasher);
        hasher.finish()
    }
    fn stamp(&self) -> u64 {
        let mut hasher = DefaultHasher::new();
        self.structure().hash(&mut hasher);
        self.values
            .iter()
            .chain(&self.sums)
            .for_each(|value| value.to_bits().hash(&mut hasher));
        (&self.bucket_counts, &self.counts).hash(&mut hasher);
        hasher.finish()
    }
}

/// Whether it is a name as Prometheus allows: letters, digits and `_` and what `more` holds, no digit first.
fn is_name(name: &str, more: &[u8]) -> bool {
    let first = |byte: u8| byte.is_ascii_alphabetic() || byte == b'_' || more.contains(&byte);
    name.bytes().next().is_some_and(first)
        && name
            .bytes()
            .all(|byte| first(byte) || byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Writes down what it is shown, one line per family and segment.
    #[derive(Default)]
    struct Notes(Vec<String>, Option<usize>);

    impl Notes {
        fn note(&mut self, line: String) -> Flow {
            self.0.push(line);
            if Some(self.0.len()) == self.1 {
                Flow::Stop
            } else {
                Flow::Continue
            }
        }
    }

    impl Visitor for Notes {
        fn family(&mut self, family: &Family<'_>) -> Flow {
            self.note(format!(
                "{} {} {}",
                family.name(),
                family.kind().word(),
                family.set()
            ))
        }
        fn segment(&mut self, segment: &Segment<'_>) -> Flow {
            self.note(format!(
                "{} {} {:?}",
                segment.len(),
                segment.label_text(),
                segment.values()
            ))
        }
    }

    #[track_caller]
    fn check(
        filter: &Filter<'_>,
        show: impl FnOnce(&mut Families<'_>),
        expect: &[&str],
    ) -> Result<()> {
        let mut notes = Notes::default();
        let mut families = Families::new(filter, &mut notes);
        show(&mut families);
        let end = families.finish();
        assert_eq!(notes.0, expect);
        end
    }

    #[test]
    fn samples_become_one_segment_with_escaped_labels() {
        let show = |families: &mut Families<'_>| {
            families
                .gauge("a", "A.")
                .in_set("node")
                .sample(&[("x", "say \"hi\"\\\n"), ("y", "é")], 1.0)
                .sample(&[], 2.0);
        };
        let labels = r#"2 x="say \"hi\"\\\n",y="é" [1.0, 2.0]"#;
        check(&Filter::ALL, show, &["a gauge node", labels]).expect("nothing refused");
    }

    #[test]
    fn more_than_a_segment_goes_out_in_pieces() {
        let mut notes = Notes::default();
        let mut families = Families::new(&Filter::ALL, &mut notes);
        let rows = families.counter("a_total", "A.");
        drop((0..600).fold(rows, |rows, value| rows.sample(&[], f64::from(value))));
        let sizes: Vec<&str> = notes
            .0
            .iter()
            .filter_map(|line| line.split(' ').next())
            .collect();
        assert_eq!(sizes, ["a_total", "256", "256", "88"]);
    }

    #[test]
    fn a_family_that_is_not_wanted_costs_nothing() {
        let filter = Filter { names: &["b_sum"] };
        let show = |families: &mut Families<'_>| {
            assert!(!families.wants("a"));
            families.gauge("a", "A.").sample(&[], 1.0);
            families.summary("b", "B.").total(&[], 3, 4.0);
        };
        check(&filter, show, &["b summary ", "1  []"]).expect("nothing refused");
    }

    #[test]
    fn a_visitor_that_stops_is_left_alone() {
        let mut notes = Notes(vec![], Some(1));
        let mut families = Families::new(&Filter::ALL, &mut notes);
        families.gauge("a", "A.").sample(&[], 1.0);
        families.gauge("b", "B.").sample(&[], 1.0);
        assert_eq!(notes.0, ["a gauge "]);
    }

    #[test]
    fn what_may_not_be_is_left_out_and_reported() {
        let show = |families: &mut Families<'_>| {
            families.gauge("a.b", "A.").sample(&[], 1.0);
            families.gauge("c", "C.").sample(&[("l-l", "x")], 1.0);
            families
                .histogram("d", "D.", &[1.0])
                .buckets(&[], &[1], 1.0);
        };
        let refused =
            check(&Filter::ALL, show, &["c gauge ", "d histogram "]).expect_err("refused");
        assert_eq!(
            refused.message(),
            "\"a.b\" is not a metric name; its samples are left out"
        );
    }
}
