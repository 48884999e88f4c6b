//! The two data sets of the exposition benchmarks.
//!
//! `flat`: 20 families, half counters of up to 9 digits, half gauges of random doubles, 4 labels,
//! about 140 bytes a line. `histograms`: 12 buckets, 15 lines a series, about 145 bytes a line.

use meterbox_plugin_abi::gather::{
    Filter, Flow, GatherSource, Head, Kind, OwnedSegment, SEGMENT_SERIES_MAX, Sample, Visitor,
};

pub(crate) const BOUNDS: [f64; 12] = [
    0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0,
];
pub(crate) const LABELS: [&str; 4] = ["model", "version", "method", "worker"];
const FAMILIES: usize = 20;

/// A family and its segments.
pub(crate) struct FamilyData {
    pub(crate) name: String,
    pub(crate) kind: Kind,
    pub(crate) segments: Vec<OwnedSegment>,
}

/// A source of such families.
pub(crate) struct Data {
    pub(crate) families: Vec<FamilyData>,
}

/// One series of a data set, for those who build their own store of it.
pub(crate) struct Series<'a> {
    /// The label block, without braces.
    pub(crate) block: &'a str,
    /// The value of a counter or gauge.
    pub(crate) value: f64,
    /// The bucket counts of a histogram.
    pub(crate) buckets: &'a [u64],
    /// The sum of a histogram.
    pub(crate) sum: f64,
}

/// Values of the labels of series `number`.
pub(crate) fn label_values(number: usize) -> [String; 4] {
    [
        format!("resnet-{:05}-imagenet", number / 8),
        format!("1.{}", number % 4),
        "predictions".to_owned(),
        format!("W-{:04}-resnet_1.0", 9000 + number % 1000),
    ]
}

fn noise(state: &mut u64) -> u64 {
    *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mixed = (*state ^ (*state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed ^ (mixed >> 27)
}

impl Data {
    /// `series` lines of counters and gauges.
    pub(crate) fn flat(series: usize) -> Self {
        let mut state = 1;
        let families = (0..FAMILIES)
            .map(|family| {
                let counter = family % 2 == 0;
                let mut data = FamilyData {
                    name: if counter {
                        format!("bench_handled_requests_{family:02}_total")
                    } else {
                        format!("bench_queue_depth_ratio_{family:02}_now")
                    },
                    kind: if counter { Kind::COUNTER } else { Kind::GAUGE },
                    segments: Vec::new(),
                };
                for number in 0..series / FAMILIES {
                    let random = noise(&mut state);
                    let value = if counter {
                        (random % 1_000_000_000) as f64
                    } else {
                        random as f64 / 1e16
                    };
                    data.push(number, &Sample::Value(value));
                }
                data
            })
            .collect();
        Self { families }
    }

    /// One family of `series` histograms.
    pub(crate) fn histograms(series: usize) -> Self {
        let mut state = 2;
        let mut data = FamilyData {
            name: "bench_handler_latency_seconds".to_owned(),
            kind: Kind::HISTOGRAM,
            segments: Vec::new(),
        };
        for number in 0..series {
            let buckets = [0; BOUNDS.len() + 1].map(|_| noise(&mut state) % 10_000);
            let sum = noise(&mut state) as f64 / 1e16;
            data.push(number, &Sample::Buckets(&buckets, sum));
        }
        Self {
            families: vec![data],
        }
    }

    /// Lines of samples on the page.
    pub(crate) fn lines(&self) -> usize {
        let lines = |family: &FamilyData| {
            let series: usize = family.segments.iter().map(OwnedSegment::len).sum();
            series
                * if family.kind == Kind::HISTOGRAM {
                    BOUNDS.len() + 3
                } else {
                    1
                }
        };
        self.families.iter().map(lines).sum()
    }
}

impl FamilyData {
    /// Adds series `number`.
    fn push(&mut self, number: usize, sample: &Sample<'_>) {
        if number.is_multiple_of(SEGMENT_SERIES_MAX) {
            self.segments.push(OwnedSegment::default());
        }
        let segment = self.segments.last_mut().expect("one was just pushed");
        let values = label_values(number);
        let labels = LABELS.into_iter().zip(values.iter().map(String::as_str));
        segment.push(labels, sample);
    }

    fn head(&self) -> Head<'_> {
        let head =
            Head::new(self.kind, &self.name).with_help("One of the families of the benchmark.");
        if self.kind == Kind::HISTOGRAM {
            return head.with_bounds(&BOUNDS);
        }
        head
    }

    /// All series in order.
    pub(crate) fn series(&self) -> impl Iterator<Item = Series<'_>> {
        self.segments.iter().flat_map(|segment| {
            let width = BOUNDS.len() + 1;
            (0..segment.len()).map(move |row| {
                let start = if row == 0 {
                    0
                } else {
                    segment.label_ends[row - 1] as usize
                };
                Series {
                    block: &segment.label_text[start..segment.label_ends[row] as usize],
                    value: segment.values.get(row).copied().unwrap_or(0.0),
                    buckets: segment
                        .bucket_counts
                        .get(row * width..(row + 1) * width)
                        .unwrap_or(&[]),
                    sum: segment.sums.get(row).copied().unwrap_or(0.0),
                }
            })
        })
    }
}

impl GatherSource for Data {
    fn gather(&self, filter: &Filter<'_>, visitor: &mut dyn Visitor) -> Result<(), String> {
        for family in self
            .families
            .iter()
            .filter(|family| filter.wants_family(&family.name))
        {
            if visitor.family(&family.head()) == Flow::Stop {
                break;
            }
            for segment in &family.segments {
                if visitor.segment(&segment.lend()) == Flow::Stop {
                    return Ok(());
                }
            }
        }
        Ok(())
    }
}
