//! Pages of OpenMetrics 1.0 byte for byte.

use meterbox_plugin_abi::gather::{FAMILY_SHOW_EMPTY, Filter, Kind};
use meterbox_plugin_abi::testing::TestSource;

use crate::fixture::{family, queue, text_of};
use crate::{Format, Page};

const PAGE: Page<'static> = Page {
    filter: Filter::ALL,
    format: Format::OpenMetrics,
    encoding: crate::Encoding::Identity,
    created: true,
};

#[test]
fn a_histogram_has_canonical_bounds_integer_counts_and_created() {
    assert_eq!(
        text_of(&queue(), &PAGE),
        r#"# TYPE ts_queue_latency_milliseconds histogram
# HELP ts_queue_latency_milliseconds Cumulative Queue duration in milliseconds
ts_queue_latency_milliseconds_bucket{uuid="u1",model_name="noop",model_version="default",le="0.005"} 3
ts_queue_latency_milliseconds_bucket{uuid="u1",model_name="noop",model_version="default",le="1.0"} 3
ts_queue_latency_milliseconds_bucket{uuid="u1",model_name="noop",model_version="default",le="10.0"} 4
ts_queue_latency_milliseconds_bucket{uuid="u1",model_name="noop",model_version="default",le="+Inf"} 6
ts_queue_latency_milliseconds_count{uuid="u1",model_name="noop",model_version="default"} 6
ts_queue_latency_milliseconds_sum{uuid="u1",model_name="noop",model_version="default"} 117.25
ts_queue_latency_milliseconds_created{uuid="u1",model_name="noop",model_version="default"} 1700000000.5
# TYPE memory_used gauge
# HELP memory_used System Memory used
memory_used{uuid="u1"} 9713.5
# EOF
"#
    );
}

#[test]
fn counters_lose_total_from_the_family_and_keep_a_name_without_it() {
    let fixture = TestSource::of(vec![
        family("cpu_seconds_total", Kind::COUNTER)
            .unit("seconds")
            .value("", 1e6),
        family("seldon_cache_evict_count", Kind::COUNTER).value("m=\"a\"", 7.0),
        family("_total", Kind::COUNTER).value("", 1.0),
    ]);
    assert_eq!(
        text_of(&fixture, &PAGE),
        r#"# TYPE cpu_seconds counter
# UNIT cpu_seconds seconds
# HELP cpu_seconds About cpu_seconds_total.
cpu_seconds_total 1e+06
cpu_seconds_created 1700000000.5
# TYPE seldon_cache_evict_count unknown
# HELP seldon_cache_evict_count About seldon_cache_evict_count.
seldon_cache_evict_count{m="a"} 7.0
# TYPE _total unknown
# HELP _total About _total.
_total 1.0
# EOF
"#
    );
}

#[test]
fn info_unit_and_help_follow_the_specification() {
    let fixture = TestSource::of(vec![
        family("build_info", Kind::INFO).value("version=\"1\"", 1.0),
        family("build", Kind::INFO).value("version=\"1\"", 1.0),
        family("size", Kind::GAUGE)
            .unit("bytes")
            .help("a \\ b\nc \"d\"")
            .value("", 1.0),
        family("s", Kind::SUMMARY).help("").summary("", 3, 1.5),
    ]);
    assert_eq!(
        text_of(&fixture, &PAGE),
        r#"# TYPE build info
# HELP build About build_info.
build_info{version="1"} 1.0
# TYPE build gauge
# HELP build About build.
build{version="1"} 1.0
# TYPE size gauge
# HELP size a \\ b\nc \"d\"
size 1.0
# TYPE s summary
s_count 3
s_sum 1.5
s_created 1700000000.5
# EOF
"#
    );
}

#[test]
fn negative_bounds_have_neither_sum_nor_count() {
    let fixture = TestSource::of(vec![
        family("t", Kind::HISTOGRAM)
            .bounds(&[-1.0, 1e6])
            .histogram("", &[1, 1, 1], -3.0),
    ]);
    assert_eq!(
        text_of(&fixture, &PAGE),
        "# TYPE t histogram\n# HELP t About t.\nt_bucket{le=\"-1.0\"} 1\nt_bucket{le=\"1e+06\"} 2\n\
         t_bucket{le=\"+Inf\"} 3\n# EOF\n"
    );
}

#[test]
fn a_filter_reaches_created_samples_and_every_page_ends() {
    let fixture = TestSource::of(vec![
        family("r_total", Kind::COUNTER)
            .flags(FAMILY_SHOW_EMPTY)
            .value("", 2.0),
    ]);
    let page = |names| {
        text_of(
            &fixture,
            &Page {
                filter: Filter { names },
                ..PAGE
            },
        )
    };
    let header = "# TYPE r counter\n# HELP r About r_total.\n";
    assert_eq!(
        page(&["r_created"]),
        format!("{header}r_created 1700000000.5\n# EOF\n")
    );
    assert_eq!(page(&["r_total"]), format!("{header}r_total 2.0\n# EOF\n"));
    assert_eq!(page(&["r"]), "# EOF\n");
}

#[test]
fn exemplars_stand_after_counters_and_in_the_bucket_that_they_are_in() {
    let trace = &[("trace_id", "a\"b")][..];
    let source = TestSource::of(vec![
        family("r_total", Kind::COUNTER)
            .value("m=\"a\"", 2.0)
            .value("m=\"b\"", 3.0)
            .exemplar(trace, 1.0, 1_700_000_000.25)
            .value("m=\"c\"", 4.0),
        family("t", Kind::HISTOGRAM)
            .bounds(&[0.5, 1.0])
            .histogram("", &[1, 2, 3], 9.0)
            .exemplar(&[], 1.0, 0.0),
        family("g", Kind::GAUGE)
            .value("", 1.0)
            .exemplar(trace, 1.0, 1.0),
    ]);
    let page = Page {
        created: false,
        ..PAGE
    };
    assert_eq!(
        text_of(&source, &page),
        r#"# TYPE r counter
# HELP r About r_total.
r_total{m="a"} 2.0
r_total{m="b"} 3.0 # {trace_id="a\"b"} 1.0 1700000000.25
r_total{m="c"} 4.0
# TYPE t histogram
# HELP t About t.
t_bucket{le="0.5"} 1
t_bucket{le="1.0"} 3 # {} 1.0
t_bucket{le="+Inf"} 6
t_count 6
t_sum 9.0
# TYPE g gauge
# HELP g About g.
g 1.0
# EOF
"#
    );
    let text = text_of(&source, &Page::default());
    assert!(!text.contains('#') || !text.contains(" # {"), "{text}");
}
