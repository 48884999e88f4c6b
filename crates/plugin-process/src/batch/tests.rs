//! Round trips, and bytes that were damaged on the way.

use meterbox_plugin_abi::FamilySpec;
use meterbox_plugin_abi::gather::{Flow, Head, Kind, OwnedSegment, Segment, Visitor};

use super::*;
use crate::aligned::Aligned;
use crate::testing::Seeded;

#[derive(Clone, Debug, PartialEq)]
enum Seen {
    Family(String),
    Segment(Box<OwnedSegment>),
}

/// Writes down what it is shown; every column is read to its end.
#[derive(Default)]
struct Notes {
    seen: Vec<Seen>,
    stop_after: Option<usize>,
}

impl Notes {
    fn note(&mut self, seen: Seen) -> Flow {
        self.seen.push(seen);
        if self.stop_after == Some(self.seen.len()) {
            Flow::Stop
        } else {
            Flow::Continue
        }
    }
}

impl Visitor for Notes {
    fn family(&mut self, family: &Head<'_>) -> Flow {
        let (name, help, unit) = (family.name(), family.help(), family.unit());
        let (kind, bounds, flags) = (family.kind(), family.bounds(), family.flags());
        let set = family.set();
        let text = format!("{name:?} {help:?} {unit:?} {set:?} {kind:?} {bounds:?} {flags}");
        self.note(Seen::Family(text))
    }

    fn segment(&mut self, segment: &Segment<'_>) -> Flow {
        let mut start = 0;
        for end in segment.label_ends() {
            let _block = &segment.label_text()[start..*end as usize];
            start = *end as usize;
        }
        self.note(Seen::Segment(Box::new(segment.into())))
    }
}

/// Columns that a family of this kind has.
fn columns(seeded: &mut Seeded, kind: Kind, buckets: usize) -> OwnedSegment {
    let len = seeded.below(257);
    let mut text = String::new();
    let ends = (0..len).map(|_| {
        text.push_str(&seeded.text(9));
        text.len() as u32
    });
    let ends = ends.collect();
    let mut number = || seeded.below(1000) as f64 / 8.0;
    let mut full = |len: usize| (0..len).map(|_| number()).collect::<Vec<f64>>();
    let whole = |numbers: Vec<f64>| numbers.into_iter().map(|number| number as u64).collect();
    let when = |wanted: bool, len: usize| if wanted { len } else { 0 };
    let (histogram, summary) = (kind == Kind::HISTOGRAM, kind == Kind::SUMMARY);
    OwnedSegment {
        values: full(when(!histogram && !summary, len)),
        bucket_counts: whole(full(when(histogram, len * buckets))),
        counts: whole(full(when(histogram || summary, len))),
        sums: full(when(histogram || summary, len)),
        created_seconds: full(when(len.is_multiple_of(2), len)),
        label_text: text,
        label_ends: ends,
        structure: len as u64,
        exemplar_text: vec![b'x'; when(len.is_multiple_of(3), len)],
        exemplar_ends: (1..=when(len.is_multiple_of(3), len) as u32).collect(),
        exemplar_values: full(when(len.is_multiple_of(3), len)),
        exemplar_seconds: full(when(len.is_multiple_of(3), len)),
    }
}

/// Families with segments as a source shows them.
fn show(seed: u64, visitor: &mut dyn Visitor) -> Flow {
    let mut seeded = Seeded::new(seed);
    for _ in 0..seeded.below(4) + 1 {
        let kind = Kind(seeded.below(7) as u32);
        let bounds = &[0.1, 0.5, f64::MAX][..seeded.below(4)];
        let (name, help) = (seeded.text(20), seeded.text(40));
        let family = FamilySpec {
            kind,
            name: &name,
            help: &help,
            unit: "seconds",
            labels: &[],
            bounds,
            flags: seeded.below(8) as u32,
            set: "node",
        };
        if visitor.family(&family.head()) == Flow::Stop {
            return Flow::Stop;
        }
        for _ in 0..seeded.below(4) {
            let columns = columns(&mut seeded, kind, bounds.len() + 1);
            if visitor.segment(&columns.lend()) == Flow::Stop {
                return Flow::Stop;
            }
        }
    }
    Flow::Continue
}

fn batches(seed: u64, limit: usize) -> Vec<Vec<u8>> {
    let mut batches = Vec::new();
    let mut writer = BatchWriter::new(limit, |batch: &[u8]| {
        batches.push(batch.to_vec());
        Flow::Continue
    });
    assert_eq!(show(seed, &mut writer), Flow::Continue);
    assert_eq!(writer.finish(), Flow::Continue);
    batches
}

#[test]
fn what_is_shown_arrives_in_batches_of_any_size() {
    for seed in 0..150 {
        let mut expected = Notes::default();
        show(seed, &mut expected);
        for limit in [0, 2_000, 1 << 20] {
            let mut notes = Notes::default();
            let mut reader = BatchReader::new();
            for batch in batches(seed, limit) {
                assert!(!batch.is_empty());
                let batch = Aligned::from_bytes(&batch);
                let flow = reader.visit(batch.as_bytes(), &mut notes);
                assert_eq!(flow, Ok(Flow::Continue), "seed {seed}");
            }
            assert_eq!(notes.seen, expected.seen, "seed {seed}, limit {limit}");
        }
    }
}

#[test]
fn damaged_batches_are_refused_or_shown_with_columns_that_fit() {
    let mut refused = 0;
    for seed in 0..60 {
        let mut seeded = Seeded::new(seed);
        let whole = batches(seed, 1 << 20).concat();
        for _ in 0..40 {
            let mut bytes = whole.clone();
            for _ in 0..seeded.below(3) + 1 {
                seeded.damage(&mut bytes);
            }
            let bytes = Aligned::from_bytes(&bytes);
            let read = BatchReader::new().visit(bytes.as_bytes(), &mut Notes::default());
            refused += usize::from(read.is_err());
        }
    }
    assert!(refused > 100, "damage is noticed: {refused}");
}

#[test]
fn noise_a_lone_segment_and_an_odd_address_are_refused() {
    for seed in 0..2000 {
        let noise = Aligned::from_bytes(&Seeded::new(seed).bytes(200));
        let _ = BatchReader::new().visit(noise.as_bytes(), &mut Notes::default());
    }
    let mut lone = SEGMENT.to_le_bytes().to_vec();
    lone.resize(24, 0);
    let lone = Aligned::from_bytes(&lone);
    let refused = BatchReader::new().visit(lone.as_bytes(), &mut Notes::default());
    assert!(refused.unwrap_err().to_string().contains("no family"));
    let mut shifted = vec![0];
    shifted.extend_from_slice(&batches(3, 1 << 20).concat());
    let shifted = Aligned::from_bytes(&shifted);
    let odd = BatchReader::new().visit(&shifted.as_bytes()[1..], &mut Notes::default());
    assert!(odd.unwrap_err().to_string().contains("not aligned"));
}

#[test]
fn a_reader_that_has_enough_ends_the_gather_on_both_sides() {
    let mut notes = Notes {
        stop_after: Some(1),
        ..Notes::default()
    };
    let batch = Aligned::from_bytes(&batches(8, 1 << 20).concat());
    let flow = BatchReader::new().visit(batch.as_bytes(), &mut notes);
    assert_eq!((flow, notes.seen.len()), (Ok(Flow::Stop), 1));

    let mut taken = 0;
    let mut writer = BatchWriter::new(0, |_: &[u8]| {
        taken += 1;
        Flow::Stop
    });
    show(8, &mut writer);
    assert_eq!(show(9, &mut writer), Flow::Stop);
    assert_eq!(writer.finish(), Flow::Stop);
    assert_eq!(taken, 1);
}
