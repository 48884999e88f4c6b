//! The metrics that a plugin can gather in a dry run: a counter and a histogram, always the same.

use meterbox_plugin_abi::gather::{
    Family, FamilyColumns, Filter, Flow, Kind, Segment, SegmentColumns, Visitor,
};

/// A family and its only segment.
struct Sample {
    kind: Kind,
    name: &'static str,
    help: &'static str,
    unit: &'static str,
    bounds: &'static [f64],
    label_text: &'static str,
    label_ends: &'static [u32],
    values: &'static [f64],
    bucket_counts: &'static [u64],
    counts: &'static [u64],
    sums: &'static [f64],
}

/// One label value has everything that formats escape.
const SAMPLES: [Sample; 2] = [
    Sample {
        kind: Kind::COUNTER,
        name: "check_requests_total",
        help: "Requests of the check, which made them up.",
        unit: "",
        bounds: &[],
        label_text: r#"page="plain"page="quoted \"\\\n\" value""#,
        label_ends: &[12, 40],
        values: &[3.0, 4.0],
        bucket_counts: &[],
        counts: &[],
        sums: &[],
    },
    Sample {
        kind: Kind::HISTOGRAM,
        name: "check_duration_seconds",
        help: "Durations that the check made up.",
        unit: "seconds",
        bounds: &[0.1, 1.0],
        label_text: "",
        label_ends: &[0],
        values: &[],
        bucket_counts: &[1, 2, 3],
        counts: &[6],
        sums: &[7.5],
    },
];

/// Shows the families that `filter` wants.
pub(super) fn show(filter: &Filter<'_>, visitor: &mut dyn Visitor) {
    let wanted = SAMPLES
        .iter()
        .filter(|sample| filter.wants_family(sample.name));
    for sample in wanted {
        let flow = visitor.family(&Family::of(sample));
        if flow == Flow::Stop || visitor.segment(&Segment::of(sample)) == Flow::Stop {
            return;
        }
    }
}

impl FamilyColumns for Sample {
    fn name(&self) -> &str {
        self.name
    }
    fn help(&self) -> &str {
        self.help
    }
    fn unit(&self) -> &str {
        self.unit
    }
    fn kind(&self) -> Kind {
        self.kind
    }
    fn bounds(&self) -> &[f64] {
        self.bounds
    }
    fn flags(&self) -> u32 {
        0
    }
}

impl SegmentColumns for Sample {
    fn len(&self) -> usize {
        self.label_ends.len()
    }
    fn label_text(&self) -> &str {
        self.label_text
    }
    fn label_ends(&self) -> &[u32] {
        self.label_ends
    }
    fn values(&self) -> &[f64] {
        self.values
    }
    fn bucket_counts(&self) -> &[u64] {
        self.bucket_counts
    }
    fn counts(&self) -> &[u64] {
        self.counts
    }
    fn sums(&self) -> &[f64] {
        self.sums
    }
    fn created_seconds(&self) -> &[f64] {
        &[]
    }
    fn structure(&self) -> u64 {
        1
    }
    fn stamp(&self) -> u64 {
        1
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_columns_of_a_sample_have_the_lengths_that_readers_rely_on() {
        for sample in &SAMPLES {
            let (len, last) = (sample.len(), sample.label_ends.last());
            assert_eq!(last.map(|&end| end as usize), Some(sample.label_text.len()));
            let rows = sample.bucket_counts.len() / (sample.bounds.len() + 1);
            assert_eq!(sample.values.len() + rows, len, "{}", sample.name);
            assert!([0, len].contains(&sample.counts.len()), "{}", sample.name);
        }
        let blocks: Vec<&str> = SAMPLES[0].label_text.split("page=").skip(1).collect();
        assert_eq!(blocks.len(), SAMPLES[0].len());
        assert!(SAMPLES[0].label_text[..12].ends_with('"'));
    }
}
