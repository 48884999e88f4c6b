use meterbox_plugin::gather::{Head, Segment, Visitor};
use meterbox_plugin::testkit::{TestHost, TestPlugin, TestRequest};

use super::*;

const README: &str = include_str!("../README.md");
const SAMPLE: &str = include_str!("../sample.toml");

fn after_two_jobs() -> TestPlugin {
    let plugin = TestHost::new()
        .create::<Bridge>(SAMPLE)
        .expect("the sample is fine");
    for (path, size) in [("/bridge/default", 10), ("/bridge/night", 2000)] {
        let reply = plugin.call(&TestRequest::post(path, vec![b'x'; size]));
        assert_eq!(reply.status, 202);
    }
    plugin
}

#[test]
fn the_registry_is_served_alone_as_the_readme_says() {
    let reply = after_two_jobs().get("/bridge");
    assert_eq!(reply.status, 200);
    assert!(README.contains(reply.text()), "{}", reply.text());
}

#[test]
fn a_queue_that_nobody_configured_is_refused_and_not_counted() {
    let plugin = after_two_jobs();
    let reply = plugin.call(&TestRequest::post("/bridge/nope", "x"));
    let text = "no queue \"nope\" (known: default, night)";
    assert_eq!((reply.status, reply.text()), (404, text));
    assert!(!plugin.get("/bridge").text().contains("nope"));
}

#[derive(Default)]
struct Names(Vec<String>);

impl Visitor for Names {
    fn family(&mut self, family: &Head<'_>) -> Flow {
        self.0.push(family.name().to_owned());
        Flow::Continue
    }
    fn segment(&mut self, _segment: &Segment<'_>) -> Flow {
        Flow::Continue
    }
}

#[test]
fn its_families_are_part_of_every_gather() {
    let mut names = Names::default();
    after_two_jobs()
        .collect(&Filter::ALL, &mut names)
        .expect("nothing refused");
    assert_eq!(names.0, ["bridge_job_size_bytes", "bridge_jobs_total"]);
}

#[test]
fn a_registry_without_series_shows_no_empty_family() {
    let plugin = TestHost::new()
        .create::<Bridge>("")
        .expect("it needs no configuration");
    let mut names = Names::default();
    plugin
        .collect(&Filter::ALL, &mut names)
        .expect("nothing refused");
    assert_eq!(
        names.0,
        ["bridge_job_size_bytes"],
        "the counter has no series yet"
    );
}

#[test]
fn bounds_that_do_not_rise_stop_the_creation() {
    let refused = TestHost::new()
        .create::<Bridge>("size_bounds = [2.0, 1.0]")
        .map(drop);
    let message = refused.expect_err("refused").message().to_owned();
    assert!(message.contains("increasing order"), "{message}");
}
