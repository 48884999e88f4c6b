//! Families that collector plugins showed, copied so that they outlive the collector's call.
//!
//! A collector writes on a thread of its own and may come back after the page was printed, so what
//! it shows goes into memory that belongs to nobody else until it is done. It is looked at before that:
//! registered metrics are checked by the store, shown ones come ready-made, from a library that may have
//! been written in anything. What no format can carry, or a name that is not the plugin's to use, is
//! refused with the same reasons as the store's and counted under the plugin's name.

use meterbox_metrics::{LabelError, Reason, Source};
use meterbox_plugin_abi::gather::check::{self, Misfit};
use meterbox_plugin_abi::gather::{Flow, Head, OwnedHead, OwnedSegment, Segment, Visitor};

/// A refused segment counts as at most so many series.
const REFUSED_AT_ONCE_MAX: usize = 4096;

/// One family with its segments.
#[derive(Debug, Clone)]
pub(super) struct OwnedFamily {
    pub(crate) head: OwnedHead,
    pub(crate) segments: Vec<OwnedSegment>,
}

/// Copies what a collector shows, up to a number of series; what it may not show is refused.
pub(crate) struct Collected {
    pub(super) families: Vec<OwnedFamily>,
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
        let (kind, bounds) = (family.head.kind, family.head.bounds.len());
        check::columns(kind, bounds, segment).map_err(|misfit| reason(&misfit))?;
        if segment.len() > self.series_left {
            return Err(Reason::SourceLimit);
        }
        check::labels(kind, segment).map_err(|misfit| reason(&misfit))
    }

    /// What is wrong with a family, if anything.
    fn inspect_head(&self, head: &Head<'_>) -> Result<(), Reason> {
        if self.families.len() >= self.families_max {
            return Err(Reason::FamilyLimit);
        }
        check::head(head).map_err(|misfit| reason(&misfit))?;
        if !self.source.may_use(head.name()) {
            return Err(Reason::ReservedName);
        }
        Ok(())
    }
}

/// As the store counts it.
fn reason(misfit: &Misfit) -> Reason {
    match misfit {
        Misfit::Label(LabelError::TooMany(_)) => Reason::LabelCount,
        Misfit::Label(LabelError::ValueTooLong(_)) => Reason::ValueTooLong,
        Misfit::Name(_) | Misfit::Label(_) => Reason::BadName,
        _ => Reason::BadDescriptor,
    }
}

impl Visitor for Collected {
    fn family(&mut self, head: &Head<'_>) -> Flow {
        let looked_at = self.inspect_head(head);
        self.taken = looked_at.is_ok();
        if let Err(reason) = looked_at {
            self.refuse(reason, 1);
            return Flow::Continue;
        }
        self.families.push(OwnedFamily {
            head: head.into(),
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
        family.segments.push(segment.into());
        Flow::Continue
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use meterbox_metrics::{Options, Registry, SourceOptions};
    use meterbox_plugin_abi::gather::Kind;
    use meterbox_plugin_abi::testing::TestFamily;

    /// Shows these (name, label text) as a guest that may have two series; gives names and refusals.
    fn shown(series: &[(&str, &str)]) -> (Vec<String>, Vec<Reason>) {
        let mut options = Options::new(|| 0.0);
        options.reserved_prefixes = vec!["meterbox_".to_owned()];
        let registry = Registry::new(options);
        let source = registry.source("plugin", &SourceOptions::guest()).unwrap();
        let mut collected = Collected::new(2, 4, source);
        for (name, label_text) in series {
            let shown = TestFamily::new(Kind::GAUGE, name).value(label_text, 1.0);
            collected.family(&shown.head.lend());
            collected.segment(&shown.segment.lend());
        }
        let taken = collected
            .families
            .iter()
            .filter(|family| !family.segments.is_empty());
        let names = taken.map(|family| family.head.name.clone()).collect();
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
