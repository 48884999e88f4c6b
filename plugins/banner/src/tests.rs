use meterbox_plugin::testkit::{TestHost, TestRequest};

use super::*;

const README: &str = include_str!("../README.md");
const SAMPLE: &str = include_str!("../sample.toml");

#[test]
fn the_page_begins_with_the_banner_as_the_readme_says() {
    let host = TestHost::new();
    let jobs = host
        .host()
        .metrics()
        .counter("jobs_total", "Jobs.")
        .expect("a name");
    jobs.with(&[]).expect("a series").add(3);
    let reply = host
        .create::<Banner>(SAMPLE)
        .expect("the sample is fine")
        .get("/banner");
    assert_eq!(reply.status, 200);
    assert_eq!(
        reply.header("content-type"),
        Some("text/plain; version=0.0.4; charset=utf-8")
    );
    assert!(README.contains(reply.text()), "{}", reply.text());
    assert!(
        reply.text().ends_with("jobs_total 3.0\n"),
        "{}",
        reply.text()
    );
}

#[test]
fn a_client_that_asks_for_openmetrics_gets_it() {
    let plugin = TestHost::new()
        .create::<Banner>("")
        .expect("it needs no configuration");
    let request = TestRequest::get("/banner").header("accept", "application/openmetrics-text");
    let reply = plugin.call(&request);
    let content_type = reply.header("content-type").unwrap_or_default();
    assert!(
        content_type.starts_with("application/openmetrics-text"),
        "{content_type}"
    );
    assert!(reply.text().ends_with("# EOF\n"), "{}", reply.text());
}

#[test]
fn a_gather_that_is_denied_is_the_answer() {
    let host = TestHost::new();
    let plugin = host
        .create::<Banner>("")
        .expect("it needs no configuration");
    host.deny("metrics.read");
    let reply = plugin.get("/banner");
    assert_eq!(
        (reply.status, reply.text()),
        (500, "permission metrics.read is missing")
    );
}
