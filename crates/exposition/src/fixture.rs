//! Families of plain vectors for this crate's tests.

use meterbox_plugin_abi::gather::{
    Family, FamilyColumns, Filter, Flow, GatherSource, Kind, Segment, SegmentColumns, Visitor,
};

/// One family with its series, all in one segment (or none).
#[derive(Clone)]
pub(crate) struct Vectors {
    pub(crate) name: String,
    pub(crate) help: String,
    pub(crate) unit: String,
    pub(crate) kind: Kind,
    pub(crate) flags: u32,
    pub(crate) bounds: Vec<f64>,
    pub(crate) labels: String,
    pub(crate) ends: Vec<u32>,
    pub(crate) values: Vec<f64>,
    pub(crate) buckets: Vec<u64>,
    pub(crate) counts: Vec<u64>,
    pub(crate) sums: Vec<f64>,
    pub(crate) created: Vec<f64>,
}

impl Vectors {
    pub(crate) fn new(name: &str, kind: Kind) -> Self {
        Self {
            name: name.to_owned(),
            help: format!("About {name}."),
            unit: String::new(),
            kind,
            flags: 0,
            bounds: Vec::new(),
            labels: String::new(),
            ends: Vec::new(),
            values: Vec::new(),
            buckets: Vec::new(),
            counts: Vec::new(),
            sums: Vec::new(),
            created: Vec::new(),
        }
    }

    fn block(&mut self, block: &str) {
        self.labels.push_str(block);
        self.ends.push(self.labels.len() as u32);
        self.created.push(1_700_000_000.5);
    }

    pub(crate) fn value(mut self, block: &str, value: f64) -> Self {
        self.block(block);
        self.values.push(value);
        self
    }

    pub(crate) fn histogram(mut self, block: &str, buckets: &[u64], sum: f64) -> Self {
        self.block(block);
        self.buckets.extend_from_slice(buckets);
        self.counts.push(buckets.iter().sum());
        self.sums.push(sum);
        self
    }

    pub(crate) fn summary(mut self, block: &str, count: u64, sum: f64) -> Self {
        self.block(block);
        self.counts.push(count);
        self.sums.push(sum);
        self
    }
}

impl FamilyColumns for Vectors {
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
}

impl SegmentColumns for Vectors {
    fn len(&self) -> usize {
        self.ends.len()
    }
    fn label_text(&self) -> &str {
        &self.labels
    }
    fn label_ends(&self) -> &[u32] {
        &self.ends
    }
    fn values(&self) -> &[f64] {
        &self.values
    }
    fn bucket_counts(&self) -> &[u64] {
        &self.buckets
    }
    fn counts(&self) -> &[u64] {
        &self.counts
    }
    fn sums(&self) -> &[f64] {
        &self.sums
    }
    fn created_seconds(&self) -> &[f64] {
        &self.created
    }
    fn structure(&self) -> u64 {
        1
    }
    fn stamp(&self) -> u64 {
        1
    }
}

/// A source of such families.
pub(crate) struct Fixture {
    pub(crate) families: Vec<Vectors>,
    failure: Option<&'static str>,
}

impl Fixture {
    pub(crate) fn of(families: Vec<Vectors>) -> Self {
        Self {
            families,
            failure: None,
        }
    }

    /// The queue histogram and the memory gauge of the inherited page.
    pub(crate) fn queue() -> Self {
        let labels = "uuid=\"u1\",model_name=\"noop\",model_version=\"default\"";
        Self::of(vec![
            Vectors {
                help: "Cumulative Queue duration in milliseconds".to_owned(),
                bounds: vec![0.005, 1.0, 10.0],
                ..Vectors::new("ts_queue_latency_milliseconds", Kind::HISTOGRAM)
            }
            .histogram(labels, &[3, 0, 1, 2], 117.25),
            Vectors {
                help: "System Memory used".to_owned(),
                ..Vectors::new("memory_used", Kind::GAUGE)
            }
            .value("uuid=\"u1\"", 9713.5),
        ])
    }

    /// The page as text.
    pub(crate) fn page(&self, page: &crate::Page<'_>) -> String {
        let mut all = Vec::new();
        let outcome = page
            .write(self, |bytes: &[u8]| {
                all.extend_from_slice(bytes);
                Flow::Continue
            })
            .unwrap();
        assert!(outcome.complete);
        String::from_utf8(all).unwrap()
    }
}

/// A source that cannot gather.
pub(crate) fn failing(text: &'static str) -> Fixture {
    Fixture {
        families: Vec::new(),
        failure: Some(text),
    }
}

impl GatherSource for Fixture {
    fn gather(&self, filter: &Filter<'_>, visitor: &mut dyn Visitor) -> Result<(), String> {
        if let Some(text) = self.failure {
            return Err(text.to_owned());
        }
        for family in self
            .families
            .iter()
            .filter(|family| filter.wants_family(&family.name))
        {
            if visitor.family(&Family::of(family)) == Flow::Stop {
                break;
            }
            if !family.ends.is_empty() && visitor.segment(&Segment::of(family)) == Flow::Stop {
                break;
            }
        }
        Ok(())
    }
}
