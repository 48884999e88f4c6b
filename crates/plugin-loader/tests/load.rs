//! Plugins of this workspace, loaded for real and called on their own threads.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod support;

use meterbox_plugin_abi::testing::{FakeHost, FakeRequest, Recorder};
use meterbox_plugin_abi::{Host, Request};
use meterbox_plugin_files::{self as file, Reason};
use meterbox_plugin_loader::load::Loaded;
use meterbox_plugin_loader::running::{Ended, Lane, Monotonic, Running, Settings, State};
use std::sync::Arc;
use std::time::Duration;
use support::{Library, folder, package, policy, verified};

const PATIENCE: Duration = Duration::from_secs(20);

fn running(loaded: &Loaded, host: Arc<FakeHost>) -> Arc<Running> {
    let clock = Arc::new(Monotonic::default());
    Running::start(
        loaded,
        Host::of(host),
        "{}",
        Settings::new(4, 64, PATIENCE, PATIENCE),
        clock,
        Arc::default(),
    )
    .unwrap()
}

fn ask(running: &Running) -> Vec<String> {
    let client = Recorder::default();
    let route = running.routes()[0].id;
    let request = Request::of(Arc::new(FakeRequest::get("/drift")));
    let ticket = running
        .call(Lane::Scrape, route, request, client.sink(), None)
        .ok()
        .unwrap();
    assert_eq!(ticket.wait(PATIENCE), Ended::Returned(Ok(())));
    client.all()
}

#[test]
fn the_documented_example_runs_in_two_generations_and_drains() {
    let folder = folder("drift");
    package("meterbox-plugin-drift", &folder);
    let host = Arc::new(FakeHost::default());
    let generations: Vec<Arc<Running>> = (0..2)
        .map(|_| {
            let loaded = Loaded::load(verified(&folder, "meterbox_plugin_drift.so")).unwrap();
            running(&loaded, host.clone())
        })
        .collect();
    for running in &generations {
        assert_eq!(running.origin().metadata.name, "drift");
        assert_eq!(running.routes()[0].pattern, "drift");
        assert_eq!(
            ask(running),
            ["head 200 content-type", r#"{"drift":0.02}"#, "end"]
        );
    }
    assert_eq!(
        host.store().registered().len(),
        2,
        "each generation has its own statics"
    );
    assert_eq!(generations[0].drain(), Ok(()));
    assert_eq!(generations[0].state(), State::Stopped);
    assert_eq!(
        ask(&generations[1]),
        ["head 200 content-type", r#"{"drift":0.02}"#, "end"]
    );
}

#[test]
fn a_real_plugin_cut_anywhere_is_refused_and_the_process_lives() {
    let folder = folder("cut");
    let whole = std::fs::read(package("meterbox-plugin-drift", &folder)).unwrap();
    for step in 1..60 {
        std::fs::write(folder.join("cut.so"), &whole[..whole.len() * step / 60]).unwrap();
        let candidate = file::Candidate {
            folder: folder.clone(),
            file_name: "cut.so".into(),
        };
        let refusal = file::verify(&candidate, &policy()).expect_err("its tables are at its end");
        assert_eq!(refusal.reason, Reason::Truncated, "{refusal}");
    }
}

#[test]
fn overwriting_and_deleting_the_file_of_a_running_plugin_changes_nothing() {
    let folder = folder("overwritten");
    let path = package("meterbox-plugin-drift", &folder);
    let loaded = Loaded::load(verified(&folder, "meterbox_plugin_drift.so")).unwrap();
    let running = running(&loaded, Arc::default());
    let zeros = vec![0; std::fs::read(&path).unwrap().len()];
    for _ in 0..50 {
        std::fs::write(&path, &zeros).unwrap();
        assert_eq!(
            ask(&running),
            ["head 200 content-type", r#"{"drift":0.02}"#, "end"]
        );
    }
    std::fs::remove_file(&path).unwrap();
    assert_eq!(
        ask(&running),
        ["head 200 content-type", r#"{"drift":0.02}"#, "end"]
    );
}

#[test]
fn a_library_without_a_header_is_refused_in_one_sentence() {
    let folder = folder("bare");
    Library::new("bare").build(&folder);
    let refusal = Loaded::load(verified(&folder, "bare.so")).err().unwrap();
    assert_eq!(refusal.reason, Reason::NoHeader);
    assert_eq!(refusal.text.lines().count(), 1, "{refusal}");
}
