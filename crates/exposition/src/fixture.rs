//! Families for this crate's tests.

use meterbox_plugin_abi::gather::{Flow, Kind};
use meterbox_plugin_abi::testing::{TestFamily, TestSource};

/// A family whose series were all created at one moment.
pub(crate) fn family(name: &str, kind: Kind) -> TestFamily {
    TestFamily {
        created: Some(1_700_000_000.5),
        ..TestFamily::new(kind, name)
    }
}

/// The queue histogram and the memory gauge of the inherited page.
pub(crate) fn queue() -> TestSource {
    let labels = "uuid=\"u1\",model_name=\"noop\",model_version=\"default\"";
    TestSource::of(vec![
        family("ts_queue_latency_milliseconds", Kind::HISTOGRAM)
            .help("Cumulative Queue duration in milliseconds")
            .bounds(&[0.005, 1.0, 10.0])
            .histogram(labels, &[3, 0, 1, 2], 117.25),
        family("memory_used", Kind::GAUGE)
            .help("System Memory used")
            .value("uuid=\"u1\"", 9713.5),
    ])
}

/// The page of a source as text.
pub(crate) fn text_of(source: &TestSource, page: &crate::Page<'_>) -> String {
    let mut all = Vec::new();
    let outcome = page
        .write(source, |bytes: &[u8]| {
            all.extend_from_slice(bytes);
            Flow::Continue
        })
        .unwrap();
    assert!(outcome.complete);
    String::from_utf8(all).unwrap()
}
