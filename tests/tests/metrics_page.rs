//! The metrics page over HTTP: negotiation, filter, compression, methods, and what other parsers think of it.

use meterbox_tests::{Folder, Host, built, curl, find_program, http};
use std::io::Write;
use std::process::{Command, Stdio};

const TEXT: &str = "text/plain; version=0.0.4; charset=utf-8";
const OPENMETRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// What scrapers ask for, word for word, and the content type they get.
const ACCEPTS: &[(&str, &str, &str)] = &[
    (
        "Prometheus 2.42",
        "application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,text/plain;version=0.0.4;q=0.5,*/*;q=0.1",
        OPENMETRICS,
    ),
    (
        "Prometheus 2.53 with native histograms",
        "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited;q=0.5,application/openmetrics-text;version=1.0.0;q=0.4,application/openmetrics-text;version=0.0.1;q=0.3,text/plain;version=0.0.4;q=0.2,*/*;q=0.1",
        OPENMETRICS,
    ),
    (
        "Prometheus 3.5",
        "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,application/openmetrics-text;version=0.0.1;q=0.5,text/plain;version=1.0.0;escaping=allow-utf-8;q=0.4,text/plain;version=0.0.4;q=0.3,*/*;q=0.2",
        OPENMETRICS,
    ),
    ("curl", "*/*", TEXT),
    ("a browser", "text/html,application/xhtml+xml;q=0.9", TEXT),
    ("nonsense", "what/ever;q=banana", TEXT),
];

#[test]
fn every_scraper_gets_the_format_it_prefers_and_never_a_406() {
    let host = Host::start(&[]);
    for (who, accept, expected) in ACCEPTS {
        let answer = http::request(
            host.metrics(),
            "GET",
            "/metrics",
            &[("Accept", accept)],
            &[],
        )
        .unwrap();
        assert_eq!(answer.status, 200, "{who}");
        assert_eq!(answer.header("content-type"), Some(*expected), "{who}");
        assert_eq!(
            answer.header("vary"),
            Some("Accept, Accept-Encoding"),
            "{who}"
        );
    }
    let none = http::get(host.metrics(), "/metrics");
    assert_eq!(none.header("content-type"), Some(TEXT), "without Accept");
}

#[test]
fn gzip_carries_the_page_and_head_only_its_head() {
    let host = Host::start(&[]);
    let url = format!(
        "http://{}/metrics?name[]=ts_inference_requests_total",
        host.metrics()
    );
    let plain = curl(&["--globoff", &url]);
    let packed = curl(&[
        "--globoff",
        "--compressed",
        "-H",
        "Accept-Encoding: gzip",
        &url,
    ]);
    assert_eq!(plain, packed);
    let gzip = [("Accept-Encoding", "gzip")];
    let answer = http::request(host.metrics(), "GET", "/metrics", &gzip, &[]).unwrap();
    assert_eq!(answer.header("content-encoding"), Some("gzip"));
    assert_eq!(
        answer.body[..2],
        [0x1f, 0x8b],
        "the body starts as gzip does"
    );
    let head = http::request(host.metrics(), "HEAD", "/metrics", &[], &[]).unwrap();
    assert_eq!((head.status, head.body.len()), (200, 0));
    assert_eq!(head.header("content-type"), Some(TEXT));
}

#[test]
fn post_answers_the_page_and_other_methods_say_what_is_allowed() {
    let host = Host::start(&[]);
    let posted = http::post(host.metrics(), "/metrics?name[]=memory_used", b"");
    assert_eq!(posted.status, 200);
    assert!(
        posted
            .text()
            .starts_with("# HELP memory_used System Memory used\n"),
        "{}",
        posted.text()
    );
    for method in ["PUT", "DELETE", "PATCH"] {
        let answer = http::request(host.metrics(), method, "/metrics", &[], &[]).unwrap();
        assert_eq!(answer.status, 405, "{method}");
        assert_eq!(answer.header("allow"), Some("GET, HEAD, POST"), "{method}");
        assert_eq!(
            answer.json()["type"],
            "MethodNotAllowedException",
            "{method}"
        );
    }
}

#[test]
fn the_filter_takes_sample_names_and_an_unknown_one_is_an_empty_page() {
    let host = Host::start(&[]);
    host.serve_model("noop.mar", 1);
    assert_eq!(http::get(host.inference(), "/predictions/noop").status, 200);
    let name = "ts_queue_latency_milliseconds";
    let only = |names: &str| http::get(host.metrics(), &format!("/metrics?{names}")).text();
    assert_eq!(only("name[]=no_such_metric"), "");
    let base = only(&format!("name[]={name}"));
    assert!(
        base.lines().all(|line| line.starts_with('#')),
        "no sample is called {name}: {base}"
    );
    let count = only(&format!("name%5B%5D={name}_count"));
    let samples: Vec<&str> = count
        .lines()
        .filter(|line| !line.starts_with('#'))
        .collect();
    assert_eq!(samples.len(), 1, "{count}");
    assert!(
        samples[0].starts_with(&format!("{name}_count{{")),
        "{count}"
    );
}

/// Writes `input` to the standard input of `command` and gives exit success with all it printed.
fn feed(command: &mut Command, input: &str) -> (bool, String) {
    let piped = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut child = piped
        .spawn()
        .unwrap_or_else(|error| panic!("{command:?}: {error}"));
    child
        .stdin
        .take()
        .expect("it is piped")
        .write_all(input.as_bytes())
        .expect("it reads");
    let output = child.wait_with_output().expect("it ends");
    let both = [output.stdout, output.stderr].concat();
    (
        output.status.success(),
        String::from_utf8_lossy(&both).into_owned(),
    )
}

#[test]
fn promtool_finds_nothing_in_the_names_that_are_our_own() {
    let host = Host::start(&["metrics_names=meterbox"]);
    host.serve_model("noop.mar", 1);
    assert_eq!(http::get(host.inference(), "/predictions/noop").status, 200);
    // Metrics that a handler made up are in no set; their names are the handler's.
    let page = http::get(host.metrics(), "/metrics").text();
    let ours = |line: &&str| {
        let name = line
            .trim_start_matches("# HELP ")
            .trim_start_matches("# TYPE ");
        name.starts_with("meterbox_") || name.starts_with("process_")
    };
    let ours: String = page
        .lines()
        .filter(ours)
        .map(|line| format!("{line}\n"))
        .collect();
    assert!(ours.lines().count() > 100, "a page worth checking: {ours}");
    let (passed, said) = feed(
        Command::new(find_program("promtool")).args(["check", "metrics"]),
        &ours,
    );
    assert!(passed && said.trim().is_empty(), "{said}");
}

#[test]
fn the_strict_openmetrics_parser_reads_every_sample() {
    let python = built().target.join("python-tests/bin/python");
    assert!(
        python.is_file(),
        "{} is missing: `cargo xtask ci` makes it",
        python.display()
    );
    let host = Host::start(&["metrics_names=meterbox,torchserve,torchserve-plugin,node"]);
    host.serve_model("noop.mar", 1);
    assert_eq!(http::get(host.inference(), "/predictions/noop").status, 200);
    let accept = [("Accept", "application/openmetrics-text;version=1.0.0")];
    let page = http::request(host.metrics(), "GET", "/metrics", &accept, &[])
        .unwrap()
        .text();
    assert!(page.ends_with("# EOF\n"), "the page is whole");
    let folder = Folder::new("openmetrics");
    let script = folder.write(
        "read.py",
        "import sys\n\
         from prometheus_client.openmetrics.parser import text_string_to_metric_families\n\
         print(sum(len(f.samples) for f in text_string_to_metric_families(sys.stdin.read())))\n",
    );
    let (passed, said) = feed(Command::new(python).arg(script), &page);
    assert!(passed, "{said}");
    let samples = page.lines().filter(|line| !line.starts_with('#')).count();
    assert_eq!(said.trim(), samples.to_string());
}
