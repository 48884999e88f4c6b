//! Workers that die at each moment, queues that are full, handlers that hang, archives that lie.

use meterbox_tests::http::{self, Answer};
use meterbox_tests::{Folder, Host, eventually};
use rustix::process::{Pid, Signal, kill_process};
use std::path::Path;
use std::process::Command;

/// A prediction of a model whose handler does what `form` says.
fn predict(host: &Host, model: &str, form: &str) -> Result<Answer, String> {
    let headers = [("Content-Type", "application/x-www-form-urlencoded")];
    let path = format!("/predictions/{model}");
    http::request(host.inference(), "POST", &path, &headers, form.as_bytes())
}

/// The process ids of a model's ready workers.
fn workers(host: &Host, model: &str) -> Vec<i32> {
    let answer = http::get(host.management(), &format!("/models/{model}")).json();
    let workers = answer[0]["workers"].as_array().cloned().unwrap_or_default();
    workers
        .iter()
        .filter(|worker| worker["status"] == "READY")
        .filter_map(|worker| worker["pid"].as_i64()?.try_into().ok())
        .collect()
}

fn kill(pid: i32) {
    let pid = Pid::from_raw(pid).expect("a process id is not zero");
    kill_process(pid, Signal::KILL).expect("the worker is alive");
}

/// Waits for one ready worker with another process id than `old`.
#[track_caller]
fn replaced(host: &Host, model: &str, old: i32) -> i32 {
    eventually("another worker is ready", || {
        let pids = workers(host, model);
        pids.iter()
            .copied()
            .find(|pid| *pid != old)
            .ok_or_else(|| format!("{pids:?}"))
    })
}

#[test]
fn a_worker_killed_while_idle_is_replaced_and_the_next_request_works() {
    let host = Host::builder().start();
    host.serve_model("modes.mar", 1);
    let mut pid = workers(&host, "modes")[0];
    for _ in 0..2 {
        kill(pid);
        let next = predict(&host, "modes", "mode=str").expect("an answer");
        // The host may not have noticed yet: then this request is the one that finds out.
        assert!(
            matches!(next.status, 200 | 507),
            "{}: {}",
            next.status,
            next.text()
        );
        pid = replaced(&host, "modes", pid);
        let answer = predict(&host, "modes", "mode=str").expect("an answer");
        assert_eq!((answer.status, answer.text()), (200, "OK".to_owned()));
    }
}

#[test]
fn a_worker_killed_during_a_request_fails_that_request_alone() {
    let host = Host::start(&[]);
    host.serve_model("modes.mar", 1);
    let pid = workers(&host, "modes")[0];
    let (answer, queued) = std::thread::scope(|scope| {
        let running = scope.spawn(|| predict(&host, "modes", "mode=sleep&s=60"));
        eventually("the worker has the request", || {
            let page = host.scrape("/metrics");
            let labels = [("model_name", "modes")];
            let running = page.value("meterbox_predictions_in_flight", &labels);
            let waiting = page.value("meterbox_prediction_queue_depth", &labels);
            if (running, waiting) == (Some(1.0), Some(0.0)) {
                Ok(())
            } else {
                Err(format!("{running:?} in flight, {waiting:?} waiting"))
            }
        });
        let queued = scope.spawn(|| predict(&host, "modes", "mode=str"));
        kill(pid);
        (
            running.join().expect("no panic"),
            queued.join().expect("no panic"),
        )
    });
    let answer = answer.expect("an answer");
    assert_eq!(
        (answer.status, &answer.json()["message"]),
        (507, &"Worker died.".into()),
        "SIGKILL looks like the kernel's answer to too much memory, as in TorchServe"
    );
    let queued = queued.expect("an answer");
    assert_eq!(
        (queued.status, queued.text()),
        (200, "OK".to_owned()),
        "it waited for the next"
    );
    assert_ne!(replaced(&host, "modes", pid), pid);
}

#[test]
fn a_worker_that_dies_while_loading_fails_the_registration_and_leaves_nothing() {
    let host = Host::builder().start();
    for _ in 0..2 {
        let path = "/models?url=badinit.mar&initial_workers=1&synchronous=true";
        let answer = http::post(host.management(), path, b"");
        assert_eq!(answer.status, 500, "{}", answer.text());
        assert_eq!(http::get(host.management(), "/models/badinit").status, 404);
    }
    assert!(
        host.output().contains("badinit"),
        "the log says which model: {}",
        host.output()
    );
}

#[test]
fn a_handler_that_answers_too_late_costs_its_worker_and_the_next_request_works() {
    let host = Host::builder().start();
    let answer = http::post(host.management(), "/models?url=slow.mar", b"");
    assert_eq!(answer.status, 200, "{}", answer.text());
    let pid = workers(&host, "slow")[0];
    let late = predict(&host, "slow", "mode=sleep&s=30").expect("an answer");
    assert_eq!(
        (late.status, &late.json()["message"]),
        (500, &"Worker died.".into())
    );
    let next = predict(&host, "slow", "mode=str").expect("an answer");
    assert_eq!((next.status, next.text()), (200, "OK".to_owned()));
    assert_ne!(replaced(&host, "slow", pid), pid);
}

#[test]
fn a_full_queue_is_503_at_once() {
    let host = Host::builder().start();
    let answer = http::post(host.management(), "/models?url=slow.mar", b"");
    assert_eq!(answer.status, 200, "{}", answer.text());
    // One worker and a queue of one: of six that come at once some must be turned away.
    let answers: Vec<(u16, String)> = std::thread::scope(|scope| {
        let asking: Vec<_> = (0..6)
            .map(|_| scope.spawn(|| predict(&host, "slow", "mode=sleep&s=0.5")))
            .collect();
        let answers = asking
            .into_iter()
            .map(|thread| thread.join().expect("no panic"));
        answers
            .map(|answer| answer.expect("an answer"))
            .map(|answer| (answer.status, answer.text()))
            .collect()
    });
    let count = |status| answers.iter().filter(|(code, _)| *code == status).count();
    assert!(
        count(200) >= 2,
        "the running and the waiting one are served: {answers:?}"
    );
    assert!(count(503) >= 3, "the rest is refused: {answers:?}");
    assert_eq!(count(200) + count(503), 6, "{answers:?}");
    let refused = answers
        .iter()
        .find(|(code, _)| *code == 503)
        .expect("counted");
    assert!(
        refused.1.contains("Model \\\"slow\\\" has no worker"),
        "{}",
        refused.1
    );
}

/// Writes a zip with these entries, names as they are.
fn zip(folder: &Path, name: &str, entries: &[(&str, &str)]) {
    let script = "import sys, zipfile\n\
                  archive = zipfile.ZipFile(sys.argv[1], 'w', zipfile.ZIP_DEFLATED)\n\
                  for name, text in zip(sys.argv[2::2], sys.argv[3::2]):\n\
                  \x20   data = b'\\0' * int(text[6:]) if text.startswith('zeros:') else text.encode()\n\
                  \x20   archive.writestr(name, data)\n\
                  archive.close()\n";
    let mut python = Command::new("python3");
    python.arg("-c").arg(script).arg(folder.join(name));
    entries.iter().for_each(|(name, text)| {
        python.args([name, text]);
    });
    assert!(python.status().expect("python3 starts").success());
}

const MANIFEST: &str = r#"{"createdOn": "01/01/2026 00:00:00", "runtime": "python",
    "model": {"modelName": "trap", "handler": "service.py", "modelVersion": "1.0"}}"#;

#[test]
fn archives_that_lie_are_refused_and_write_nothing_outside() {
    let store = Folder::new("store");
    let manifest = "MAR-INF/MANIFEST.json";
    let service = (
        "service.py",
        "def handle(data, context):\n    return data\n",
    );
    zip(
        store.path(),
        "up.mar",
        &[(manifest, MANIFEST), service, ("../../escaped.txt", "x")],
    );
    zip(
        store.path(),
        "root.mar",
        &[
            (manifest, MANIFEST),
            service,
            ("/tmp/meterbox-escaped", "x"),
        ],
    );
    zip(store.path(), "none.mar", &[service]);
    zip(
        store.path(),
        "syntax.mar",
        &[(manifest, "{\"model\": "), service],
    );
    zip(
        store.path(),
        "nameless.mar",
        &[(manifest, r#"{"model": {"handler": "s.py"}}"#), service],
    );
    zip(
        store.path(),
        "bomb.mar",
        &[(manifest, MANIFEST), service, ("zeros", "zeros:400000000")],
    );
    store.write("text.mar", "no archive");
    store.write("cut.mar", b"PK\x03\x04\x14\0\0\0");
    let host = Host::builder()
        .line(format!("model_store={}", store.path().display()))
        .start();
    for archive in [
        "up", "root", "none", "syntax", "nameless", "bomb", "text", "cut",
    ] {
        let path = format!("/models?url={archive}.mar");
        let answer = http::post(host.management(), &path, b"");
        assert_eq!(answer.status, 400, "{archive}: {}", answer.text());
        let answer = answer.json();
        assert!(
            answer["message"]
                .as_str()
                .is_some_and(|text| text.len() > 10),
            "{answer}"
        );
    }
    assert_eq!(
        http::get(host.management(), "/models").json()["models"],
        serde_json::json!([])
    );
    assert!(!store.path().join("../escaped.txt").exists());
    assert!(!Path::new("/tmp/meterbox-escaped").exists());
    assert!(!Path::new("/tmp/escaped.txt").exists());
}
