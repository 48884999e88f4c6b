//! Pages of OpenMetrics 1.0 byte for byte.

use meterbox_plugin_abi::gather::{FAMILY_SHOW_EMPTY, Filter, Kind};

use crate::fixture::{Fixture, Vectors};
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
        Fixture::queue().page(&PAGE),
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
    let fixture = Fixture::of(vec![
        Vectors {
            unit: "seconds".to_owned(),
            ..Vectors::new("cpu_seconds_total", Kind::COUNTER)
        }
        .value("", 1e6),
        Vectors::new("seldon_cache_evict_count", Kind::COUNTER).value("m=\"a\"", 7.0),
        Vectors::new("_total", Kind::COUNTER).value("", 1.0),
    ]);
    assert_eq!(
        fixture.page(&PAGE),
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
    let fixture = Fixture::of(vec![
        Vectors::new("build_info", Kind::INFO).value("version=\"1\"", 1.0),
        Vectors::new("build", Kind::INFO).value("version=\"1\"", 1.0),
        Vectors {
            unit: "bytes".to_owned(),
            help: "a \\ b\nc \"d\"".to_owned(),
            ..Vectors::new("size", Kind::GAUGE).value("", 1.0)
        },
        Vectors {
            help: String::new(),
            ..Vectors::new("s", Kind::SUMMARY).summary("", 3, 1.5)
        },
    ]);
    assert_eq!(
        fixture.page(&PAGE),
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
    let fixture = Fixture::of(vec![
        Vectors {
            bounds: vec![-1.0, 1e6],
            ..Vectors::new("t", Kind::HISTOGRAM)
        }
        .histogram("", &[1, 1, 1], -3.0),
    ]);
    assert_eq!(
        fixture.page(&PAGE),
        "# TYPE t histogram\n# HELP t About t.\nt_bucket{le=\"-1.0\"} 1\nt_bucket{le=\"1e+06\"} 2\n\
         t_bucket{le=\"+Inf\"} 3\n# EOF\n"
    );
}

#[test]
fn a_filter_reaches_created_samples_and_every_page_ends() {
    let fixture = Fixture::of(vec![
        Vectors {
            flags: FAMILY_SHOW_EMPTY,
            ..Vectors::new("r_total", Kind::COUNTER)
        }
        .value("", 2.0),
    ]);
    let page = |names| {
        fixture.page(&Page {
            filter: Filter { names },
            ..PAGE
        })
    };
    let header = "# TYPE r counter\n# HELP r About r_total.\n";
    assert_eq!(
        page(&["r_created"]),
        format!("{header}r_created 1700000000.5\n# EOF\n")
    );
    assert_eq!(page(&["r_total"]), format!("{header}r_total 2.0\n# EOF\n"));
    assert_eq!(page(&["r"]), "# EOF\n");
}
