//! What a collector hands over: families and their samples, plain data.
//!
//! Collectors fill [`Samples`]; `publish` turns them into series of the host. Nothing here knows
//! the border, so that every collector can be tested on fixture texts alone.

use std::borrow::Cow;
use std::collections::HashMap;

use crate::error::{CollectError, Problem};

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
    pub(crate) rows: Vec<(Vec<String>, f64)>,
}

/// Everything that was read in one scrape.
#[derive(Debug, Default)]
pub(crate) struct Samples {
    /// Sets whose families are left out.
    unwanted: Vec<Set>,
    families: Vec<FamilySamples>,
    by_name: HashMap<Cow<'static, str>, usize>,
    problems: Vec<Problem>,
}

impl Samples {
    /// Nothing yet, and only families of these sets to come; of all sets if none is named.
    pub(crate) fn of_sets(names: &[String]) -> Self {
        let chosen = |set: &Set| names.is_empty() || names.iter().any(|name| name == set.name());
        let unwanted = Set::ALL.into_iter().filter(|set| !chosen(set)).collect();
        Self {
            unwanted,
            ..Self::default()
        }
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
        // Only names made from what the kernel prints can be wrong.
        if matches!(family.name, Cow::Owned(_)) && !is_name(&family.name) {
            return self.problem(&CollectError::parse(
                "metric",
                "not a metric name",
                &family.name,
            ));
        }
        debug_assert_eq!(family.labels.len(), labels.len(), "{}", family.name);
        let rows = self.rows_of(family);
        rows.push((
            labels.iter().map(|label| String::from(*label)).collect(),
            value,
        ));
    }

    /// Names a family, so that it is known even if no sample follows.
    pub(crate) fn declare(&mut self, family: &Family) {
        if self.wants(family.set) {
            self.rows_of(family);
        }
    }

    /// Notes something that could not be read; the other samples stay good.
    pub(crate) fn problem(&mut self, error: &CollectError) {
        self.problems.push(Problem {
            reason: error.reason(),
            text: error.to_string(),
        });
    }

    /// The families in the order they were first named.
    pub(crate) fn families(&self) -> &[FamilySamples] {
        &self.families
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

    fn rows_of(&mut self, family: &Family) -> &mut Vec<(Vec<String>, f64)> {
        let index = *self.by_name.entry(family.name.clone()).or_insert_with(|| {
            self.families.push(FamilySamples {
                family: family.clone(),
                rows: Vec::new(),
            });
            self.families.len() - 1
        });
        &mut self.families[index].rows
    }

    /// The value of one sample, for tests.
    #[cfg(test)]
    pub(crate) fn value(&self, name: &str, labels: &[&str]) -> Option<f64> {
        let index = *self.by_name.get(name)?;
        let rows = &self.families[index].rows;
        rows.iter()
            .find(|(row, _)| row == labels)
            .map(|(_, value)| *value)
    }

    /// How many samples a family has, for tests.
    #[cfg(test)]
    pub(crate) fn count(&self, name: &str) -> usize {
        self.by_name
            .get(name)
            .map_or(0, |index| self.families[*index].rows.len())
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
        assert_eq!(samples.families().len(), 1);
        let texts: Vec<&str> = samples.problems().iter().map(|p| p.text.as_str()).collect();
        assert_eq!(
            texts[0],
            "metric: not a metric name: \"node_memory_Odd-Field\""
        );
        assert_eq!(texts.len(), 2);
    }

    #[test]
    fn rows_of_one_family_stay_together_in_the_order_they_came() {
        const A: Family = Family::gauge(Set::Node, "a", "A.", &["x"]);
        const B: Family = Family::gauge(Set::Meterbox, "b", "B.", &[]);
        let mut samples = Samples::of_sets(&[String::from("node")]);
        samples.add(&A, &["2"], 2.0);
        samples.add(&B, &[], 9.0);
        samples.add(&A, &["1"], 1.0);
        let [only] = samples.families() else {
            panic!("{:?}", samples.families())
        };
        let rows: Vec<&str> = only
            .rows
            .iter()
            .map(|(labels, _)| labels[0].as_str())
            .collect();
        assert_eq!(rows, ["2", "1"]);
    }
}
