//! Round trips through the border's vtables within one process.

use super::*;

struct Fam;

impl FamilyColumns for Fam {
    fn name(&self) -> &str {
        "queue_seconds"
    }
    fn help(&self) -> &str {
        "Time in the queue."
    }
    fn unit(&self) -> &str {
        "seconds"
    }
    fn kind(&self) -> Kind {
        Kind::HISTOGRAM
    }
    fn bounds(&self) -> &[f64] {
        &[0.1, 1.0]
    }
    fn flags(&self) -> u32 {
        FAMILY_SHOW_EMPTY
    }
    fn set(&self) -> &str {
        "torchserve"
    }
}

struct Seg {
    sums: Vec<f64>,
}

impl SegmentColumns for Seg {
    fn len(&self) -> usize {
        2
    }
    fn label_text(&self) -> &str {
        "a=\"1\"a=\"2\""
    }
    fn label_ends(&self) -> &[u32] {
        &[5, 10]
    }
    fn values(&self) -> &[f64] {
        panic!("a histogram has no values")
    }
    fn bucket_counts(&self) -> &[u64] {
        &[1, 2, 3, 4, 5, 6]
    }
    fn counts(&self) -> &[u64] {
        &[6, 15]
    }
    fn sums(&self) -> &[f64] {
        &self.sums
    }
    fn created_seconds(&self) -> &[f64] {
        &[7.0, 8.0]
    }
    fn structure(&self) -> u64 {
        11
    }
    fn stamp(&self) -> u64 {
        12
    }
}

struct Source {
    fail: Option<&'static str>,
}

impl GatherSource for Source {
    fn gather(&self, filter: &Filter<'_>, visitor: &mut dyn Visitor) -> Result<(), String> {
        match self.fail {
            Some("panic") => panic!("the source broke"),
            Some(text) => return Err(text.to_owned()),
            None => {}
        }
        let segment = Seg {
            sums: vec![1.5, 2.5],
        };
        if filter.wants_family("queue_seconds")
            && visitor.family(&Family::of(&Fam)) == Flow::Continue
        {
            let _ = visitor.segment(&Segment::of(&segment)) == Flow::Continue
                && visitor.segment(&Segment::of(&segment)) == Flow::Continue;
        }
        Ok(())
    }
}

#[derive(Default)]
struct Seen {
    families: Vec<String>,
    segments: usize,
    stop_after: Option<usize>,
    panic_at_segment: bool,
}

impl Visitor for Seen {
    fn family(&mut self, family: &Family<'_>) -> Flow {
        self.families.push(family.name().to_owned());
        Flow::Continue
    }
    fn segment(&mut self, segment: &Segment<'_>) -> Flow {
        assert!(!self.panic_at_segment, "no segment for me");
        assert_eq!(segment.len(), 2);
        self.segments += 1;
        if Some(self.segments) == self.stop_after {
            Flow::Stop
        } else {
            Flow::Continue
        }
    }
}

#[test]
fn family_methods_cross_unchanged() {
    let family: &dyn FamilyColumns = &Fam;
    let family = Family::of(&family);
    assert_eq!(family.name(), "queue_seconds");
    assert_eq!(family.help(), "Time in the queue.");
    assert_eq!(family.unit(), "seconds");
    assert_eq!(family.kind(), Kind::HISTOGRAM);
    assert_eq!(family.bounds(), &[0.1, 1.0]);
    assert_eq!(family.flags(), FAMILY_SHOW_EMPTY);
    assert_eq!(family.set(), "torchserve");
}

#[test]
fn segment_methods_cross_unchanged_and_a_panicking_column_is_empty() {
    let owner = Seg {
        sums: vec![1.5, 2.5],
    };
    let segment = Segment::of(&owner);
    assert_eq!(segment.len(), 2);
    assert!(!segment.is_empty());
    assert_eq!(segment.label_text(), "a=\"1\"a=\"2\"");
    assert_eq!(segment.label_ends(), &[5, 10]);
    assert_eq!(segment.values(), &[] as &[f64]);
    assert_eq!(segment.bucket_counts(), &[1, 2, 3, 4, 5, 6]);
    assert_eq!(segment.counts(), &[6, 15]);
    assert_eq!(segment.sums(), &[1.5, 2.5]);
    assert_eq!(segment.created_seconds(), &[7.0, 8.0]);
    assert_eq!((segment.structure(), segment.stamp()), (11, 12));
}

#[test]
fn a_gather_crosses_with_its_filter_and_can_be_stopped() {
    let source = Source { fail: None };
    let handle = GatherHandle::of(&source);
    let mut seen = Seen::default();
    handle.gather(&Filter::ALL, &mut seen).unwrap();
    assert_eq!((seen.families.len(), seen.segments), (1, 2));

    let mut seen = Seen {
        stop_after: Some(1),
        ..Seen::default()
    };
    handle
        .gather(
            &Filter {
                names: &["queue_seconds_sum"],
            },
            &mut seen,
        )
        .unwrap();
    assert_eq!((seen.families.len(), seen.segments), (1, 1));

    let mut seen = Seen::default();
    handle
        .gather(
            &Filter {
                names: &["other", "queue_seconds_x"],
            },
            &mut seen,
        )
        .unwrap();
    assert_eq!(seen.families.len(), 0);
}

#[test]
fn errors_and_panics_of_both_sides_are_text() {
    let gather = |source: Source, mut seen: Seen| {
        GatherHandle::of(&source)
            .gather(&Filter::ALL, &mut seen)
            .unwrap_err()
    };
    assert_eq!(
        gather(
            Source {
                fail: Some("no store")
            },
            Seen::default()
        ),
        "no store"
    );
    assert_eq!(
        gather(
            Source {
                fail: Some("panic")
            },
            Seen::default()
        ),
        "gathering panicked: the source broke"
    );
    let panicking = Seen {
        panic_at_segment: true,
        ..Seen::default()
    };
    assert_eq!(
        gather(Source { fail: None }, panicking),
        "the reader of gathered metrics panicked: no segment for me"
    );
}

#[test]
fn a_filter_names_samples_exactly() {
    let filter = Filter {
        names: &["x_sum", "y"],
    };
    assert!(filter.wants_family("x") && filter.wants_family("y") && filter.wants_family("x_sum"));
    assert!(!filter.wants_family("x_s"));
    let created = Filter {
        names: &["x_created"],
    };
    assert!(created.wants_family("x_total") && created.wants_family("x"));
    assert!(filter.wants_sample("x", "_sum") && !filter.wants_sample("x", "_count"));
    assert!(filter.wants_sample("y", "") && !filter.wants_sample("y", "_total"));
    assert!(Filter::ALL.wants_sample("anything", "_bucket"));
}

#[test]
fn a_kind_of_a_later_border_is_unknown() {
    assert_eq!(Kind(77).word(), "unknown");
    assert_eq!(Kind::SUMMARY.word(), "summary");
}
