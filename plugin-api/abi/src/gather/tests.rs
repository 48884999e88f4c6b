//! Round trips through the border's vtables within one process.

use super::*;
use crate::growing;

const FAMILY: Head<'_> = Head::new(Kind::HISTOGRAM, "queue_seconds")
    .with_help("Time in the queue.")
    .with_unit("seconds")
    .with_bounds(&[0.1, 1.0])
    .with_flags(FAMILY_SHOW_EMPTY)
    .with_set("torchserve");

const SEGMENT: Segment<'_> = Segment::of("a=\"1\"a=\"2\"", &[5, 10])
    .with_bucket_counts(&[1, 2, 3, 4, 5, 6])
    .with_counts(&[6, 15])
    .with_sums(&[1.5, 2.5])
    .with_created_seconds(&[7.0, 8.0])
    .with_structure(11);

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
        if filter.wants_family("queue_seconds") && visitor.family(&FAMILY) == Flow::Continue {
            let _ = visitor.segment(&SEGMENT) == Flow::Continue
                && visitor.segment(&SEGMENT) == Flow::Continue;
        }
        Ok(())
    }
}

#[derive(Default)]
struct Seen {
    families: Vec<OwnedHead>,
    segments: Vec<OwnedSegment>,
    stop_after: Option<usize>,
    panic_at_segment: bool,
}

impl Visitor for Seen {
    fn family(&mut self, head: &Head<'_>) -> Flow {
        self.families.push(head.into());
        Flow::Continue
    }
    fn segment(&mut self, segment: &Segment<'_>) -> Flow {
        assert!(!self.panic_at_segment, "no segment for me");
        self.segments.push(segment.into());
        if Some(self.segments.len()) == self.stop_after {
            Flow::Stop
        } else {
            Flow::Continue
        }
    }
}

#[test]
fn families_and_segments_cross_unchanged() {
    let mut seen = Seen::default();
    let source = Source { fail: None };
    GatherHandle::of(&source)
        .gather(&Filter::ALL, &mut seen)
        .unwrap();
    assert_eq!(seen.families[0].lend(), FAMILY);
    assert_eq!(seen.segments[0].lend(), SEGMENT);
    assert_eq!((SEGMENT.len(), SEGMENT.values()), (2, &[] as &[f64]));
}

#[test]
fn columns_come_back_from_their_bytes() {
    let columns = SEGMENT.columns();
    let mut columns = columns.iter();
    let next = |_| Ok(columns.next().map_or(&[][..], |(_, bytes)| bytes));
    let again = Segment::from_columns(next, |text| text).unwrap();
    assert_eq!(again.with_structure(11), SEGMENT);
    let odd = Segment::from_columns(|_| Ok(&b"12345"[..]), |text| text);
    assert_eq!(odd, Err("a column that is not aligned"));
    let latin = Segment::from_columns(|_| Ok(&b"\xe4"[..]), |text| text);
    assert_eq!(latin, Err("labels that are not UTF-8"));
}

/// A segment as another minor version lends it: this one's bytes, more or fewer of them.
#[repr(C)]
struct Other {
    size: usize,
    rest: [usize; 63],
}

#[test]
fn a_column_that_one_side_lacks_is_empty_and_never_read() {
    let words = size_of::<Segment<'_>>() / size_of::<usize>();
    let mut other = Other {
        size: 0,
        rest: [0; 63],
    };
    let full = SEGMENT
        .with_exemplar_ends(&[1, 2])
        .with_exemplar_values(&[1.0, 2.0]);
    // SAFETY: a segment is words, and the array has room for them.
    unsafe {
        let to = std::ptr::from_mut(&mut other).cast::<Segment<'_>>();
        to.write(full);
    }
    let read = |other: &mut Other, size: usize| {
        other.size = size;
        // What is beyond the stated size is a trap.
        other.rest[size / size_of::<usize>() - 1..].fill(usize::MAX);
        // SAFETY: the first `words` words are a segment's, and the array is longer than any.
        unsafe { growing::read(std::ptr::from_ref(other).cast::<Segment<'_>>()) }
    };
    let whole = words * size_of::<usize>();
    other.rest[words - 1..].fill(usize::MAX);
    let newer = read(&mut other, whole + 80).expect("a longer one");
    assert_eq!(newer, full, "what only the other side knows is passed over");
    let by_half = std::mem::size_of::<usize>() + Segment::LAYOUT[11].1;
    assert_eq!(Segment::LAYOUT[11].0, "exemplar_values");
    let older = read(&mut other, by_half).expect("a shorter one");
    assert_eq!(older.exemplar_values(), &[] as &[f64], "half a column");
    assert_eq!(older.exemplar_ends(), [1, 2]);
    let first = <Segment<'_> as growing::Growing>::SIZE_MIN;
    assert_eq!(read(&mut other, first), Ok(SEGMENT), "the first version's");
    let refused = read(&mut other, first - 8).expect_err("no version was as short");
    assert!(
        refused.message.starts_with("a meterbox_segment_v1 has "),
        "{refused}"
    );
}

#[test]
fn a_gather_crosses_with_its_filter_and_can_be_stopped() {
    let source = Source { fail: None };
    let handle = GatherHandle::of(&source);
    let mut seen = Seen::default();
    handle.gather(&Filter::ALL, &mut seen).unwrap();
    assert_eq!((seen.families.len(), seen.segments.len()), (1, 2));

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
    assert_eq!((seen.families.len(), seen.segments.len()), (1, 1));

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
