//! Pages of text 0.0.4 byte for byte.

use meterbox_plugin_abi::gather::{FAMILY_SHOW_EMPTY, Filter, Kind};
use meterbox_plugin_abi::testing::TestSource;

use crate::Page;
use crate::fixture::{family, queue, text_of};

#[test]
fn the_inherited_page_is_printed_as_the_java_client_prints_it() {
    assert_eq!(
        text_of(&queue(), &Page::default()),
        r#"# HELP ts_queue_latency_milliseconds Cumulative Queue duration in milliseconds
# TYPE ts_queue_latency_milliseconds histogram
ts_queue_latency_milliseconds_bucket{uuid="u1",model_name="noop",model_version="default",le="0.005",} 3.0
ts_queue_latency_milliseconds_bucket{uuid="u1",model_name="noop",model_version="default",le="1.0",} 3.0
ts_queue_latency_milliseconds_bucket{uuid="u1",model_name="noop",model_version="default",le="10.0",} 4.0
ts_queue_latency_milliseconds_bucket{uuid="u1",model_name="noop",model_version="default",le="+Inf",} 6.0
ts_queue_latency_milliseconds_count{uuid="u1",model_name="noop",model_version="default",} 6.0
ts_queue_latency_milliseconds_sum{uuid="u1",model_name="noop",model_version="default",} 117.25
# HELP memory_used System Memory used
# TYPE memory_used gauge
memory_used{uuid="u1",} 9713.5
"#
    );
}

#[test]
fn a_filter_names_samples_and_keeps_help_and_type() {
    let names = ["ts_queue_latency_milliseconds_sum", "memory_used"];
    let page = Page {
        filter: Filter { names: &names },
        ..Page::default()
    };
    assert_eq!(
        text_of(&queue(), &page),
        r#"# HELP ts_queue_latency_milliseconds Cumulative Queue duration in milliseconds
# TYPE ts_queue_latency_milliseconds histogram
ts_queue_latency_milliseconds_sum{uuid="u1",model_name="noop",model_version="default",} 117.25
# HELP memory_used System Memory used
# TYPE memory_used gauge
memory_used{uuid="u1",} 9713.5
"#
    );
}

#[test]
fn the_name_of_a_histogram_alone_gives_nothing() {
    let names = ["ts_queue_latency_milliseconds", "no_such_metric"];
    let page = Page {
        filter: Filter { names: &names },
        ..Page::default()
    };
    assert_eq!(text_of(&queue(), &page), "");
}

#[test]
fn kinds_without_labels_and_their_types() {
    let fixture = TestSource::of(vec![
        family("a_total", Kind::COUNTER).value("", 12345678.0),
        family("b", Kind::UNKNOWN).value("", f64::NAN),
        family("c_info", Kind::INFO).value("version=\"1\"", 1.0),
        family("d", Kind::SUMMARY).summary("", 2, 0.5),
        family("e", Kind::HISTOGRAM)
            .bounds(&[1.0])
            .histogram("", &[1, 0], 0.25),
        family("f", Kind(99)).value("", f64::NEG_INFINITY),
    ]);
    assert_eq!(
        text_of(&fixture, &Page::default()),
        r#"# HELP a_total About a_total.
# TYPE a_total counter
a_total 1.2345678E7
# HELP b About b.
# TYPE b untyped
b NaN
# HELP c_info About c_info.
# TYPE c_info gauge
c_info{version="1",} 1.0
# HELP d About d.
# TYPE d summary
d_count 2.0
d_sum 0.5
# HELP e About e.
# TYPE e histogram
e_bucket{le="1.0",} 1.0
e_bucket{le="+Inf",} 1.0
e_count 1.0
e_sum 0.25
# HELP f About f.
# TYPE f untyped
f -Inf
"#
    );
}

#[test]
fn help_escapes_backslash_and_line_feed_but_no_quote() {
    let fixture = TestSource::of(vec![
        family("x", Kind::GAUGE)
            .help("a \\ b\nc \"d\"")
            .value("l=\"\\\\ \\n \\\"\"", 1.0),
    ]);
    assert_eq!(
        text_of(&fixture, &Page::default()),
        "# HELP x a \\\\ b\\nc \"d\"\n# TYPE x gauge\nx{l=\"\\\\ \\n \\\"\",} 1.0\n"
    );
}

#[test]
fn empty_families_show_only_when_flagged_and_never_under_a_filter() {
    let fixture = TestSource::of(vec![
        family("silent", Kind::GAUGE),
        family("shown", Kind::COUNTER).flags(FAMILY_SHOW_EMPTY),
    ]);
    assert_eq!(
        text_of(&fixture, &Page::default()),
        "# HELP shown About shown.\n# TYPE shown counter\n"
    );
    let filter = Filter {
        names: &["shown", "silent"],
    };
    assert_eq!(
        text_of(
            &fixture,
            &Page {
                filter,
                ..Page::default()
            }
        ),
        ""
    );
}
