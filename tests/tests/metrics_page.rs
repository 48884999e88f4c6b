//! The metrics page on the wire: formats by Accept, compression, filters, methods, and what judges say.

use meterbox_tests::http::{self, Answer};
use meterbox_tests::{Host, Page, built, curl, find_program};
use std::io::Write;
use std::process::{Command, Stdio};

const TEXT: &str = "text/plain; version=0.0.4; charset=utf-8";
const OPENMETRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// What real scrapers sent, and what they must get.
const SCRAPERS: &[(&str, &str, &str)] = &[
    (
        "Prometheus 2.42",
        "application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,\
         text/plain;version=0.0.4;q=0.5,*/*;q=0.1",
        OPENMETRICS,
    ),
    (
        "Prometheus 2.53",
        "application/openmetrics-text;version=1.0.0;q=0.5,application/openmetrics-text;version=0.0.1;\
         q=0.4,text/plain;version=0.0.4;q=0.3,*/*;q=0.2",
        OPENMETRICS,
    ),
    (
        "Prometheus 3.5",
        "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,\
         application/openmetrics-text;version=0.0.1;q=0.5,\
         text/plain;version=1.0.0;escaping=allow-utf-8;q=0.4,text/plain;version=0.0.4;q=0.3,*/*;q=0.2",
        OPENMETRICS,
    ),
    (
        "Prometheus 2.42 with native histograms, which this page has none of",
        "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited,\
         application/openmetrics-text;version=1.0.0;q=0.8,\
         application/openmetrics-text;version=0.0.1;q=0.75,text/plain;version=0.0.4;q=0.5,*/*;q=0.1",
        OPENMETRICS,
    ),
    ("curl", "*/*", TEXT),
    (
        "a browser",
        "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8",
        TEXT,
    ),
    ("nobody known", "application/x-unknown", TEXT),
    ("nonsense", "what/ever;q=banana", TEXT),
    ("an old Prometheus", "text/plain;version=0.0.4", TEXT),
];

#[track_caller]
fn ask(host: &Host, method: &str, path: &str, headers: &[(&str, &str)]) -> Answer {
    http::request(host.metrics(), method, path, headers, &[])
        .unwrap_or_else(|error| panic!("{method} {path}: {error}"))
}

/// A host with something of every kind on its page: counters, gauges, histograms, text labels.
fn host(lines: &[&str]) -> Host {
    let host = Host::start(lines);
    host.serve_model("noop.mar", 1);
    for _ in 0..3 {
        assert_eq!(http::get(host.inference(), "/predictions/noop").status, 200);
    }
    host
}

#[test]
fn each_scraper_gets_the_format_it_asks_for() {
    let host = host(&[]);
    for (who, accept, expected) in SCRAPERS {
        let answer = ask(&host, "GET", "/metrics", &[("Accept", accept)]);
        assert_eq!(
            (answer.status, answer.header("content-type")),
            (200, Some(*expected)),
            "{who}"
        );
        let vary = answer
            .header("vary")
            .unwrap_or_default()
            .to_ascii_lowercase();
        assert!(vary.contains("accept"), "{who}: caches must know: {vary}");
        if *expected == OPENMETRICS {
            assert!(answer.text().ends_with("# EOF\n"), "{who}");
        } else {
            assert!(
                Page::read(&answer.text()).has_family("ts_inference_requests_total"),
                "{who}"
            );
        }
    }
    let answer = ask(&host, "GET", "/metrics", &[]);
    assert_eq!(
        answer.header("content-type"),
        Some(TEXT),
        "no Accept at all"
    );
}

#[test]
fn a_page_is_compressed_for_who_takes_it_and_only_then() {
    let host = host(&[]);
    let packed = ask(&host, "GET", "/metrics", &[("Accept-Encoding", "gzip")]);
    assert_eq!(packed.header("content-encoding"), Some("gzip"));
    assert!(
        packed.body.starts_with(&[0x1f, 0x8b]),
        "gzip has its magic bytes"
    );
    let plain = ask(&host, "GET", "/metrics", &[("Accept-Encoding", "gzip;q=0")]);
    assert_eq!(plain.header("content-encoding"), None);
    assert!(packed.body.len() * 3 < plain.body.len(), "it is worth it");
    let text = curl(&[
        "--compressed",
        &format!("http://{}/metrics", host.metrics()),
    ]);
    let names = |text: &str| -> Vec<String> {
        Page::read(text)
            .families()
            .iter()
            .map(|name| (*name).to_owned())
            .collect()
    };
    assert_eq!(names(&text), names(&plain.text()));
}

#[test]
fn get_head_and_post_answer_the_page_and_other_methods_405() {
    let host = host(&[]);
    let head = ask(&host, "HEAD", "/metrics", &[]);
    assert_eq!(
        (head.status, head.header("content-type"), head.body.len()),
        (200, Some(TEXT), 0)
    );
    let one = "/metrics?name[]=ts_inference_requests_total";
    let post = ask(&host, "POST", one, &[]);
    assert_eq!(
        (post.status, post.text()),
        (200, ask(&host, "GET", one, &[]).text())
    );
    for method in ["PUT", "DELETE", "PATCH"] {
        let answer = ask(&host, method, "/metrics", &[]);
        assert_eq!(answer.status, 405, "{method}");
        assert_eq!(
            answer.json()["type"],
            "MethodNotAllowedException",
            "{method}"
        );
        let allow = answer.header("allow").unwrap_or_default();
        for allowed in ["GET", "HEAD", "POST"] {
            assert!(allow.contains(allowed), "{method}: {allow}");
        }
    }
}

#[test]
fn a_filter_names_samples_and_keeps_help_and_type() {
    let host = host(&[]);
    let get = |query: &str| ask(&host, "GET", &format!("/metrics?{query}"), &[]).text();
    let text =
        get("name[]=ts_queue_latency_milliseconds_count&name%5B%5D=ts_inference_requests_total");
    let lines: Vec<&str> = text
        .lines()
        .map(|line| line.split('{').next().unwrap_or(line))
        .collect();
    let samples: Vec<&&str> = lines.iter().filter(|line| !line.starts_with('#')).collect();
    assert_eq!(samples.len(), 2, "{text}");
    let page = Page::read(&text);
    assert_eq!(page.families().len(), 2, "{text}");
    assert_eq!(
        page.value("ts_queue_latency_milliseconds_count", &[]),
        Some(3.0)
    );
    assert_eq!(
        get("name[]=nobody_has_this"),
        "",
        "nothing matches, nothing is printed"
    );
    let base = get("name[]=ts_queue_latency_milliseconds");
    assert!(
        base.lines().all(|line| line.starts_with('#')),
        "no sample has this name: {base}"
    );
    let all = Page::read(&get("name[]="));
    assert!(all.families().len() <= Page::read(&get("")).families().len());
}

#[test]
fn counters_and_histograms_keep_counting_over_scrapes() {
    let host = host(&[]);
    let requests = || {
        host.scrape("/metrics")
            .value("ts_inference_requests_total", &[("model_name", "noop")])
    };
    assert_eq!(requests(), Some(3.0));
    assert_eq!(http::get(host.inference(), "/predictions/noop").status, 200);
    assert_eq!(requests(), Some(4.0));
    let page = host.scrape("/metrics");
    let buckets = page.samples("ts_queue_latency_milliseconds_bucket");
    let values: Vec<f64> = buckets.iter().map(|sample| sample.value).collect();
    assert!(values.is_sorted(), "buckets are cumulative: {values:?}");
    assert_eq!(values.last(), Some(&4.0));
}

/// Runs a judge with the page on its standard input; its exit status must be 0.
#[track_caller]
fn judge(command: &mut Command, page: &str) -> String {
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the judge starts");
    let mut stdin = child.stdin.take().expect("stdin is piped");
    stdin.write_all(page.as_bytes()).expect("the judge reads");
    drop(stdin);
    let output = child.wait_with_output().expect("the judge ends");
    let said = [output.stdout.as_slice(), output.stderr.as_slice()].concat();
    let said = String::from_utf8_lossy(&said).into_owned();
    assert!(output.status.success(), "{said}\n{page}");
    said
}

#[test]
fn promtool_finds_nothing_wrong_with_our_own_names() {
    let host = host(&["metrics_names=meterbox"]);
    let page = ask(&host, "GET", "/metrics", &[]).text();
    let said = judge(
        Command::new(find_program("promtool")).args(["check", "metrics"]),
        &page,
    );
    assert_eq!(said.trim(), "", "promtool has something to say");
}

#[test]
fn the_reference_parser_of_openmetrics_reads_the_whole_page() {
    let python = built().target.join("python-tests/bin/python");
    assert!(
        python.is_file(),
        "{} is missing; `cargo xtask ci` makes it from tests/requirements.txt",
        python.display()
    );
    let host = host(&["metrics_names=meterbox,torchserve,torchserve-plugin,node"]);
    let page = ask(&host, "GET", "/metrics", &[("Accept", SCRAPERS[0].1)]);
    assert_eq!(page.header("content-type"), Some(OPENMETRICS));
    let script = "import sys\n\
                  from prometheus_client.openmetrics.parser import text_string_to_metric_families\n\
                  families = list(text_string_to_metric_families(sys.stdin.read()))\n\
                  print(len(families), sum(len(family.samples) for family in families))\n";
    let said = judge(Command::new(python).args(["-c", script]), &page.text());
    let counts: Vec<usize> = said
        .split_whitespace()
        .filter_map(|word| word.parse().ok())
        .collect();
    let text = page.text();
    let samples = text.lines().filter(|line| !line.starts_with('#')).count();
    assert!(counts[0] > 40, "a page worth checking: {said}");
    assert_eq!(counts[1], samples, "it read every sample");
}

#[test]
fn one_address_for_all_listeners_serves_the_page_there() {
    let free = std::net::TcpListener::bind("127.0.0.1:0").and_then(|free| free.local_addr());
    let shared = free.expect("a port");
    let host = Host::builder()
        .plugin("prometheus")
        .line(format!("inference_address=http://{shared}"))
        .line(format!("management_address=http://{shared}"))
        .line(format!("metrics_address=http://{shared}"))
        .start();
    for listener in [host.inference(), host.management(), host.metrics()] {
        assert_eq!(listener, shared);
    }
    for path in ["/metrics", "/models", "/ping", "/plugins"] {
        assert_eq!(http::get(shared, path).status, 200, "{path}");
    }
}

#[test]
fn pages_that_are_asked_for_at_once_share_what_is_collected_and_none_is_older_than_its_request() {
    const THREADS: usize = 8;
    const PAGES: usize = 25;
    let host = Host::start(&["metrics_names=meterbox,node"]);
    let clock = || {
        let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
        since.expect("after 1970").as_secs_f64()
    };
    let page = || host.scrape("/metrics");
    let collected = |page: &Page| {
        page.value("meterbox_plugin_calls_total", &[("plugin", "system")])
            .expect("the collector is counted")
    };
    let before = collected(&page());
    std::thread::scope(|scope| {
        for _ in 0..THREADS {
            scope.spawn(|| {
                for _ in 0..PAGES {
                    let asked = clock();
                    let read = page().value("node_time_seconds", &[]);
                    assert!(read > Some(asked), "asked at {asked}, read at {read:?}");
                }
            });
        }
    });
    let calls = collected(&page()) - before;
    let most = (THREADS * PAGES) as f64;
    assert!(
        calls > 0.0 && calls < most,
        "{calls} calls for {most} pages"
    );
}

#[test]
fn a_page_of_other_names_does_not_ask_a_collector_that_says_what_it_has() {
    let host = Host::start(&[]);
    let calls = || {
        let page = host.scrape("/metrics?name[]=meterbox_plugin_calls_total");
        page.value("meterbox_plugin_calls_total", &[("plugin", "system")])
    };
    let before = calls();
    assert_eq!(calls(), before, "neither page has a name of the collector");
    assert!(
        host.scrape("/metrics?name[]=memory_used")
            .has_family("memory_used")
    );
    assert_eq!(calls(), before.map(|calls| calls + 1.0));
}
