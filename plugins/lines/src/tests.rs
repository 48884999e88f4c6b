use meterbox_plugin::testkit::{TestHost, TestPush};

use super::*;

const README: &str = include_str!("../README.md");
const SAMPLE: &str = include_str!("../sample.toml");

fn host() -> TestHost {
    let host = TestHost::new();
    let metrics = host.host().metrics();
    let jobs = metrics.counter("jobs_total", "Jobs.").unwrap();
    jobs.with(&[("queue", "night")]).unwrap().add(3);
    let memory = metrics.gauge("memory_used", "Memory.").unwrap();
    memory.with(&[("host", "a b")]).unwrap().set(1.5);
    let seconds = metrics.histogram("job_seconds", "Time.", &[1.0]).unwrap();
    let seconds = seconds.with(&[]).unwrap();
    seconds.observe(0.5);
    seconds.observe(0.25);
    host
}

fn text(push: &TestPush) -> String {
    String::from_utf8(push.body.clone()).unwrap()
}

#[test]
fn every_metric_becomes_a_line_as_the_readme_says() {
    let plugin = host().create::<Lines>(SAMPLE).expect("the sample is fine");
    let pushes = plugin.export().expect("no error");
    let documented = README.split("```").nth(1).unwrap().trim_start_matches('\n');
    let lines = text(&pushes[0]);
    for line in documented.lines() {
        assert!(lines.lines().any(|known| known == line), "{line}\n{lines}");
    }
    assert_eq!((pushes.len(), pushes[0].method.as_str()), (1, "POST"));
    assert!(
        pushes[0]
            .url
            .starts_with("http://127.0.0.1:8086/api/v2/write?")
    );
    let token = ("authorization".to_owned(), "Token secret".to_owned());
    assert!(pushes[0].headers.contains(&token));
}

#[test]
fn what_a_line_cannot_hold_is_left_out_and_counted() {
    let host = TestHost::new();
    let odd = host.host().metrics().gauge("odd", "Odd.").unwrap();
    let labels = [("x", "nan"), ("y", "1")];
    odd.with(&labels).unwrap().set(f64::NAN);
    odd.with(&[("x", "a,b=c\\\n"), ("y", "")]).unwrap().set(1.0);
    let plugin = host.create::<Lines>("url = \"http://a/\"").unwrap();
    let pushes = plugin.export().expect("no error");
    let lines = text(&pushes[0]);
    assert!(lines.contains("odd,x=a\\,b\\=c/\\  value=1 "), "{lines}");
    assert!(!lines.contains("nan"), "{lines}");
    assert_eq!(host.value("lines_skipped_total", &[]), Some(1.0));
}

#[test]
fn many_lines_are_several_pushes() {
    let config = "url = \"http://a/\"\nlines_max = 1";
    let plugin = host().create::<Lines>(config).unwrap();
    let pushes = plugin.export().expect("no error");
    assert_eq!(pushes.len(), 4, "three metrics and its own counter");
    assert!(pushes.iter().all(|push| text(push).lines().count() == 1));
}

#[test]
fn answers_are_judged_and_bad_configuration_is_refused() {
    let plugin = host().create::<Lines>(SAMPLE).unwrap();
    let verdict = |status| plugin.classify(status, b"").unwrap().0;
    let verdicts = [204, 400, 413, 503].map(verdict);
    let expected = [
        Verdict::BY_STATUS,
        Verdict::DROP,
        Verdict::SPLIT,
        Verdict::BY_STATUS,
    ];
    assert_eq!(verdicts, expected);
    for (config, part) in [("", "url"), ("url = 1", "url"), ("url = \"u\"\nx = 1", "x")] {
        let error = TestHost::new().create::<Lines>(config).err().unwrap();
        assert!(error.to_string().contains(part), "{config}: {error}");
    }
}
