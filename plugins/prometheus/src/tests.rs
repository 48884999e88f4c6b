//! The page as a client gets it, over the border of a test host.

use std::io::Read;

use meterbox_exposition::parse::parse_text;
use meterbox_plugin::prelude::*;
use meterbox_plugin::testkit::{TestHost, TestPlugin, TestReply, TestRequest};

use crate::Prometheus;

/// A host with a counter, a histogram and, if asked, a family of many series.
fn host(many: usize) -> TestHost {
    let host = TestHost::new();
    let metrics = host.host().metrics();
    let asked = metrics.counter("asked_total", "How often.").unwrap();
    asked.with(&[("model", "no\"op")]).unwrap().add(3);
    let took = metrics
        .histogram("took_seconds", "How long.", &[0.5, 10.0])
        .unwrap()
        .with(&[])
        .unwrap();
    took.observe(0.25);
    took.observe(99.0);
    if many > 0 {
        let family = metrics.gauge("many", "Many series.").unwrap();
        for number in 0..many {
            let number = number.to_string();
            family.with(&[("number", &number)]).unwrap().set(1.5);
        }
    }
    host
}

fn plugin(host: &TestHost, toml: &str) -> TestPlugin {
    host.create::<Prometheus>(toml).unwrap()
}

const PAGE: &str = "# HELP asked_total How often.
# TYPE asked_total counter
asked_total{model=\"no\\\"op\",} 3.0
# HELP took_seconds How long.
# TYPE took_seconds histogram
took_seconds_bucket{le=\"0.5\",} 1.0
took_seconds_bucket{le=\"10.0\",} 1.0
took_seconds_bucket{le=\"+Inf\",} 2.0
took_seconds_count 2.0
took_seconds_sum 99.25
";

#[track_caller]
fn has(reply: &TestReply, status: u16, headers: &[(&str, Option<&str>)]) {
    assert_eq!(reply.status, status);
    for (name, value) in headers {
        assert_eq!(reply.header(name), *value, "{name}");
    }
}

#[test]
fn get_and_post_answer_the_page_in_text() {
    let plugin = plugin(&host(0), "");
    for request in [
        TestRequest::get("/metrics"),
        TestRequest::get("/metrics/"),
        TestRequest::post("/metrics", "whatever"),
    ] {
        let reply = plugin.call(&request);
        has(
            &reply,
            200,
            &[
                (
                    "content-type",
                    Some("text/plain; version=0.0.4; charset=utf-8"),
                ),
                ("vary", Some("Accept, Accept-Encoding")),
                ("content-encoding", None),
            ],
        );
        assert_eq!(reply.text(), PAGE);
    }
}

#[test]
fn head_is_answered_and_what_lies_below_is_not_found() {
    let plugin = plugin(&host(0), "");
    has(
        &plugin.call(&TestRequest::new("HEAD", "/metrics")),
        200,
        &[],
    );
    has(&plugin.get("/metrics/more"), 404, &[]);
}

#[test]
fn names_choose_samples_percent_coded_or_not() {
    let plugin = plugin(&host(0), "");
    let page =
        "# HELP took_seconds How long.\n# TYPE took_seconds histogram\ntook_seconds_sum 99.25\n";
    for query in [
        "name[]=took_seconds_sum",
        "name%5B%5D=took_seconds_sum&name[]=none",
        "name%5b%5d=took%5Fseconds_sum",
    ] {
        let reply = plugin.get(&format!("/metrics?{query}"));
        assert_eq!(reply.text(), page, "{query}");
    }
    assert_eq!(plugin.get("/metrics?name[]=took_seconds").text(), "");
    assert_eq!(plugin.get("/metrics?other=1").text(), PAGE);
}

#[test]
fn accept_chooses_openmetrics() {
    let host = host(0);
    let request = TestRequest::get("/metrics").header(
        "Accept",
        "application/openmetrics-text;version=1.0.0,text/plain;q=0.5",
    );
    let reply = plugin(&host, "").call(&request);
    has(
        &reply,
        200,
        &[(
            "content-type",
            Some("application/openmetrics-text; version=1.0.0; charset=utf-8"),
        )],
    );
    assert!(
        reply.text().starts_with("# TYPE asked counter\n"),
        "{}",
        reply.text()
    );
    assert!(reply.text().ends_with("# EOF\n"), "{}", reply.text());
}

#[test]
fn gzip_is_used_when_accepted_and_allowed() {
    let host = host(0);
    let request = TestRequest::get("/metrics").header("accept-encoding", "gzip");
    let reply = plugin(&host, "").call(&request);
    has(&reply, 200, &[("content-encoding", Some("gzip"))]);
    let mut page = String::new();
    flate2::read::GzDecoder::new(reply.body.as_slice())
        .read_to_string(&mut page)
        .unwrap();
    assert_eq!(page, PAGE);
    let reply = plugin(&host, "gzip = false").call(&request);
    has(&reply, 200, &[("content-encoding", None)]);
    assert_eq!(reply.text(), PAGE);
}

#[test]
fn a_long_page_comes_in_pieces_and_a_short_one_whole() {
    assert_eq!(plugin(&host(0), "").get("/metrics").chunks, 1);
    let reply = plugin(&host(5000), "").get("/metrics");
    assert!(reply.chunks > 1, "{} pieces", reply.chunks);
    assert!(!reply.aborted);
    let families = parse_text(reply.text()).unwrap();
    let many = families.iter().find(|family| family.name == "many");
    assert_eq!(many.map(|family| family.samples.len()), Some(5000));
}

#[test]
fn a_host_that_forbids_gathering_is_an_error_that_says_so() {
    let host = host(0);
    host.deny("metrics.read");
    let reply = plugin(&host, "").get("/metrics");
    assert!(reply.status >= 400, "{}", reply.status);
    assert!(reply.text().contains("metrics.read"), "{}", reply.text());
}

#[test]
fn wrong_settings_are_refused_by_name() {
    for (toml, part) in [("gzip = 3", "gzip"), ("colour = \"red\"", "colour")] {
        let error = host(0).create::<Prometheus>(toml).err().unwrap();
        assert!(error.message().contains(part), "{}", error.message());
    }
}

#[test]
fn settings_are_read() {
    let read = |json| crate::settings::Settings::read(&Config::from_json("prometheus", json)?);
    let settings = read(r#"{"created": false, "gzip": false}"#).unwrap();
    assert!(!settings.created && !settings.gzip);
    let settings = read("{}").unwrap();
    assert!(settings.created && settings.gzip);
}

#[test]
fn the_sample_configuration_is_the_default() {
    plugin(&host(0), include_str!("../sample.toml"));
}

#[test]
fn the_plugin_reads_metrics_and_registers_none() {
    let host = host(0);
    let before = plugin(&host, "").get("/metrics").body;
    assert_eq!(plugin(&host, "").get("/metrics").body, before);
    assert_eq!(plugin(&host, "").roles(), Roles::ENDPOINT);
}
