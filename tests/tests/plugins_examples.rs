//! The teaching examples do in the real server what their READMEs show.

use meterbox_tests::{Host, Page, http};
use serde_json::json;

/// A host with the page, one example and its configuration.
fn host(example: &str, config: &str) -> Host {
    let host = Host::builder().plugin("prometheus").plugin("drift").start();
    let folder = host.folder().join("plugins");
    std::fs::write(folder.join(format!("{example}.toml")), config).expect("the folder is writable");
    host.drop_plugin(example);
    meterbox_tests::eventually(example, || {
        let answer = http::get(host.metrics(), &format!("/{example}"));
        if answer.status == 200 {
            Ok(())
        } else {
            Err(answer.text())
        }
    });
    host
}

/// The lines of a README's last fenced block but keys and braces, for pages that must be the same.
fn documented(example: &str) -> String {
    let path = meterbox_tests::built()
        .root
        .join(format!("plugins/{example}/README.md"));
    let text = std::fs::read_to_string(path).expect("the example has a README");
    let blocks: Vec<&str> = text.split("```").collect();
    let block = blocks[blocks.len() - 2];
    block
        .split_once('\n')
        .expect("a block has lines")
        .1
        .to_owned()
}

#[test]
fn summary_answers_chosen_families_as_json() {
    let host = host(
        "summary",
        "families = [\"drift_checks_total\", \"nobody\"]\n",
    );
    for _ in 0..2 {
        assert_eq!(http::get(host.metrics(), "/drift").status, 200);
    }
    let answer = http::get(host.metrics(), "/summary");
    assert_eq!(answer.header("content-type"), Some("application/json"));
    let expected = json!({
        "families": [{
            "name": "drift_checks_total",
            "kind": "counter",
            "help": "Drift checks run.",
            "series": [{"labels": {}, "value": 2.0}],
        }],
        "missing": ["nobody"],
        "truncated": false,
    });
    assert_eq!(answer.json(), expected);
    let one = http::get(host.metrics(), "/summary?family=memory_used").json();
    assert_eq!(
        (&one["families"], &one["missing"]),
        (&json!([]), &json!(["memory_used"]))
    );
}

#[test]
fn bridge_shows_a_registry_of_the_prometheus_crate_alone_and_on_the_page() {
    let host = host("bridge", "queues = [\"default\", \"night\"]\n");
    for (queue, job) in [("default", 10), ("night", 2000)] {
        let answer = http::post(
            host.metrics(),
            &format!("/bridge/{queue}"),
            &vec![b'x'; job],
        );
        assert!(answer.status < 300, "{}: {}", answer.status, answer.text());
    }
    assert_eq!(
        http::get(host.metrics(), "/bridge").text(),
        documented("bridge")
    );
    let refused = http::post(host.metrics(), "/bridge/nobody", b"job");
    assert_eq!(refused.status, 404, "{}", refused.text());
    let page = host.scrape("/metrics");
    assert_eq!(
        page.value("bridge_jobs_total", &[("queue", "night")]),
        Some(1.0)
    );
    assert_eq!(page.value("bridge_job_size_bytes_sum", &[]), Some(2010.0));
}

#[test]
fn banner_puts_its_family_in_front_of_the_default_page() {
    let host = host("banner", "text = \"Ask Ada before you restart this.\"\n");
    let text = http::get(host.metrics(), "/banner").text();
    let banner: Vec<String> = documented("banner")
        .lines()
        .take(3)
        .map(str::to_owned)
        .collect();
    let first: Vec<&str> = text.lines().take(3).collect();
    assert_eq!(first, banner);
    let page = Page::read(&text);
    assert_eq!(
        page.value("drift_checks_total", &[]),
        Some(0.0),
        "the rest of the page follows"
    );
    let names = |page: &Page| -> Vec<String> {
        page.families()
            .iter()
            .map(|name| (*name).to_owned())
            .collect()
    };
    assert_eq!(names(&page)[1..], names(&host.scrape("/metrics")));
}

#[test]
fn drift_answers_and_counts_as_its_readme_says() {
    let host = host("drift", "");
    let answer = http::get(host.metrics(), "/drift");
    assert_eq!(answer.text(), documented("drift").trim_end());
    assert_eq!(answer.header("content-type"), Some("application/json"));
}
