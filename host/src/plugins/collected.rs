//! Families that collector plugins showed, copied so that they outlive the collector's call.
//!
//! A collector writes on a thread of its own and may come back after the page was printed, so what
//! it shows goes into memory that belongs to nobody else until it is done.

use meterbox_plugin_abi::gather::{
    Family, FamilyColumns, Flow, Kind, Segment, SegmentColumns, Visitor,
};

/// One family with its segments.
#[derive(Debug, Clone)]
pub(super) struct OwnedFamily {
    name: String,
    help: String,
    unit: String,
    set: String,
    kind: Kind,
    bounds: Vec<f64>,
    flags: u32,
    pub(super) segments: Vec<OwnedSegment>,
}

/// One segment.
#[derive(Debug, Clone)]
pub(super) struct OwnedSegment {
    len: usize,
    label_text: String,
    label_ends: Vec<u32>,
    values: Vec<f64>,
    bucket_counts: Vec<u64>,
    counts: Vec<u64>,
    sums: Vec<f64>,
    created_seconds: Vec<f64>,
    structure: u64,
    stamp: u64,
}

/// Copies what a collector shows, up to a number of series.
#[derive(Debug)]
pub(super) struct Collected {
    pub(super) families: Vec<OwnedFamily>,
    series_left: usize,
    /// Series over the limit, or of a segment whose columns do not fit each other.
    pub(super) dropped: usize,
}

impl Collected {
    pub(super) fn new(series_max: usize) -> Self {
        Self {
            families: Vec::new(),
            series_left: series_max,
            dropped: 0,
        }
    }
}

impl Visitor for Collected {
    fn family(&mut self, family: &Family<'_>) -> Flow {
        self.families.push(OwnedFamily {
            name: family.name().to_owned(),
            help: family.help().to_owned(),
            unit: family.unit().to_owned(),
            set: family.set().to_owned(),
            kind: family.kind(),
            bounds: family.bounds().to_vec(),
            flags: family.flags(),
            segments: Vec::new(),
        });
        Flow::Continue
    }

    fn segment(&mut self, segment: &Segment<'_>) -> Flow {
        let Some(family) = self.families.last_mut() else {
            self.dropped += segment.len();
            return Flow::Continue;
        };
        let fits = columns_fit(family, segment);
        if !fits || segment.len() > self.series_left {
            self.dropped += segment.len();
            return Flow::Continue;
        }
        self.series_left -= segment.len();
        family.segments.push(OwnedSegment {
            len: segment.len(),
            label_text: segment.label_text().to_owned(),
            label_ends: segment.label_ends().to_vec(),
            values: segment.values().to_vec(),
            bucket_counts: segment.bucket_counts().to_vec(),
            counts: segment.counts().to_vec(),
            sums: segment.sums().to_vec(),
            created_seconds: segment.created_seconds().to_vec(),
            structure: segment.structure(),
            stamp: segment.stamp(),
        });
        Flow::Continue
    }
}

/// Whether every column has as many rows as the segment says: encoders index by row.
fn columns_fit(family: &OwnedFamily, segment: &Segment<'_>) -> bool {
    let len = segment.len();
    let ends = segment.label_ends();
    let text_len = segment.label_text().len();
    let text = segment.label_text();
    let in_text = |&end: &u32| text.is_char_boundary(end as usize);
    let ends_fit = ends.len() == len
        && ends.is_sorted()
        && ends.iter().all(in_text)
        && ends.last().is_none_or(|&last| last as usize == text_len);
    let values_fit = match family.kind {
        Kind::HISTOGRAM => {
            segment.bucket_counts().len() == len * (family.bounds.len() + 1)
                && segment.counts().len() == len
                && segment.sums().len() == len
        }
        Kind::SUMMARY => segment.counts().len() == len && segment.sums().len() == len,
        _ => segment.values().len() == len,
    };
    ends_fit && values_fit
}

impl FamilyColumns for OwnedFamily {
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

impl SegmentColumns for OwnedSegment {
    fn len(&self) -> usize {
        self.len
    }

    fn label_text(&self) -> &str {
        &self.label_text
    }

    fn label_ends(&self) -> &[u32] {
        &self.label_ends
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
        &self.created_seconds
    }

    fn structure(&self) -> u64 {
        self.structure
    }

    fn stamp(&self) -> u64 {
        self.stamp
    }
}
