//! All metrics together: sets, declarations, modes.

use super::*;
use crate::names::Set;
use crate::serving::{Answer, UrlVersion};
use crate::testing::Bench;
use meterbox_logs::metric_log::{LogTarget, MetricLog};
use std::path::Path;
use std::time::Duration;
use tempfile::tempdir;

fn only(sets: &[&str]) -> Bench {
    let sets: Vec<String> = sets.iter().map(|set| (*set).to_owned()).collect();
    Bench::with(|options| options.name_sets = sets)
}

/// The names of the rows that the server or model code emits in these sets.
fn rows_of(sets: &[Set]) -> Vec<String> {
    let rows = names::all().filter(|row| row.emitter != names::Emitter::System);
    let mut rows: Vec<String> = rows
        .filter(|row| sets.contains(&row.set))
        .map(|row| row.name.to_owned())
        .collect();
    rows.sort();
    rows.dedup();
    rows
}

/// Registered elsewhere in the host, from the same table.
const COLLECTORS: [&str; 2] = [
    "meterbox_collector_duration_seconds",
    "meterbox_collector_success",
];

#[track_caller]
fn check(sets: &[&str], rows: &[Set]) {
    let mut shown = only(sets).names();
    shown.sort();
    let expect = rows_of(rows);
    let expect: Vec<_> = expect
        .into_iter()
        .filter(|name| !COLLECTORS.contains(&name.as_str()))
        .collect();
    assert_eq!(shown, expect, "{sets:?}");
}

#[test]
fn exactly_the_rows_of_the_chosen_sets_are_registered() {
    check(&["meterbox"], &[Set::Meterbox]);
    check(&["torchserve"], &[Set::TorchServe]);
    check(&["torchserve-plugin"], &[Set::TorchServePlugin]);
    check(&[], &[]);
    let all = [Set::Meterbox, Set::TorchServe, Set::TorchServePlugin];
    check(&["torchserve-plugin", "meterbox", "torchserve"], &all);
}

#[test]
fn what_metrics_yaml_leaves_out_does_not_exist_and_what_it_changes_is_changed() {
    let text = "
ts_metrics:
  counter:
    - {name: Requests2XX, unit: Anzahl, dimensions: [level, host]}
    - {name: Requests4XX, unit: Count, dimensions: [Level]}
  histogram:
    - {name: ts_inference_latency_microseconds, unit: us, dimensions: [model, version, host]}
";
    let declarations = Declarations::parse(text, Path::new("m.yaml")).unwrap();
    let bench = Bench::with(|options| {
        options.declarations = declarations;
        options.name_sets = vec!["torchserve".to_owned()];
    });
    let route = bench.telemetry.http().listener("metrics").route("/metrics");
    route.answered(200, Duration::ZERO);
    route.answered(404, Duration::ZERO);
    assert_eq!(
        bench.value("Requests2XX", "level=\"Host\",host=\"vm\""),
        Some(1.0)
    );
    let answer = Answer {
        code: 200,
        batch_succeeded: true,
        queued: Duration::ZERO,
        worker: Duration::ZERO,
        total: Duration::from_micros(5),
    };
    let version = bench.telemetry.serving().version("noop", "1.0");
    version.accepted(UrlVersion::Unnamed).answered(&answer);
    let labels = "model=\"noop\",version=\"default\",host=\"vm\"";
    assert_eq!(
        bench.sum("ts_inference_latency_microseconds", labels),
        Some(5.0)
    );
    assert_eq!(
        bench.names(),
        ["Requests2XX", "ts_inference_latency_microseconds"],
        "Requests4XX has too few dimensions"
    );
}

#[test]
fn a_declared_name_that_is_taken_is_refused_with_its_owner() {
    let registry = Registry::new(meterbox_metrics::Options::new(|| 0.0));
    let other = registry.source("plugin:x", &SourceOptions::own()).unwrap();
    other.gauge("meterbox_ready", "", &["a"]).unwrap();
    let bench = Bench::new();
    drop(bench);
    let options = Options {
        hostname: "vm".to_owned(),
        uuid: "u".to_owned(),
        build: Build {
            version: "1",
            revision: "",
            rustc: "",
        },
        name_sets: vec!["meterbox".to_owned()],
        detail: MetricsDetail::Full,
        mode: MetricsMode::Prometheus,
        log: None,
        declarations: Declarations::default(),
        drops: Drops::default(),
    };
    let error = Telemetry::new(&registry, options)
        .err()
        .unwrap()
        .to_string();
    assert!(
        error.contains("plugin:x") && error.contains("meterbox_ready"),
        "{error}"
    );
}

#[test]
fn log_mode_writes_what_torchserve_writes_in_its_order() {
    let folder = tempdir().unwrap();
    let target = LogTarget {
        folder: folder.path().into(),
        console: None,
    };
    let clock = Arc::new(|| 1_795_225_510.292);
    let log = MetricLog::start(target, clock, Arc::new(Drops::default())).unwrap();
    let bench = Bench::with(|options| {
        options.mode = MetricsMode::Log;
        options.log = Some(log.clone());
    });
    let version = bench.telemetry.serving().version("noop", "1.0");
    let worker = version.pool().worker("9000");
    worker.loaded(Duration::from_millis(1545), Duration::from_millis(5));
    let prediction = version.accepted(UrlVersion::Unnamed);
    prediction.answered(&Answer {
        code: 200,
        batch_succeeded: true,
        queued: Duration::from_nanos(264_164),
        worker: Duration::from_millis(17),
        total: Duration::from_nanos(17_425_435),
    });
    worker.batch_done(Duration::from_millis(14));
    let listener = bench.telemetry.http().listener("inference");
    listener
        .route("/predictions/{model}")
        .answered(200, Duration::ZERO);
    assert!(log.flush(Duration::from_secs(10)));
    let text = std::fs::read_to_string(folder.path().join("ts_metrics.log")).unwrap();
    // The lines of a captured log, but for the time of each.
    let expect = "\
WorkerLoadTime.Milliseconds:1545.0|#WorkerName:W-9000-noop_1.0,Level:Host|#hostname:vm,timestamp:1795225510
WorkerThreadTime.Milliseconds:5.0|#Level:Host|#hostname:vm,timestamp:1795225510
ts_inference_requests_total.Count:1.0|#model_name:noop,model_version:default|#hostname:vm,timestamp:1795225510
ts_inference_latency_microseconds.Microseconds:17425.435|#model_name:noop,model_version:default|#hostname:vm,timestamp:1795225510
ts_queue_latency_microseconds.Microseconds:264.164|#model_name:noop,model_version:default|#hostname:vm,timestamp:1795225510
QueueTime.Milliseconds:0.0|#Level:Host|#hostname:vm,timestamp:1795225510
WorkerThreadTime.Milliseconds:14.0|#Level:Host|#hostname:vm,timestamp:1795225510
Requests2XX.Count:1.0|#Level:Host|#hostname:vm,timestamp:1795225510
";
    let expect: String = expect
        .lines()
        .map(|line| format!("2026-11-21T01:45:10,292 - {line}\n"))
        .collect();
    assert_eq!(text, expect);
    assert_eq!(bench.telemetry.page(), Page::Nothing);
    assert_eq!(
        bench.value("Requests2XX", "Level=\"Host\",Hostname=\"vm\""),
        Some(1.0),
        "counted all the same"
    );
}

#[test]
fn legacy_mode_logs_all_but_the_three_counters() {
    let folder = tempdir().unwrap();
    let target = LogTarget {
        folder: folder.path().into(),
        console: None,
    };
    let log = MetricLog::start(target, Arc::new(|| 1.0), Arc::new(Drops::default())).unwrap();
    let bench = Bench::with(|options| {
        options.mode = MetricsMode::Legacy;
        options.log = Some(log.clone());
    });
    drop(
        bench
            .telemetry
            .serving()
            .version("noop", "1.0")
            .accepted(UrlVersion::Unnamed),
    );
    bench
        .telemetry
        .http()
        .listener("inference")
        .request_refused("bad_head", 400);
    assert!(log.flush(Duration::from_secs(10)));
    let text = std::fs::read_to_string(folder.path().join("ts_metrics.log")).unwrap();
    assert!(
        text.contains("Requests4XX.Count:1.0") && text.lines().count() == 1,
        "{text}"
    );
}
