//! Families that collector plugins showed, copied so that they outlive the collector's call.
//!
//! A collector writes on a thread of its own and may come back after the page was printed, so what
//! it shows goes into memory that belongs to nobody else until it is done.

use super::inspect;
use meterbox_metrics::{Reason, Source};
use meterbox_plugin_abi::gather::{
    Family, FamilyColumns, Flow, Kind, Segment, SegmentColumns, Visitor,
};

/// A refused segment counts as at most so many series.
const REFUSED_AT_ONCE_MAX: usize = 4096;

/// One family with its segments.
#[derive(Debug, Clone)]
pub(crate) struct OwnedFamily {
    name: String,
    help: String,
    unit: String,
    set: String,
    kind: Kind,
    bounds: Vec<f64>,
    flags: u32,
    pub(crate) segments: Vec<OwnedSegment>,
}

/// One segment.
#[derive(Debug, Clone)]
pub(crate) struct OwnedSegment {
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

/// Copies what a collector shows, up to a number of series; what it may not show is refused.
pub(crate) struct Collected {
    pub(crate) families: Vec<OwnedFamily>,
    series_left: usize,
    families_max: usize,
    /// Why series were refused, one entry each.
    pub(crate) refused: Vec<Reason>,
    /// Whether the family shown last was taken.
    taken: bool,
    /// Whose families they are.
    source: Source,
}

impl Collected {
    pub(crate) fn new(series_max: usize, families_max: usize, source: Source) -> Self {
        Self {
            families: Vec::new(),
            series_left: series_max,
            families_max,
            refused: Vec::new(),
            taken: false,
            source,
        }
    }

    fn refuse(&mut self, reason: Reason, series: usize) {
        // A segment may claim any length.
        let times = series.min(REFUSED_AT_ONCE_MAX);
        self.refused.extend(std::iter::repeat_n(reason, times));
    }

    /// What is wrong with a segment of the family shown last, if anything.
    fn inspect(&self, segment: &Segment<'_>) -> Result<(), Reason> {
        let family = self.families.last().ok_or(Reason::BadDescriptor)?;
        if !columns_fit(family, segment) {
            return Err(Reason::BadDescriptor);
        }
        if segment.len() > self.series_left {
            return Err(Reason::SourceLimit);
        }
        let text = segment.label_text();
        let mut start = 0;
        for &end in segment.label_ends() {
            inspect::labels(family.kind, &text[start..end as usize])?;
            start = end as usize;
        }
        Ok(())
    }
}

impl Visitor for Collected {
    fn family(&mut self, family: &Family<'_>) -> Flow {
        let looked_at = if self.families.len() < self.families_max {
            inspect::family(family, &self.source)
        } else {
            Err(Reason::FamilyLimit)
        };
        self.taken = looked_at.is_ok();
        if let Err(reason) = looked_at {
            self.refuse(reason, 1);
            return Flow::Continue;
        }
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
        if !self.taken {
            // Counted with its family.
            return Flow::Continue;
        }
        if let Err(reason) = self.inspect(segment) {
            self.refuse(reason, segment.len());
            return Flow::Continue;
        }
        let Some(family) = self.families.last_mut() else {
            return Flow::Continue;
        };
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

#[cfg(test)]
mod tests {
    use super::*;
    use meterbox_metrics::{Options, Registry, SourceOptions};

    fn gauge(name: &str, label_text: &str) -> (OwnedFamily, OwnedSegment) {
        let family = OwnedFamily {
            name: name.to_owned(),
            help: String::new(),
            unit: String::new(),
            set: String::new(),
            kind: Kind::GAUGE,
            bounds: Vec::new(),
            flags: 0,
            segments: Vec::new(),
        };
        let segment = OwnedSegment {
            len: 1,
            label_text: label_text.to_owned(),
            label_ends: vec![label_text.len() as u32],
            values: vec![1.0],
            bucket_counts: Vec::new(),
            counts: Vec::new(),
            sums: Vec::new(),
            created_seconds: Vec::new(),
            structure: 1,
            stamp: 1,
        };
        (family, segment)
    }

    /// Shows these (name, label text) as a guest that may have two series; gives names and refusals.
    fn shown(series: &[(&str, &str)]) -> (Vec<String>, Vec<Reason>) {
        let mut options = Options::new(|| 0.0);
        options.reserved_prefixes = vec!["meterbox_".to_owned()];
        let registry = Registry::new(options);
        let source = registry.source("plugin", &SourceOptions::guest()).unwrap();
        let mut collected = Collected::new(2, 4, source);
        for (name, label_text) in series {
            let (family, segment) = gauge(name, label_text);
            collected.family(&Family::of(&family));
            collected.segment(&Segment::of(&segment));
        }
        let taken = collected
            .families
            .iter()
            .filter(|family| !family.segments.is_empty());
        let names = taken.map(|family| family.name.clone()).collect();
        (names, collected.refused)
    }

    #[test]
    fn what_may_not_be_shown_is_refused_by_reason_and_the_rest_stays() {
        let (names, refused) = shown(&[
            ("good", "a=\"b\""),
            ("bad name", ""),
            ("meterbox_forged", ""),
            ("torn", "a=\"b\"} 1\nforged{a=\"c\""),
            ("also_good", ""),
            ("one_too_many", ""),
            ("fourth_family", ""),
        ]);
        assert_eq!(names, ["good", "also_good"]);
        let reasons = [
            Reason::BadName,
            Reason::ReservedName,
            Reason::BadName,
            Reason::SourceLimit,
            Reason::FamilyLimit,
        ];
        assert_eq!(refused, reasons);
    }
}
