//! Plugin files that come, change and go while the server runs.

use meterbox_tests::{Host, built, eventually, http};
use serde_json::Value;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// How long a dropped file may take to be live.
const LIVE_WITHIN: Duration = Duration::from_secs(2);

/// Puts edition `number` of the versioned plugin into the folder, by rename as a deployment would.
fn put_edition(folder: &Path, number: u32) {
    let mut bytes = std::fs::read(built().plugin("versioned")).expect("the library is built");
    let (from, to) = (b"edition-0001", format!("edition-{number:04}"));
    let at: Vec<usize> = (0..bytes.len() - from.len())
        .filter(|&at| bytes[at..].starts_with(from))
        .collect();
    assert!(!at.is_empty(), "the library has its edition as text");
    for at in at {
        bytes[at..at + to.len()].copy_from_slice(to.as_bytes());
    }
    let beside = folder.join("versioned.part");
    std::fs::write(&beside, bytes).expect("the folder is writable");
    std::fs::rename(&beside, folder.join("versioned.so")).expect("the folder is writable");
}

fn edition(host: &Host) -> Result<String, String> {
    let answer = http::request(host.metrics(), "GET", "/versioned", &[], &[])?;
    if answer.status == 200 {
        Ok(answer.text())
    } else {
        Err(answer.text())
    }
}

#[track_caller]
fn wait_for_edition(host: &Host, number: u32) {
    let expected = format!("edition-{number:04}");
    eventually(&expected, || match edition(host) {
        Ok(text) if text == expected => Ok(()),
        other => Err(format!("{other:?}\n{}", host.output())),
    });
}

#[track_caller]
fn plugin(host: &Host, name: &str) -> Value {
    let answer = http::get(host.management(), &format!("/plugins/{name}"));
    assert_eq!(answer.status, 200, "{}", answer.text());
    answer.json()
}

#[test]
fn a_dropped_file_is_live_within_two_seconds_and_a_removed_one_is_gone() {
    let host = Host::builder().start();
    assert_eq!(http::get(host.metrics(), "/drift").status, 404);
    let begin = Instant::now();
    let file = host.drop_plugin("drift");
    eventually("the plugin answers", || {
        let answer = http::get(host.metrics(), "/drift");
        (answer.status == 200)
            .then_some(())
            .ok_or_else(|| answer.text())
    });
    assert!(
        begin.elapsed() < LIVE_WITHIN,
        "it took {:?}",
        begin.elapsed()
    );
    assert_eq!(
        http::get(host.metrics(), "/drift").text(),
        r#"{"drift":0.02}"#
    );
    std::fs::remove_file(file).expect("the file is there");
    eventually("the route is gone", || {
        let answer = http::get(host.metrics(), "/drift");
        (answer.status == 404)
            .then_some(())
            .ok_or_else(|| answer.text())
    });
}

#[test]
fn the_list_of_plugins_has_exactly_the_promised_fields() {
    let host = Host::builder().plugin("versioned").start();
    assert_eq!(edition(&host).as_deref(), Ok("edition-0001"));
    let list = http::get(host.management(), "/plugins").json();
    let plugins = list.as_array().expect("an array");
    let versioned = plugins.iter().find(|plugin| plugin["name"] == "versioned");
    let versioned = versioned.expect("the plugin is listed");
    let mut fields: Vec<&String> = versioned.as_object().expect("an object").keys().collect();
    fields.sort();
    assert_eq!(
        fields,
        [
            "api",
            "budgets",
            "calls",
            "crashes",
            "endpoints",
            "errors",
            "generation",
            "isolation",
            "last_crash",
            "last_error",
            "memory_bytes",
            "name",
            "path",
            "pid",
            "restarts",
            "roles",
            "series",
            "sha256",
            "since",
            "state",
            "version",
        ]
    );
    assert_eq!(versioned["generation"], 1);
    assert_eq!(versioned["isolation"], "process");
    assert!(versioned["pid"].is_u64(), "{versioned}");
    assert_eq!(
        (&versioned["calls"], &versioned["errors"]),
        (&1.into(), &0.into())
    );
    assert_eq!(versioned["series"], 1);
    assert_eq!(versioned["last_error"], Value::Null);
    assert_eq!(versioned["roles"], serde_json::json!(["endpoint"]));
    let path = versioned["path"].as_str().expect("a path");
    assert!(path.ends_with("plugins/versioned.so"), "{path}");
    assert_eq!(versioned["sha256"].as_str().map(str::len), Some(64));
    let endpoint = serde_json::json!([{"listener": "metrics", "path": "/versioned", "methods": ["GET", "HEAD"]}]);
    assert_eq!(versioned["endpoints"], endpoint);
    assert_eq!(&plugin(&host, "versioned")["sha256"], &versioned["sha256"]);
    let answer = http::get(host.management(), "/plugins/nobody");
    assert_eq!((answer.status, &answer.json()["code"]), (404, &404.into()));
}

#[test]
fn replacing_a_file_under_load_fails_no_request_and_keeps_its_counters() {
    const EDITIONS: u32 = 6;
    let host = Host::builder()
        .plugin("prometheus")
        .plugin("versioned")
        .start();
    let folder = host.folder().join("plugins");
    let stop = AtomicBool::new(false);
    let answered = std::thread::scope(|scope| {
        let asking: Vec<_> = (0..2)
            .map(|_| {
                scope.spawn(|| {
                    let mut editions = Vec::new();
                    while !stop.load(Ordering::Relaxed) {
                        editions.push(edition(&host));
                    }
                    editions
                })
            })
            .collect();
        for number in 2..=EDITIONS {
            put_edition(&folder, number);
            wait_for_edition(&host, number);
        }
        stop.store(true, Ordering::Relaxed);
        let all = asking
            .into_iter()
            .map(|thread| thread.join().expect("no panic"));
        all.collect::<Vec<_>>()
    });
    let mut count = 0;
    for editions in answered {
        let editions: Vec<String> = editions
            .into_iter()
            .map(|answer| answer.expect("no request fails"))
            .collect();
        assert!(
            editions.is_sorted(),
            "no answer of an edition that was replaced before"
        );
        count += editions.len();
    }
    let status = plugin(&host, "versioned");
    assert_eq!(status["generation"], EDITIONS);
    let calls = status["calls"].as_u64().expect("a number");
    assert!(
        calls > count as u64,
        "{calls} calls, {count} of them from the two threads"
    );
    let counted = host.scrape("/metrics").value("versioned_asked_total", &[]);
    assert_eq!(
        counted,
        Some(calls as f64),
        "one count over all generations"
    );
}

#[test]
fn a_counter_goes_on_when_its_file_comes_back() {
    let host = Host::builder()
        .plugin("prometheus")
        .plugin("versioned")
        .start();
    let folder = host.folder().join("plugins");
    assert!(edition(&host).is_ok());
    std::fs::remove_file(folder.join("versioned.so")).expect("the file is there");
    eventually("the route is gone", || match edition(&host) {
        Ok(text) => Err(text),
        Err(_) => Ok(()),
    });
    let counted = || host.scrape("/metrics").value("versioned_asked_total", &[]);
    let before = counted().expect("the series outlives the plugin");
    assert!(before >= 1.0, "{before}");
    put_edition(&folder, 1);
    eventually("it is back", || edition(&host));
    assert_eq!(counted(), Some(before + 1.0), "it goes on from there");
}

#[test]
fn plugins_are_reloaded_disabled_and_enabled_over_the_management_listener() {
    let host = Host::builder().plugin("versioned").start();
    let change = |action: &str| {
        let answer = http::post(
            host.management(),
            &format!("/plugins/versioned/{action}"),
            b"",
        );
        assert_eq!(answer.status, 200, "{action}: {}", answer.text());
        answer.json()
    };
    assert_eq!(change("reload")["generation"], 2);
    assert!(edition(&host).is_ok());
    let disabled = change("disable");
    assert_eq!(
        (&disabled["state"], &disabled["endpoints"]),
        (&"disabled".into(), &serde_json::json!([]))
    );
    assert_eq!(http::get(host.metrics(), "/versioned").status, 404);
    assert_eq!(change("enable")["state"], "started");
    assert!(edition(&host).is_ok());
    let answer = http::post(host.management(), "/plugins/nobody/reload", b"");
    assert_eq!(
        (answer.status, &answer.json()["type"]),
        (404, &"ResourceNotFoundException".into())
    );
    let answer = http::put(host.management(), "/plugins/versioned/reload");
    assert_eq!((answer.status, answer.header("allow")), (405, Some("POST")));
}
