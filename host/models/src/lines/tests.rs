//! Lines of model code against declarations and limits: what moves, what is counted as lost.

use super::*;
use crate::testing::line_options;
use meterbox_logs::metric_log::LogTarget;
use meterbox_telemetry::testing::Bench;
use std::path::Path;
use tempfile::tempdir;

const DECLARED: &str = "
model_metrics:
  counter:
    - {name: DeclCounter, unit: count, dimensions: [variant, colour]}
    - {name: ManyCounter, unit: count, dimensions: [label]}
  gauge:
    - {name: HandlerTime, unit: ms, dimensions: [ModelName, Level]}
    - {name: DeclGauge, unit: count, dimensions: [tag]}
  histogram:
    - {name: DeclHistogram, unit: s, dimensions: [tag]}
";
const SOURCE: &str = "model:mx";

fn declared() -> Declarations {
    Declarations::parse(DECLARED, Path::new("m.yaml")).unwrap()
}

struct Model {
    bench: Bench,
    all: Lines,
    lines: ModelLines,
}

impl Model {
    fn new(auto_detect: bool) -> Self {
        Self::with(declared(), |options| options.auto_detect = auto_detect)
    }

    fn with(declarations: Declarations, change: impl FnOnce(&mut LineOptions)) -> Self {
        let bench = Bench::with(|options| options.declarations = declarations.clone());
        let mut options = LineOptions {
            declarations,
            ..line_options(&bench)
        };
        change(&mut options);
        Self::over(bench, options)
    }

    fn over(bench: Bench, options: LineOptions) -> Self {
        let all = Lines::new(options);
        let lines = all.model("mx", &bench.telemetry.serving().version("mx", "1.0"));
        Self { bench, all, lines }
    }

    fn emit(&self, metric: &str, value: &str, dimensions: &str, kind: &str) {
        let line =
            format!("[METRICS]{metric}:{value}|#{dimensions}|#type:{kind}|#hostname:vm,1,id");
        assert!(self.lines.take(&line));
    }

    fn lost(&self, reason: &'static str) -> u64 {
        self.bench.drops.get(SOURCE, reason)
    }
}

#[test]
fn declared_metrics_move_as_in_the_capture_of_torchserve() {
    let model = Model::new(false);
    for _ in 0..2 {
        model.emit(
            "DeclCounter.count",
            "3",
            "variant:noop-v,colour:red",
            "COUNTER",
        );
        model.emit("DeclGauge.count", "-1.5", "tag:a b", "GAUGE");
        for value in ["0.003", "0.2", "7.0", "1000.0"] {
            model.emit("DeclHistogram.s", value, "tag:x", "HISTOGRAM");
        }
        model.emit(
            "AutoCounter.Count",
            "1",
            "ModelName:mx,Level:Model",
            "COUNTER",
        );
    }
    let bench = &model.bench;
    let counter = "variant=\"noop-v\",colour=\"red\",Hostname=\"vm\"";
    assert_eq!(bench.value("DeclCounter", counter), Some(6.0));
    assert_eq!(
        bench.value("DeclGauge", "tag=\"a b\",Hostname=\"vm\""),
        Some(-1.5)
    );
    let histogram = "tag=\"x\",Hostname=\"vm\"";
    assert_eq!(bench.count("DeclHistogram", histogram), Some(8));
    assert_eq!(bench.sum("DeclHistogram", histogram), Some(2014.406));
    assert!(
        bench.names().contains(&"ManyCounter".to_owned()),
        "named before it is written"
    );
    assert!(!bench.names().contains(&"AutoCounter".to_owned()));
    assert_eq!(
        model.lost("undeclared"),
        2,
        "TorchServe drops these silently"
    );
}

#[test]
fn with_auto_detect_a_line_declares_its_own_metric() {
    let model = Model::new(true);
    model.emit(
        "AutoTimeMs.Milliseconds",
        "12.5",
        "ModelName:mx,Level:Model",
        "GAUGE",
    );
    model.emit(
        "AutoCounterDims.Count",
        "2",
        "colour:red,ModelName:mx,Level:Model",
        "COUNTER",
    );
    model.emit(
        "AutoCounterDims.Count",
        "2",
        "colour:red,ModelName:mx,Level:Model",
        "COUNTER",
    );
    model.emit(
        "AutoHistogram.Milliseconds",
        "0.03",
        "ModelName:mx,Level:Model",
        "HISTOGRAM",
    );
    let bench = &model.bench;
    let labels = "ModelName=\"mx\",Level=\"Model\",Hostname=\"vm\"";
    assert_eq!(bench.value("AutoTimeMs", labels), Some(12.5));
    assert_eq!(
        bench.value("AutoCounterDims", &format!("colour=\"red\",{labels}")),
        Some(4.0)
    );
    assert_eq!(bench.count("AutoHistogram", labels), Some(1));
    let gathered = bench.registry().gather();
    let family = gathered
        .families()
        .find(|family| family.name() == "AutoTimeMs")
        .unwrap();
    assert_eq!(
        family.help(),
        "Torchserve prometheus gauge metric with unit: Milliseconds"
    );
}

#[test]
fn a_declared_metric_keeps_its_declared_kind_whatever_the_line_says() {
    let model = Model::new(true);
    model.emit("DeclGauge.count", "4", "tag:a", "COUNTER");
    model.emit("DeclGauge.count", "5", "tag:a", "COUNTER");
    assert_eq!(
        model.bench.value("DeclGauge", "tag=\"a\",Hostname=\"vm\""),
        Some(5.0)
    );
}

#[test]
fn values_count_by_position_and_must_be_as_many_as_the_dimensions() {
    let model = Model::new(false);
    model.emit("DeclCounter.count", "1", "colour:red,variant:v", "COUNTER");
    let labels = "variant=\"red\",colour=\"v\",Hostname=\"vm\"";
    assert_eq!(
        model.bench.value("DeclCounter", labels),
        Some(1.0),
        "as TorchServe does"
    );
    for dimensions in [
        "variant:v",
        "variant:v,w,colour:red",
        "variant:v,a:b:c",
        "x:1,y:2,z:3",
    ] {
        model.emit("DeclCounter.count", "1", dimensions, "COUNTER");
    }
    // A comma in a value leaves two whole dimensions: TorchServe takes that line too.
    assert_eq!(model.lost("label_count"), 3);
}

#[test]
fn negative_counters_and_bad_lines_are_counted_by_reason() {
    let model = Model::new(true);
    let other = model.bench.source("plugin.x");
    other.counter("taken", "Somebody else's.", &[]).unwrap();
    model.emit("DeclCounter.count", "-1", "variant:v,colour:c", "COUNTER");
    assert_eq!(model.lost("bad_value"), 1);
    for (line, reason) in [
        ("[METRICS]Failed to update metric with name x", "line_name"),
        ("[METRICS]a-b.c:1|#|#hostname:h,1", "line_name"),
        ("[METRICS]a.b:inf|#|#hostname:h,1", "line_value"),
        ("INFO > [METRICS]a.b:1e+21|#|#hostname:h,1", "line_value"),
        ("[METRICS]a.b:1|#m:x|y|#hostname:h,1", "line_hostname"),
        ("[METRICS]a.b:1|#|#hostname:h,1", "no_type"),
        ("[METRICS]a.b:1|#|#type:SUMMARY|#hostname:h,1", "bad_type"),
        ("[METRICS]a b.c:1|#|#type:GAUGE|#hostname:h,1", "bad_name"),
        (
            "[METRICS]meterbox_x.c:1|#|#type:GAUGE|#hostname:h,1",
            "reserved_name",
        ),
        (
            "[METRICS]a.c:1|#Hostname:x|#type:GAUGE|#hostname:h,1",
            "bad_name",
        ),
        (
            "[METRICS]ts_queue_latency_milliseconds.c:1|#|#type:GAUGE|#hostname:h,1",
            "reserved_name",
        ),
        ("[METRICS]taken.c:1|#|#type:GAUGE|#hostname:h,1", "conflict"),
    ] {
        let labels = format!("source=\"{SOURCE}\",reason=\"{reason}\"");
        let total = || {
            model.bench.telemetry.refresh();
            let dropped = "meterbox_dropped_samples_total";
            model.bench.value(dropped, &labels).unwrap_or_default()
        };
        let before = total();
        for times in [1.0, 2.0] {
            assert!(model.lines.take(line), "{line}");
            assert_eq!(total() - before, times, "{line}: {reason}");
        }
    }
    assert!(!model.lines.take("just a line of the model's log"));
}

#[test]
fn a_declaration_may_use_a_reserved_name() {
    let text = "model_metrics: {gauge: [{name: meterbox_mine, unit: ms}]}";
    let declarations = Declarations::parse(text, Path::new("m.yaml")).unwrap();
    let model = Model::with(declarations, |_| {});
    assert!(
        model
            .lines
            .take("[METRICS]meterbox_mine.ms:3|#|#hostname:vm,1")
    );
    assert_eq!(
        model.bench.value("meterbox_mine", "Hostname=\"vm\""),
        Some(3.0)
    );
}

#[test]
fn a_detected_metric_keeps_the_kind_it_came_with() {
    let model = Model::new(true);
    model.emit("Auto.Count", "1", "Level:Model", "COUNTER");
    model.emit("Auto.Count", "9", "Level:Model", "GAUGE");
    assert!(
        model
            .lines
            .take("[METRICS]Auto.Count:1|#Level:Model|#hostname:vm,1"),
        "no type"
    );
    let labels = "Level=\"Model\",Hostname=\"vm\"";
    assert_eq!(model.bench.value("Auto", labels), Some(2.0));
    assert_eq!(model.lost("conflict"), 1);
}

#[test]
fn handler_times_feed_the_histograms_even_where_the_gauge_is_not_shown() {
    let bench = Bench::with(|options| {
        options.name_sets = ["meterbox", "torchserve-plugin"].map(str::to_owned).into();
        options.declarations = declared();
    });
    let options = LineOptions {
        declarations: declared(),
        torchserve: false,
        ..line_options(&bench)
    };
    let model = Model::over(bench, options);
    model.emit(
        "HandlerTime.ms",
        "12.5",
        "ModelName:mx,Level:Model",
        "GAUGE",
    );
    model.emit(
        "HandlerTime.Seconds",
        "0.5",
        "ModelName:mx,Level:Model",
        "GAUGE",
    );
    model.emit("HandlerTime.ms", "-1", "ModelName:mx,Level:Model", "GAUGE");
    model.emit(
        "HandlerTime.Minutes",
        "1",
        "ModelName:mx,Level:Model",
        "GAUGE",
    );
    let bench = &model.bench;
    let labels = "uuid=\"u-1\",model_name=\"mx\",model_version=\"default\"";
    assert_eq!(
        bench.sum("ts_handler_latency_milliseconds", labels),
        Some(512.5)
    );
    let own = "model_name=\"mx\",model_version=\"1.0\"";
    assert_eq!(
        bench.sum("meterbox_handler_duration_seconds", own),
        Some(0.5125)
    );
    assert!(
        !bench.names().contains(&"HandlerTime".to_owned()),
        "its set is not chosen"
    );
    assert!(
        bench.names().contains(&"DeclGauge".to_owned()),
        "a user's own is always shown"
    );
    assert_eq!((model.lost("bad_value"), model.lost("bad_unit")), (1, 1));
}

#[test]
fn a_models_series_are_limited_and_others_are_not_touched() {
    let model = Model::with(declared(), |options| options.series_max = 3);
    for label in 0..10 {
        model.emit(
            "ManyCounter.count",
            "1",
            &format!("label:{label}"),
            "COUNTER",
        );
    }
    let bench = &model.bench;
    assert_eq!(
        bench.value("ManyCounter", "label=\"2\",Hostname=\"vm\""),
        Some(1.0)
    );
    assert_eq!(
        bench.value("ManyCounter", "label=\"3\",Hostname=\"vm\""),
        None
    );
    bench.telemetry.refresh();
    let dropped = "source=\"model:mx\",reason=\"source_limit\"";
    assert_eq!(
        bench.value("meterbox_dropped_samples_total", dropped),
        Some(7.0)
    );
    let version = bench.telemetry.serving().version("other", "1.0");
    let other = model.all.model("other", &version);
    assert!(other.take("[METRICS]ManyCounter.count:1|#label:3|#hostname:vm,1"));
    assert_eq!(
        bench.value("ManyCounter", "label=\"3\",Hostname=\"vm\""),
        Some(1.0)
    );
}

#[test]
fn a_model_cannot_bring_up_names_without_end() {
    let model = Model::new(true);
    for name in 0..1_100 {
        model.emit(&format!("Auto{name}.Count"), "1", "Level:Model", "COUNTER");
    }
    assert_eq!(model.lost("family_limit"), 100);
}

#[test]
fn values_are_logged_with_the_declared_unit_and_the_ids_of_their_requests() {
    let folder = tempdir().unwrap();
    let target = LogTarget {
        folder: folder.path().into(),
        console: None,
    };
    let log = MetricLog::start(target, Arc::new(|| 1.0), Arc::new(Drops::default())).unwrap();
    let model = Model::with(Declarations::default(), |options| {
        options.mode = MetricsMode::Log;
        options.log = Some(log.clone());
    });
    model.emit(
        "PredictionTime.Milliseconds",
        "0.01",
        "ModelName:mx,Level:Model",
        "GAUGE",
    );
    model.emit("Undeclared.Count", "1", "Level:Model", "COUNTER");
    assert!(log.flush(Duration::from_secs(10)));
    let text = std::fs::read_to_string(folder.path().join("model_metrics.log")).unwrap();
    assert_eq!(
        text,
        "1970-01-01T00:00:01,000 - PredictionTime.ms:0.01|#ModelName:mx,Level:Model|#hostname:vm,requestID:id,timestamp:1\n"
    );
}
