//! Families that a collector shows at the moment somebody asks, without registering them.
//!
//! What a sample may be and how it becomes columns is the border's; this is the way to say it in Rust.

use meterbox_plugin_abi::gather::{
    FAMILY_INHERITED_NAME, FAMILY_SHOW_EMPTY, FamilyWriter, Filter, Kind, OwnedHead, Sample,
    Visitor,
};

use crate::error::Result;

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
    writer: FamilyWriter<'a>,
}

impl<'a> Families<'a> {
    /// Shows families to `visitor`, as far as `filter` wants them.
    pub fn new(filter: &'a Filter<'a>, visitor: &'a mut dyn Visitor) -> Self {
        Self {
            writer: FamilyWriter::new(filter, visitor),
        }
    }

    /// Whether anything of a family with this name is wanted; ask before reading something expensive.
    #[must_use]
    pub fn wants(&self, name: &str) -> bool {
        self.writer.wants(name)
    }

    /// Whether anything of any of these families is wanted; a name that ends in `*` stands for all that
    /// begin so.
    #[must_use]
    pub fn wants_any(&self, names: &[&str]) -> bool {
        self.writer.wants_any(names)
    }

    /// A family of any kind. Its samples follow as calls on the result; it is shown when that is dropped.
    pub fn family(&mut self, kind: Kind, name: &str, help: &str) -> FamilyRows<'_, 'a> {
        FamilyRows {
            writer: &mut self.writer,
            head: Some(OwnedHead {
                kind,
                name: name.to_owned(),
                help: help.to_owned(),
                ..OwnedHead::default()
            }),
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
        self.family(Kind::HISTOGRAM, name, help)
            .with(|head| head.bounds = bounds.to_vec())
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
        // The same text comes out of `finish`.
        let _ = self.writer.refuse(why);
    }

    /// The first thing that could not be shown.
    ///
    /// # Errors
    /// That one.
    pub fn finish(self) -> Result<()> {
        Ok(self.writer.finish()?)
    }
}

/// The samples of one family, to be chained.
pub struct FamilyRows<'f, 'a> {
    writer: &'f mut FamilyWriter<'a>,
    /// Until it has begun, with its first sample or at its end.
    head: Option<OwnedHead>,
}

impl FamilyRows<'_, '_> {
    fn with(mut self, describe: impl FnOnce(&mut OwnedHead)) -> Self {
        self.head.as_mut().map(describe);
        self
    }

    /// With a unit as in OpenMetrics. Before the first sample, as all that describes the family.
    #[must_use]
    pub fn unit(self, unit: &str) -> Self {
        self.with(|head| unit.clone_into(&mut head.unit))
    }

    /// In a name set: shown only where the operator chose that set.
    #[must_use]
    pub fn in_set(self, set: &str) -> Self {
        self.with(|head| set.clone_into(&mut head.set))
    }

    /// Keeps its name in every format and is shown without samples, too.
    #[must_use]
    pub fn inherited(self) -> Self {
        self.with(|head| head.flags |= FAMILY_INHERITED_NAME | FAMILY_SHOW_EMPTY)
    }

    /// A sample of a counter, gauge or info.
    #[allow(
        clippy::return_self_not_must_use,
        reason = "the last call of a chain is dropped"
    )]
    pub fn sample(self, labels: &[(&str, &str)], value: f64) -> Self {
        self.show(labels, &Sample::Value(value))
    }

    /// A sample of a summary.
    #[allow(
        clippy::return_self_not_must_use,
        reason = "the last call of a chain is dropped"
    )]
    pub fn total(self, labels: &[(&str, &str)], count: u64, sum: f64) -> Self {
        self.show(labels, &Sample::Total(count, sum))
    }

    /// A sample of a histogram: observations per bucket, not cumulative, the last above the highest
    /// bound; and the sum of all.
    #[allow(
        clippy::return_self_not_must_use,
        reason = "the last call of a chain is dropped"
    )]
    pub fn buckets(self, labels: &[(&str, &str)], buckets: &[u64], sum: f64) -> Self {
        self.show(labels, &Sample::Buckets(buckets, sum))
    }

    /// An exemplar of the sample before it, for counters and histograms: one step or observation, where it
    /// came from (`trace_id`), and when it was, in Unix seconds. OpenMetrics pages show it.
    #[allow(
        clippy::return_self_not_must_use,
        reason = "the last call of a chain is dropped"
    )]
    pub fn exemplar(self, labels: &[(&str, &str)], value: f64, unix_seconds: f64) -> Self {
        // As in `show`.
        let _ = self
            .writer
            .exemplar(labels.iter().copied(), value, unix_seconds);
        self
    }

    fn show(mut self, labels: &[(&str, &str)], sample: &Sample<'_>) -> Self {
        self.begin();
        // What is refused comes out of `Families::finish`, once for all of them.
        let _ = self.writer.sample(labels.iter().copied(), sample);
        self
    }

    fn begin(&mut self) {
        if let Some(head) = self.head.take() {
            // As in `show`.
            let _ = self.writer.begin(head);
        }
    }
}

impl Drop for FamilyRows<'_, '_> {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            self.begin();
            self.writer.end();
        }
    }
}

#[cfg(test)]
mod tests {
    use meterbox_plugin_abi::gather::{Flow, Head, Segment};

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
        fn family(&mut self, family: &Head<'_>) -> Flow {
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
    fn an_exemplar_belongs_to_the_sample_before_it() {
        struct Exemplars(Vec<(String, Vec<u32>, Vec<f64>)>);
        impl Visitor for Exemplars {
            fn family(&mut self, _head: &Head<'_>) -> Flow {
                Flow::Continue
            }
            fn segment(&mut self, segment: &Segment<'_>) -> Flow {
                let text = String::from_utf8_lossy(segment.exemplar_text()).into_owned();
                let ends = segment.exemplar_ends().to_vec();
                self.0
                    .push((text, ends, segment.exemplar_seconds().to_vec()));
                Flow::Continue
            }
        }
        let mut seen = Exemplars(vec![]);
        let mut families = Families::new(&Filter::ALL, &mut seen);
        let long = "x".repeat(200);
        families
            .counter("a_total", "A.")
            .sample(&[("n", "1")], 1.0)
            .sample(&[("n", "2")], 2.0)
            .exemplar(&[("trace_id", "y")], 0.5, 6.0)
            .exemplar(&[("trace_id", "x")], 1.0, 7.0)
            .exemplar(&[("trace_id", &long)], 1.0, 7.0)
            .sample(&[("n", "3")], 3.0);
        let refused = families.finish().expect_err("one is too long");
        assert!(refused.message().contains("128"), "{refused}");
        let text = "trace_id=\"x\"".to_owned();
        assert_eq!(seen.0, [(text, vec![0, 12, 12], vec![0.0, 7.0, 0.0])]);
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
