//! The encoder against odd columns, long lines and another encoder.

use meterbox_plugin_abi::gather::{Filter, Flow, Kind, Visitor};
use meterbox_plugin_abi::testing::{TestFamily, TestSource};
use prometheus::{Encoder as _, TextEncoder};

use super::*;
use crate::fixture::{family, text_of};
use crate::parse::parse_text;
use crate::{CHUNK_BYTES, Page};

fn encode(families: &[TestFamily]) -> (Outcome, String) {
    let mut all = Vec::new();
    let mut encoder = Encoder::new(Format::Text, Filter::ALL, |bytes: &[u8]| {
        all.extend_from_slice(bytes);
        Flow::Continue
    });
    for family in families {
        let _ = encoder.family(&family.head.lend());
        let _ = encoder.segment(&family.segment.lend());
    }
    let (outcome, _) = encoder.finish();
    (outcome, String::from_utf8(all).unwrap())
}

#[test]
fn series_whose_columns_disagree_are_left_out_and_counted() {
    let mut odd = family("x", Kind::GAUGE)
        .value("a=\"1\"", 1.0)
        .value("a=\"2\"", 2.0)
        .value("a=\"3\"", 3.0)
        .value("a=\"4\"", 4.0);
    odd.segment.label_ends[1] = 4000;
    odd.segment.label_ends[2] = 15;
    odd.segment.values.pop();
    let (outcome, page) = encode(&[odd]);
    assert_eq!(page, "# HELP x About x.\n# TYPE x gauge\nx{a=\"1\",} 1.0\n");
    assert_eq!((outcome.samples, outcome.malformed), (1, 3));

    let mut odd = family("h", Kind::HISTOGRAM)
        .bounds(&[1.0])
        .histogram("a=\"1\"", &[1, 2], 1.0)
        .histogram("a=\"2\"", &[1, 2], 1.0);
    odd.segment.bucket_counts.pop();
    let (outcome, page) = encode(&[odd]);
    assert_eq!(page.lines().count(), 2 + 4);
    assert_eq!((outcome.samples, outcome.malformed), (4, 1));
}

#[test]
fn lines_longer_than_a_chunk_come_out_whole() {
    for size in [60, 300, CHUNK_BYTES - 20, CHUNK_BYTES, 3 * CHUNK_BYTES] {
        let block = format!("l=\"{}\"", "v".repeat(size));
        let families = [
            family("g", Kind::GAUGE).value(&block, 1.0),
            family("h", Kind::HISTOGRAM)
                .bounds(&[0.5])
                .histogram(&block, &[4, 5], 2.0),
        ];
        let (outcome, page) = encode(&families);
        let header = |name, kind| format!("# HELP {name} About {name}.\n# TYPE {name} {kind}\n");
        let expected = format!(
            "{}g{{{block},}} 1.0\n{}h_bucket{{{block},le=\"0.5\",}} 4.0\n\
             h_bucket{{{block},le=\"+Inf\",}} 9.0\nh_count{{{block},}} 9.0\nh_sum{{{block},}} 2.0\n",
            header("g", "gauge"),
            header("h", "histogram"),
        );
        assert!(page == expected, "a block of {size} bytes came out wrong");
        assert_eq!(outcome.bytes, expected.len() as u64);
    }
}

#[test]
fn names_of_every_length_are_copied_whole() {
    for length in 1..200 {
        let name = "n".repeat(length);
        let named = family(&name, Kind::GAUGE)
            .value("", 1.0)
            .value("a=\"b\"", 2.0);
        let (_, page) = encode(&[named]);
        assert!(page.ends_with(&format!("gauge\n{name} 1.0\n{name}{{a=\"b\",}} 2.0\n")));
    }
}

#[test]
fn property_random_families_read_as_those_of_the_prometheus_crate() {
    let mut state = 7u64;
    let mut next = move |below: u64| {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) % below
    };
    for _ in 0..60 {
        let registry = prometheus::Registry::new();
        let mut families = Vec::new();
        for number in 0..=next(6) {
            let name = format!("family_{number}");
            let help = format!("Help \\ with \n {number}");
            let mut ours = family(&name, Kind::GAUGE).help(&help);
            let series = 1 + next(4);
            let value = |text: u64| format!("v\\\"\n{text}");
            let block = |text: u64| format!("a=\"v\\\\\\\"\\n{text}\",b=\"\u{e4}\"");
            match next(3) {
                0 => {
                    let theirs =
                        prometheus::GaugeVec::new(prometheus::opts!(&name, help), &["a", "b"])
                            .unwrap();
                    for text in 0..series {
                        let number = f64::from_bits(next(1 << 31) << 33 | next(1 << 31));
                        theirs
                            .with_label_values(&[value(text).as_str(), "\u{e4}"])
                            .set(number);
                        ours = ours.value(&block(text), number);
                    }
                    registry.register(Box::new(theirs)).unwrap();
                }
                1 => {
                    ours.head.kind = Kind::COUNTER;
                    let theirs =
                        prometheus::IntCounterVec::new(prometheus::opts!(&name, help), &["a", "b"])
                            .unwrap();
                    for text in 0..series {
                        let number = next(1 << 30) * next(1 << 20);
                        theirs
                            .with_label_values(&[value(text).as_str(), "\u{e4}"])
                            .inc_by(number);
                        ours = ours.value(&block(text), number as f64);
                    }
                    registry.register(Box::new(theirs)).unwrap();
                }
                _ => {
                    ours.head.kind = Kind::HISTOGRAM;
                    ours.head.bounds = vec![0.25, 1.0, 1e7];
                    let options =
                        prometheus::histogram_opts!(&name, help, ours.head.bounds.clone());
                    let theirs = prometheus::HistogramVec::new(options, &["a", "b"]).unwrap();
                    for text in 0..series {
                        let child = theirs.with_label_values(&[value(text).as_str(), "\u{e4}"]);
                        let mut buckets = [0; 4];
                        for _ in 0..next(9) {
                            let place = next(4) as usize;
                            buckets[place] += 1;
                            child.observe([0.25, 0.5, 3.0, 1e8][place]);
                        }
                        ours = ours.histogram(&block(text), &buckets, child.get_sample_sum());
                    }
                    registry.register(Box::new(theirs)).unwrap();
                }
            }
            families.push(ours);
        }
        let mut theirs = Vec::new();
        TextEncoder::new()
            .encode(&registry.gather(), &mut theirs)
            .unwrap();
        let theirs = parse_text(std::str::from_utf8(&theirs).unwrap()).unwrap();
        let ours = parse_text(&text_of(&TestSource::of(families), &Page::default())).unwrap();
        assert_eq!(ours.len(), theirs.len());
        for (ours, theirs) in ours.iter().zip(&theirs) {
            assert_eq!(
                (&ours.name, &ours.help, &ours.kind),
                (&theirs.name, &theirs.help, &theirs.kind)
            );
            assert_eq!(ours.sorted(), theirs.sorted(), "{}", ours.name);
        }
    }
}
