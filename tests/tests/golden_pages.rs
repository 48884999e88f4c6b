//! Whole pages as files: what changes on a page shows up as a diff in a review.
//!
//! What depends on the run is masked: measured values, the random UUID, host and version names. With
//! `BLESS=1` the files are written anew.

use meterbox_tests::{Host, built, eventually, http};

/// A host with these sets, one worker, three predictions, and a page with samples of all the families
/// that come later than the others. Without the system plugin, whose families depend on the machine.
fn host(names: &str, late: &[&str]) -> Host {
    let host = Host::builder()
        .plugin("prometheus")
        .line(format!("metrics_names={names}"))
        .start();
    host.serve_model("noop.mar", 1);
    for _ in 0..3 {
        assert_eq!(http::get(host.inference(), "/predictions/noop").status, 200);
    }
    eventually("the worker's readings have come", || {
        let page = http::get(host.metrics(), "/metrics").text();
        let is_there = |name: &&str| page.lines().any(|line| line.starts_with(*name));
        if late.iter().all(is_there) {
            Ok(())
        } else {
            Err(page)
        }
    });
    host
}

/// What a worker's readings and the metric lines of its model bring.
const OURS_LATE: &[&str] = &[
    "meterbox_worker_resident_memory_bytes{",
    "meterbox_dropped_samples_total{",
    "meterbox_handler_duration_seconds_count{",
];

/// Parts of names whose values are measured and so differ from run to run.
const MEASURED: &[&str] = &[
    "latency",
    "Latency",
    "Time",
    "seconds",
    "bytes",
    "series",
    "connections",
    "http_",
    "handled",
    "gathers",
    "collector",
    "threads",
    "QueueTime",
    "memory",
    "Memory",
    "samples",
    "plugin_calls",
    "scrapes",
    "Requests2XX",
    "segments",
];

/// Labels whose values are the run's own.
const OWN: &[&str] = &[
    "uuid",
    "Hostname",
    "hostname",
    "version",
    "revision",
    "rustc",
    "pid",
    "WorkerName",
    "worker",
    "target",
    "timestamp",
];

fn masked_line(line: &str) -> String {
    if line.starts_with('#') {
        return line.to_owned();
    }
    let (series, value) = line.rsplit_once(' ').unwrap_or((line, ""));
    let name = series.split('{').next().unwrap_or(series);
    let mut series = series.to_owned();
    for label in OWN {
        for before in ["{", ","] {
            let start = format!("{before}{label}=\"");
            if let Some(at) = series.find(&start) {
                let from = at + start.len();
                let to = series[from..]
                    .find('"')
                    .map_or(series.len(), |end| from + end);
                series.replace_range(from..to, "*");
            }
        }
    }
    let value = if MEASURED.iter().any(|part| name.contains(part)) {
        "*"
    } else {
        value
    };
    format!("{series} {value}")
}

#[track_caller]
fn compare(file: &str, page: &str) {
    let masked: String = page
        .lines()
        .filter(|line| !line.contains("route=\"/-/ready\""))
        .map(|line| masked_line(line) + "\n")
        .collect();
    let path = built().root.join("tests/golden").join(file);
    if std::env::var_os("BLESS").is_some_and(|value| value == "1") {
        std::fs::write(&path, masked).expect("tests/golden is writable");
        return;
    }
    let golden = std::fs::read_to_string(&path)
        .unwrap_or_else(|error| panic!("{}: {error}; BLESS=1 writes it", path.display()));
    let differs = masked
        .lines()
        .zip(golden.lines())
        .position(|(new, old)| new != old);
    let at = differs.unwrap_or_else(|| masked.lines().count().min(golden.lines().count()));
    assert!(
        masked == golden,
        "{} differs from line {}:\n  is:  {}\n  was: {}\nBLESS=1 writes it anew",
        path.display(),
        at + 1,
        masked.lines().nth(at).unwrap_or("(end)"),
        golden.lines().nth(at).unwrap_or("(end)"),
    );
}

fn page(host: &Host, accept: &str) -> String {
    let answer = http::request(
        host.metrics(),
        "GET",
        "/metrics",
        &[("Accept", accept)],
        &[],
    );
    answer.expect("an answer").text()
}

#[test]
fn the_inherited_sets_print_the_golden_page() {
    let host = host("torchserve,torchserve-plugin", &["HandlerTime{"]);
    compare("torchserve.txt", &page(&host, "text/plain"));
}

#[test]
fn our_own_set_prints_the_golden_page() {
    let host = host("meterbox", OURS_LATE);
    compare("meterbox.txt", &page(&host, "text/plain"));
}

#[test]
fn our_own_set_prints_the_golden_openmetrics_page() {
    let host = host("meterbox", OURS_LATE);
    let text = page(&host, "application/openmetrics-text;version=1.0.0");
    // Creation times have no other name than their family's with `_created`.
    let kept: String = text
        .lines()
        .filter(|line| {
            !line
                .split(['{', ' '])
                .next()
                .unwrap_or_default()
                .ends_with("_created")
        })
        .map(|line| format!("{line}\n"))
        .collect();
    compare("meterbox.openmetrics", &kept);
}
