//! What a collector hands over: families and their samples, plain data.
//!
//! Collectors fill [`Samples`]; `show` hands them to the host. Nothing here knows
//! the border, so that every collector can be tested on fixture texts alone. The same `Samples` serves
//! every scrape: a machine says the same things each time, so the families stay and no sample allocates.

use std::borrow::Cow;

use crate::error::{CollectError, Problem};
use crate::in_order::InOrder;

/// A named set of metric names, chosen by the host's `metrics_names`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Set {
    /// Our own names, in base units.
    Meterbox,
    /// The names of TorchServe 0.12's default `metrics.yaml`.
    TorchServe,
    /// The names of TorchServe's metrics plugin design, label `uuid`.
    TorchServePlugin,
    /// The names of node_exporter 1.5.
    Node,
}

impl Set {
    /// Every set that this plugin has names in.
    const ALL: [Self; 4] = [
        Self::Meterbox,
        Self::TorchServe,
        Self::TorchServePlugin,
        Self::Node,
    ];

    /// As written in `metrics_names`.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Meterbox => "meterbox",
            Self::TorchServe => "torchserve",
            Self::TorchServePlugin => "torchserve-plugin",
            Self::Node => "node",
        }
    }
}

/// The kinds that system metrics need.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Grows from boot (or from the start of the process) on.
    Counter,
    /// Goes up and down.
    Gauge,
    /// The kernel does not say which; node_exporter calls it untyped.
    Unknown,
}

/// A metric family: what HELP and TYPE say, its set and its label names in the order they print.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Family {
    pub(crate) set: Set,
    pub(crate) kind: Kind,
    pub(crate) name: Cow<'static, str>,
    pub(crate) help: Cow<'static, str>,
    pub(crate) labels: &'static [&'static str],
}

impl Family {
    /// A gauge whose name and help are known when the program is built.
    pub(crate) const fn gauge(
        set: Set,
        name: &'static str,
        help: &'static str,
        labels: &'static [&'static str],
    ) -> Self {
        Self {
            set,
            kind: Kind::Gauge,
            name: Cow::Borrowed(name),
            help: Cow::Borrowed(help),
            labels,
        }
    }

    /// A counter whose name and help are known when the program is built.
    pub(crate) const fn counter(
        set: Set,
        name: &'static str,
        help: &'static str,
        labels: &'static [&'static str],
    ) -> Self {
        let kind = Kind::Counter;
        Self {
            set,
            kind,
            name: Cow::Borrowed(name),
            help: Cow::Borrowed(help),
            labels,
        }
    }

    /// A family of node_exporter, without labels, whose name is made from what the kernel prints.
    pub(crate) fn node(kind: Kind, name: String, help: String) -> Self {
        Self {
            set: Set::Node,
            kind,
            name: Cow::Owned(name),
            help: Cow::Owned(help),
            labels: &[],
        }
    }
}

/// The samples of one family, in the order they were read.
#[derive(Debug, Clone)]
pub(crate) struct FamilySamples {
    pub(crate) family: Family,
    /// Whether anything was said of it in this scrape.
    named: bool,
    /// The label values of all rows, one after another, and where each ends.
    text: String,
    ends: Vec<u32>,
    values: Vec<f64>,
}

impl FamilySamples {
    fn new(family: &Family) -> Self {
        Self {
            family: family.clone(),
            named: false,
            text: String::new(),
            ends: Vec::new(),
            values: Vec::new(),
        }
    }

    fn clear(&mut self) {
        self.named = false;
        self.text.clear();
        self.ends.clear();
        self.values.clear();
    }

    fn push(&mut self, labels: &[&str], value: f64) {
        for label in labels {
            self.text.push_str(label);
            let end =
                u32::try_from(self.text.len()).expect("what the kernel prints is below 4 GiB");
            self.ends.push(end);
        }
        self.values.push(value);
    }

    /// Calls `visit` with the label values and the value of each row.
    pub(crate) fn each_row<'a>(&'a self, mut visit: impl FnMut(&[&'a str], f64)) {
        let mut labels = [""; LABELS_MAX];
        let labels = &mut labels[..self.family.labels.len()];
        let (mut start, mut ends) = (0, self.ends.iter());
        for value in &self.values {
            for (slot, end) in labels.iter_mut().zip(ends.by_ref()) {
                *slot = &self.text[start..*end as usize];
                start = *end as usize;
            }
            visit(labels, *value);
        }
    }
}

/// The most labels that a family has.
pub(crate) const LABELS_MAX: usize = 6;

/// Everything that was read in one scrape.
#[derive(Debug, Default)]
pub(crate) struct Samples {
    /// Sets whose families are left out.
    unwanted: Vec<Set>,
    families: InOrder<FamilySamples>,
    problems: Vec<Problem>,
}

impl Samples {
    /// Begins a scrape: nothing yet, and only families of these sets to come; of all sets if none is
    /// named.
    pub(crate) fn begin(&mut self, sets: &[String]) {
        let chosen = |set: &Set| sets.is_empty() || sets.iter().any(|name| name == set.name());
        self.unwanted.clear();
        self.unwanted
            .extend(Set::ALL.into_iter().filter(|set| !chosen(set)));
        self.families.values_mut().for_each(FamilySamples::clear);
        self.problems.clear();
    }

    /// Whether families of this set are kept.
    pub(crate) fn wants(&self, set: Set) -> bool {
        !self.unwanted.contains(&set)
    }

    /// Adds one sample; `labels` are the values in the order of the family's label names.
    pub(crate) fn add(&mut self, family: &Family, labels: &[&str], value: f64) {
        if !self.wants(family.set) {
            return;
        }
        debug_assert_eq!(family.labels.len(), labels.len(), "{}", family.name);
        debug_assert!(labels.len() <= LABELS_MAX, "{}", family.name);
        if let Some(samples) = self.samples_of(family) {
            samples.push(labels, value);
        }
    }

    /// Names a family, so that it is known even if no sample follows.
    pub(crate) fn declare(&mut self, family: &Family) {
        if self.wants(family.set) {
            self.samples_of(family);
        }
    }

    /// Notes something that could not be read; the other samples stay good.
    pub(crate) fn problem(&mut self, error: &CollectError) {
        self.problems.push(Problem {
            reason: error.reason(),
            text: error.to_string(),
        });
    }

    /// The families of this scrape.
    pub(crate) fn families(&self) -> impl Iterator<Item = &FamilySamples> {
        self.families.values().filter(|family| family.named)
    }

    /// Hands over what could not be read since the last call.
    pub(crate) fn take_problems(&mut self) -> Vec<Problem> {
        std::mem::take(&mut self.problems)
    }

    /// What could not be read, for tests.
    #[cfg(test)]
    pub(crate) fn problems(&self) -> &[Problem] {
        &self.problems
    }

    fn samples_of(&mut self, family: &Family) -> Option<&mut FamilySamples> {
        // Only names made from what the kernel prints can be wrong.
        if matches!(family.name, Cow::Owned(_)) && !is_name(&family.name) {
            let error = CollectError::parse("metric", "not a metric name", &family.name);
            self.problem(&error);
            return None;
        }
        let made = || FamilySamples::new(family);
        let samples = self.families.get_or(&family.name, made);
        samples.named = true;
        Some(samples)
    }

    /// The value of one sample, for tests.
    #[cfg(test)]
    pub(crate) fn value(&self, name: &str, labels: &[&str]) -> Option<f64> {
        let mut found = None;
        let named = |family: &&FamilySamples| family.family.name == name;
        self.families().find(named)?.each_row(|row, value| {
            if row == labels && found.is_none() {
                found = Some(value);
            }
        });
        found
    }

    /// How many samples a family has, for tests.
    #[cfg(test)]
    pub(crate) fn count(&self, name: &str) -> usize {
        let named = |family: &&FamilySamples| family.family.name == name;
        self.families()
            .find(named)
            .map_or(0, |family| family.values.len())
    }
}

/// Whether a page can carry it.
fn is_name(name: &str) -> bool {
    let first = |byte: u8| byte.is_ascii_alphabetic() || byte == b'_';
    name.bytes().next().is_some_and(first)
        && name
            .bytes()
            .all(|byte| first(byte) || byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_field_that_cannot_be_a_name_is_left_out_and_told() {
        let mut samples = Samples::default();
        for name in [
            "node_memory_Good2",
            "node_memory_Odd-Field",
            "node_memory_\u{e4}",
        ] {
            let help = String::from("What the kernel prints.");
            samples.add(
                &Family::node(Kind::Gauge, String::from(name), help),
                &[],
                1.0,
            );
        }
        assert_eq!(samples.count("node_memory_Good2"), 1);
        assert_eq!(samples.families().count(), 1);
        let texts: Vec<&str> = samples.problems().iter().map(|p| p.text.as_str()).collect();
        assert_eq!(
            texts[0],
            "metric: not a metric name: \"node_memory_Odd-Field\""
        );
        assert_eq!(texts.len(), 2);
    }

    #[test]
    fn rows_of_one_family_stay_together_in_the_order_they_came() {
        static A: Family = Family::gauge(Set::Node, "a", "A.", &["x", "y"]);
        static B: Family = Family::gauge(Set::Meterbox, "b", "B.", &[]);
        let mut samples = Samples::default();
        for scrape in [1.0, 2.0] {
            samples.begin(&[String::from("node")]);
            samples.add(&A, &["2", ""], scrape);
            samples.add(&B, &[], 9.0);
            samples.add(&A, &["1", "z"], scrape);
            let mut rows = Vec::new();
            for family in samples.families() {
                assert_eq!(family.family.name, "a");
                family.each_row(|labels, value| rows.push((labels.to_vec(), value)));
            }
            assert_eq!(rows, [(vec!["2", ""], scrape), (vec!["1", "z"], scrape)]);
        }
        samples.begin(&[]);
        assert_eq!(samples.families().count(), 0);
    }
}
