//! Gathered families, written down series by series.

use crate::gather::{Filter, Flow, GatherSource, Kind, OwnedHead, OwnedSegment, Sample, Visitor};

/// A family with its series, all in one segment.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct TestFamily {
    /// What describes it.
    pub head: OwnedHead,
    /// Its series.
    pub segment: OwnedSegment,
    /// When every series that follows was created, if that is known.
    pub created: Option<f64>,
}

impl TestFamily {
    /// A family without series, with `About <name>.` for help.
    #[must_use]
    pub fn new(kind: Kind, name: &str) -> Self {
        Self {
            head: OwnedHead {
                kind,
                name: name.to_owned(),
                help: format!("About {name}."),
                ..OwnedHead::default()
            },
            ..Self::default()
        }
    }

    /// With another help text.
    #[must_use]
    pub fn help(mut self, help: &str) -> Self {
        help.clone_into(&mut self.head.help);
        self
    }

    /// With a unit.
    #[must_use]
    pub fn unit(mut self, unit: &str) -> Self {
        unit.clone_into(&mut self.head.unit);
        self
    }

    /// In a name set.
    #[must_use]
    pub fn set(mut self, set: &str) -> Self {
        set.clone_into(&mut self.head.set);
        self
    }

    /// With these bounds.
    #[must_use]
    pub fn bounds(mut self, bounds: &[f64]) -> Self {
        self.head.bounds = bounds.to_vec();
        self
    }

    /// With these flags.
    #[must_use]
    pub fn flags(mut self, flags: u32) -> Self {
        self.head.flags = flags;
        self
    }

    /// A series with this label block and value.
    #[must_use]
    pub fn value(self, block: &str, value: f64) -> Self {
        self.series(block, &Sample::Value(value))
    }

    /// A series of a summary.
    #[must_use]
    pub fn summary(self, block: &str, count: u64, sum: f64) -> Self {
        self.series(block, &Sample::Total(count, sum))
    }

    /// A series of a histogram.
    #[must_use]
    pub fn histogram(self, block: &str, buckets: &[u64], sum: f64) -> Self {
        self.series(block, &Sample::Buckets(buckets, sum))
    }

    /// With an exemplar of the series before it.
    #[must_use]
    pub fn exemplar(mut self, labels: &[(&str, &str)], value: f64, seconds: f64) -> Self {
        let labels = labels.iter().copied();
        self.segment.exemplar(labels, value, seconds);
        self
    }

    fn series(mut self, block: &str, sample: &Sample<'_>) -> Self {
        self.segment.push_block(block, sample);
        self.segment.created_seconds.extend(self.created);
        self
    }
}

/// A source of such families, or one that cannot gather.
#[derive(Debug, Clone, Default)]
pub struct TestSource {
    /// What it shows, in order.
    pub families: Vec<TestFamily>,
    /// Why it cannot.
    pub failure: Option<String>,
}

impl TestSource {
    /// Shows these.
    #[must_use]
    pub fn of(families: Vec<TestFamily>) -> Self {
        Self {
            families,
            failure: None,
        }
    }

    /// Fails with this text.
    #[must_use]
    pub fn failing(text: &str) -> Self {
        Self {
            families: Vec::new(),
            failure: Some(text.to_owned()),
        }
    }
}

impl GatherSource for TestSource {
    fn gather(&self, filter: &Filter<'_>, visitor: &mut dyn Visitor) -> Result<(), String> {
        if let Some(text) = &self.failure {
            return Err(text.clone());
        }
        let wanted = |family: &&TestFamily| filter.wants_family(&family.head.name);
        for family in self.families.iter().filter(wanted) {
            let (head, segment) = (family.head.lend(), family.segment.lend());
            if visitor.family(&head) == Flow::Stop
                || (!segment.is_empty() && visitor.segment(&segment) == Flow::Stop)
            {
                break;
            }
        }
        Ok(())
    }
}
