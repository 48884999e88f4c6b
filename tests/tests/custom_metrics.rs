//! Metrics that model code emits: declared ones, undeclared ones, and what becomes of the rest.
//!
//! The numbers and the form are those of TorchServe 0.12 for the same calls of `context.metrics`.

use meterbox_tests::{Folder, Host, eventually, http};

/// The declarations of the model `mx` in TorchServe's metrics file.
const DECLARED: &str = "\
dimensions:
  - &tag \"tag\"
model_metrics:
  counter:
    - {name: DeclCounter, unit: count, dimensions: [variant, colour]}
    - {name: ManyCounter, unit: count, dimensions: [label]}
  gauge:
    - {name: DeclGauge, unit: count, dimensions: [*tag]}
  histogram:
    - {name: DeclHistogram, unit: s, dimensions: [*tag]}
";

/// A host whose model has emitted everything twice; the text of its page.
fn emitted(lines: &[&str]) -> (Host, String) {
    let folder = Folder::new("metrics-config");
    let file = folder.write("metrics.yaml", DECLARED);
    let builder = lines
        .iter()
        .fold(Host::builder(), |builder, line| builder.line(*line));
    let host = builder
        .plugin("prometheus")
        .line(format!("metrics_config={}", file.display()))
        .start();
    host.serve_model("mx.mar", 1);
    for _ in 0..2 {
        let form = [("Content-Type", "application/x-www-form-urlencoded")];
        let answer = http::request(
            host.inference(),
            "POST",
            "/predictions/mx",
            &form,
            b"mode=all",
        );
        assert_eq!(
            answer.map(|answer| answer.text()).as_deref(),
            Ok("emitted all")
        );
    }
    let page = eventually("all lines have come", || {
        let page = http::get(host.metrics(), "/metrics").text();
        let whole = page
            .lines()
            .any(|line| line.starts_with("DeclHistogram_count{") && line.ends_with(" 8.0"));
        if whole { Ok(page) } else { Err(page) }
    });
    (host, page)
}

/// The lines of one family, the host's name masked.
fn family(page: &str, name: &str) -> Vec<String> {
    let belongs = |line: &&str| {
        let line = line
            .trim_start_matches("# HELP ")
            .trim_start_matches("# TYPE ");
        let of = line.split(['{', ' ']).next().unwrap_or_default();
        let suffix = of.strip_prefix(name);
        suffix.is_some_and(|suffix| ["", "_bucket", "_count", "_sum"].contains(&suffix))
    };
    let masked = |line: &str| match line.split_once("Hostname=\"") {
        Some((before, after)) => {
            let rest = after.split_once('"').map_or("", |(_, rest)| rest);
            format!("{before}Hostname=\"*\"{rest}")
        }
        None => line.to_owned(),
    };
    page.lines().filter(belongs).map(masked).collect()
}

#[test]
fn declared_metrics_are_counted_set_and_observed_as_in_torchserve() {
    let (host, page) = emitted(&[]);
    let help = |name: &str, kind: &str, unit: &str| {
        [
            format!("# HELP {name} Torchserve prometheus {kind} metric with unit: {unit}"),
            format!("# TYPE {name} {kind}"),
        ]
    };
    let counter = family(&page, "DeclCounter");
    assert_eq!(counter[..2], help("DeclCounter", "counter", "count"));
    assert_eq!(
        counter[2..],
        ["DeclCounter{variant=\"noop-v\",colour=\"red\",Hostname=\"*\",} 6.0"]
    );
    let gauge = family(&page, "DeclGauge");
    assert_eq!(gauge[2..], ["DeclGauge{tag=\"a b\",Hostname=\"*\",} -1.5"]);
    let unused = family(&page, "ManyCounter");
    assert_eq!(
        unused,
        help("ManyCounter", "counter", "count"),
        "declared, never emitted"
    );
    let histogram = family(&page, "DeclHistogram");
    assert_eq!(histogram[..2], help("DeclHistogram", "histogram", "s"));
    let bounds = [
        ("0.005", "2.0"),
        ("0.01", "2.0"),
        ("0.025", "2.0"),
        ("0.05", "2.0"),
        ("0.075", "2.0"),
        ("0.1", "2.0"),
        ("0.25", "4.0"),
        ("0.5", "4.0"),
        ("0.75", "4.0"),
        ("1.0", "4.0"),
        ("2.5", "4.0"),
        ("5.0", "4.0"),
        ("7.5", "6.0"),
        ("10.0", "6.0"),
        ("+Inf", "8.0"),
    ];
    let bucket = |(bound, count): &(&str, &str)| {
        format!("DeclHistogram_bucket{{tag=\"x\",Hostname=\"*\",le=\"{bound}\",}} {count}")
    };
    let mut expected: Vec<String> = bounds.iter().map(bucket).collect();
    expected.push("DeclHistogram_count{tag=\"x\",Hostname=\"*\",} 8.0".to_owned());
    expected.push("DeclHistogram_sum{tag=\"x\",Hostname=\"*\",} 2014.406".to_owned());
    assert_eq!(histogram[2..], expected);
    let filtered = http::get(host.metrics(), "/metrics?name[]=DeclHistogram_sum").text();
    let filtered = family(&filtered, "DeclHistogram");
    assert_eq!(filtered[..2], help("DeclHistogram", "histogram", "s"));
    assert_eq!(filtered[2..], expected[16..]);
}

#[test]
fn undeclared_metrics_are_dropped_and_counted() {
    let (host, page) = emitted(&[]);
    assert!(!page.contains("AutoCounter"), "not declared: {page}");
    let dropped = host.scrape("/metrics").value(
        "meterbox_dropped_samples_total",
        &[("reason", "undeclared")],
    );
    assert!(
        dropped.is_some_and(|dropped| dropped >= 20.0),
        "nothing vanishes: {dropped:?}"
    );
}

#[test]
fn with_auto_detection_undeclared_metrics_appear_with_their_model() {
    let (_host, page) = emitted(&["model_metrics_auto_detect=true"]);
    for (series, help) in [
        (
            "AutoCounter{ModelName=\"mx\",Level=\"Model\",Hostname=\"*\",} 2.0",
            "counter metric with unit: Count",
        ),
        (
            "AutoCounterDims{colour=\"red\",ModelName=\"mx\",Level=\"Model\",Hostname=\"*\",} 4.0",
            "counter metric with unit: Count",
        ),
        (
            "AutoTimeMs{ModelName=\"mx\",Level=\"Model\",Hostname=\"*\",} 12.5",
            "gauge metric with unit: Milliseconds",
        ),
        (
            "AutoTimeS{ModelName=\"mx\",Level=\"Model\",Hostname=\"*\",} 1.5",
            "gauge metric with unit: Seconds",
        ),
        (
            "AutoSizeMB{ModelName=\"mx\",Level=\"Model\",Hostname=\"*\",} 3.25",
            "gauge metric with unit: Megabytes",
        ),
        (
            "AutoSizekB{ModelName=\"mx\",Level=\"Model\",Hostname=\"*\",} 7.0",
            "gauge metric with unit: Kilobytes",
        ),
        (
            "AutoSizeB{ModelName=\"mx\",Level=\"Model\",Hostname=\"*\",} 9.0",
            "gauge metric with unit: Bytes",
        ),
        (
            "AutoPercent{ModelName=\"mx\",Level=\"Model\",Hostname=\"*\",} 42.5",
            "gauge metric with unit: Percent",
        ),
        (
            "AutoGeneric{ModelName=\"mx\",Level=\"Model\",Hostname=\"*\",} 5.0",
            "gauge metric with unit: widgets",
        ),
    ] {
        let name = series.split('{').next().expect("a name");
        let lines = family(&page, name);
        assert_eq!(lines.last().map(String::as_str), Some(series));
        assert_eq!(
            lines[0],
            format!("# HELP {name} Torchserve prometheus {help}")
        );
    }
    let histogram = family(&page, "AutoHistogram");
    let labels = "ModelName=\"mx\",Level=\"Model\",Hostname=\"*\"";
    assert_eq!(
        histogram[5],
        format!("AutoHistogram_bucket{{{labels},le=\"0.05\",}} 2.0")
    );
    assert_eq!(
        histogram[17..],
        [
            format!("AutoHistogram_count{{{labels},}} 2.0"),
            format!("AutoHistogram_sum{{{labels},}} 0.06"),
        ]
    );
}

/// TorchServe fails the whole request here; that is its defect, and Meterbox does not share it.
#[test]
fn an_error_metric_with_a_text_value_counts_one_and_leaves_the_prediction_alone() {
    let (host, _page) = emitted(&["model_metrics_auto_detect=true"]);
    let form = [("Content-Type", "application/x-www-form-urlencoded")];
    let answer = http::request(
        host.inference(),
        "POST",
        "/predictions/mx",
        &form,
        b"mode=errstr",
    );
    let answer = answer.expect("an answer");
    assert_eq!(
        (answer.status, answer.text()),
        (200, "emitted errstr".to_owned())
    );
    eventually("the error is counted", || {
        let value = host
            .scrape("/metrics")
            .value("AutoError", &[("Level", "Error")]);
        if value == Some(1.0) {
            Ok(())
        } else {
            Err(format!("{value:?}"))
        }
    });
}

#[test]
fn counters_of_model_code_survive_the_death_of_their_worker() {
    let (host, _page) = emitted(&[]);
    for count in [0, 1] {
        let path = format!("/models/mx?min_worker={count}&max_worker={count}&synchronous=true");
        assert_eq!(http::put(host.management(), &path).status, 200);
    }
    let form = [("Content-Type", "application/x-www-form-urlencoded")];
    let answer = http::request(
        host.inference(),
        "POST",
        "/predictions/mx",
        &form,
        b"mode=all",
    );
    assert_eq!(answer.map(|answer| answer.status), Ok(200));
    eventually("the counter went on from where it was", || {
        let value = host
            .scrape("/metrics")
            .value("DeclCounter", &[("colour", "red")]);
        if value == Some(9.0) {
            Ok(())
        } else {
            Err(format!("{value:?}"))
        }
    });
}
