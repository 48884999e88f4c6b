//! What an author's test accepts the server accepts, and the reverse: one table for both.

use crate::gather::collected::Collected;
use crate::served::instruments;
use meterbox_metrics::{Options, Registry, Source, SourceOptions};
use meterbox_plugin::testkit::TestHost;
use meterbox_plugin_abi::FamilySpec;
use meterbox_plugin_abi::gather::check::Checked;
use meterbox_plugin_abi::gather::{Kind, Visitor};
use meterbox_plugin_abi::testing::TestFamily;

fn source() -> Source {
    let registry = Registry::new(Options::new(|| 0.0));
    registry.source("plugin", &SourceOptions::guest()).unwrap()
}

/// Name, label, value of the label, bound; and whether that may be for a histogram, and for a gauge.
const TABLE: &[(&str, &str, &str, f64, [bool; 2])] = &[
    ("a", "b", "c", 1.0, [true, true]),
    ("a:b_2", "_b", "\\ \" \n", -1.0, [true, true]),
    ("a-b", "b", "c", 1.0, [false, false]),
    ("2a", "b", "c", 1.0, [false, false]),
    ("", "b", "c", 1.0, [false, false]),
    ("a", "b:c", "c", 1.0, [false, false]),
    ("a", "__b", "c", 1.0, [false, false]),
    ("a", "", "c", 1.0, [false, false]),
    ("a", "le", "c", 1.0, [false, true]),
    ("a", "quantile", "c", 1.0, [true, true]),
    ("a", "b", "c", f64::NAN, [false, true]),
];

/// The table, and what only a long text shows.
fn cases() -> Vec<(String, String, String, f64, [bool; 2])> {
    let text = |text: &str| text.to_owned();
    let table = TABLE.iter();
    let mut cases: Vec<_> = table
        .map(|(name, label, value, bound, may)| {
            (text(name), text(label), text(value), *bound, *may)
        })
        .collect();
    let long = "x".repeat(128);
    for (most, more, may) in [("", "", true), ("x", "", false), ("", "x", false)] {
        let (name, label) = (format!("{long}{most}"), format!("{long}{more}"));
        cases.push((name, label, text("c"), 1.0, [may, may]));
    }
    for (bytes, may) in [(1024, true), (1025, false)] {
        cases.push((text("a"), text("b"), "\n".repeat(bytes), 1.0, [may, may]));
    }
    cases
}

#[test]
fn registrations_are_refused_by_both_or_by_neither() {
    for (name, label, value, bound, may) in cases() {
        for (may, bounds) in [(may[0], &[bound][..]), (may[1], &[])] {
            let kind = if bounds.is_empty() {
                Kind::GAUGE
            } else {
                Kind::HISTOGRAM
            };
            let spec = FamilySpec {
                kind,
                name: &name,
                help: "",
                unit: "",
                labels: &[&label],
                bounds,
                flags: 0,
                set: "",
            };
            let made = instruments::register(&source(), &spec);
            let served = made.and_then(|family| family.series(&[&value]));
            let metrics = TestHost::new().host().metrics();
            let labels = [(label.as_str(), value.as_str())];
            let tested = if bounds.is_empty() {
                let gauge = metrics.gauge(&name, "");
                gauge.and_then(|family| family.with(&labels)).is_ok()
            } else {
                let histogram = metrics.histogram(&name, "", bounds);
                histogram.and_then(|family| family.with(&labels)).is_ok()
            };
            let answers = (served.is_ok(), tested);
            assert_eq!(answers, (may, may), "{} {spec:?}", value.len());
        }
    }
}

#[test]
fn what_collectors_show_is_refused_by_both_or_by_neither() {
    for (name, label, value, bound, may) in cases() {
        let mut block = String::new();
        meterbox_plugin_abi::gather::names::push_label(&mut block, 0, &label, &value);
        let families = [
            TestFamily::new(Kind::HISTOGRAM, &name)
                .bounds(&[bound])
                .histogram(&block, &[1, 2], 3.0),
            TestFamily::new(Kind::GAUGE, &name).value(&block, 1.0),
        ];
        for (may, family) in may.into_iter().zip(families) {
            let mut served = Collected::new(10, 10, source());
            let mut tested = Checked::new(&mut served);
            tested.family(&family.head.lend());
            tested.segment(&family.segment.lend());
            let in_a_test = tested.finish().is_ok();
            let mut served = Collected::new(10, 10, source());
            served.family(&family.head.lend());
            served.segment(&family.segment.lend());
            let answers = (served.refused.is_empty(), in_a_test);
            assert_eq!(answers, (may, may), "{} {family:?}", value.len());
        }
    }
}
