//! Plugins of this workspace, loaded for real and called on their own threads.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod support;

use meterbox_plugin_abi::gather::{Filter, GatherSource, Visitor};
use meterbox_plugin_abi::{
    Clock, Fact, Failure, FamilySpec, Host, HostServices, Level, MetricFamily, ReplyHead,
    ReplySink, Request, RequestService, Table, events::EventKinds,
};
use meterbox_plugin_files::{self as file, Reason};
use meterbox_plugin_loader::load::Loaded;
use meterbox_plugin_loader::running::{Ended, Lane, Monotonic, Running, Settings, State};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use support::{Library, folder, package, policy, verified};

const PATIENCE: Duration = Duration::from_secs(20);

/// A host that offers metrics to nobody but takes every registration.
#[derive(Default)]
struct Fake {
    registered: Mutex<Vec<String>>,
}

struct Series;

impl meterbox_plugin_abi::Cells for Series {
    fn add_u64(&self, _: u64) {}
    fn add_f64(&self, _: f64) {}
    fn set(&self, _: f64) {}
    fn observe(&self, _: f64) {}
    fn merge(&self, _: &[u64], _: f64) {}
}

struct Family;

impl meterbox_plugin_abi::FamilyService for Family {
    fn series(&self, _: &[&str]) -> Result<meterbox_plugin_abi::Instrument, Failure> {
        Ok(meterbox_plugin_abi::Instrument::of(Arc::new(Series)))
    }
    fn remove(&self, _: &[&str]) -> Result<(), Failure> {
        Ok(())
    }
}

impl GatherSource for Fake {
    fn gather(&self, _: &Filter<'_>, _: &mut dyn Visitor) -> Result<(), String> {
        Ok(())
    }
}

impl HostServices for Fake {
    fn log_enabled(&self, _: Level, _: &str) -> bool {
        false
    }
    fn log(&self, _: Level, _: &str, _: &str) {}
    fn register(&self, family: &FamilySpec<'_>) -> Result<MetricFamily, Failure> {
        self.registered.lock().unwrap().push(family.name.to_owned());
        Ok(MetricFamily::of(Family))
    }
    fn clock(&self, _: Clock) -> u64 {
        0
    }
    fn start_timer(&self, _: u64, _: Duration) -> Result<(), Failure> {
        Ok(())
    }
    fn stop_timer(&self, _: u64) -> Result<(), Failure> {
        Ok(())
    }
    fn subscribe(&self, _: EventKinds) -> Result<(), Failure> {
        Ok(())
    }
    fn models(&self) -> Result<Table, Failure> {
        Ok(Table::empty())
    }
    fn info(&self, _: Fact) -> Option<String> {
        None
    }
}

struct Get;

impl RequestService for Get {
    fn method(&self) -> &str {
        "GET"
    }
    fn path(&self) -> &str {
        "/drift"
    }
    fn rest(&self) -> &str {
        ""
    }
    fn query(&self) -> &str {
        ""
    }
    fn peer(&self) -> &str {
        "test"
    }
    fn header_at(&self, _: usize) -> Option<(&str, &[u8])> {
        None
    }
    fn read_body(&self, _: &mut [u8]) -> Result<usize, Failure> {
        Ok(0)
    }
    fn time_left(&self) -> Option<Duration> {
        None
    }
}

struct Recorder(SyncSender<String>);

impl ReplySink for Recorder {
    fn head(&mut self, head: ReplyHead) -> Result<(), Failure> {
        self.0.send(format!("head {}", head.status)).unwrap();
        Ok(())
    }
    fn body(&mut self, bytes: &[u8]) -> Result<(), Failure> {
        self.0
            .send(String::from_utf8_lossy(bytes).into_owned())
            .unwrap();
        Ok(())
    }
    fn end(&mut self) {
        self.0.send("end".to_owned()).unwrap();
    }
    fn fail(&mut self, status: u16, message: &str) {
        self.0.send(format!("fail {status} {message}")).unwrap();
    }
    fn abort(&mut self, message: &str) {
        self.0.send(format!("abort {message}")).unwrap();
    }
    fn is_closed(&self) -> bool {
        false
    }
}

fn running(loaded: &Loaded, host: Arc<Fake>) -> Arc<Running> {
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
    let (sender, received): (_, Receiver<String>) = sync_channel(64);
    let route = running.routes()[0].id;
    let request = Request::of(Arc::new(Get));
    let ticket = running
        .call(
            Lane::Scrape,
            route,
            request,
            Box::new(Recorder(sender)),
            None,
        )
        .ok()
        .unwrap();
    assert_eq!(ticket.wait(PATIENCE), Ended::Returned(Ok(())));
    received.iter().collect()
}

#[test]
fn the_documented_example_runs_in_two_generations_and_drains() {
    let folder = folder("drift");
    package("meterbox-plugin-drift", &folder);
    let host = Arc::new(Fake::default());
    let generations: Vec<Arc<Running>> = (0..2)
        .map(|_| {
            let loaded = Loaded::load(verified(&folder, "meterbox_plugin_drift.so")).unwrap();
            running(&loaded, host.clone())
        })
        .collect();
    for running in &generations {
        assert_eq!(running.origin().metadata.name, "drift");
        assert_eq!(running.routes()[0].pattern, "drift");
        assert_eq!(ask(running), ["head 200", r#"{"drift":0.02}"#, "end"]);
    }
    assert_eq!(
        host.registered.lock().unwrap().len(),
        2,
        "each generation has its own statics"
    );
    assert_eq!(generations[0].drain(), Ok(()));
    assert_eq!(generations[0].state(), State::Stopped);
    assert_eq!(
        ask(&generations[1]),
        ["head 200", r#"{"drift":0.02}"#, "end"]
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
        assert_eq!(ask(&running), ["head 200", r#"{"drift":0.02}"#, "end"]);
    }
    std::fs::remove_file(&path).unwrap();
    assert_eq!(ask(&running), ["head 200", r#"{"drift":0.02}"#, "end"]);
}

#[test]
fn a_library_without_a_header_is_refused_in_one_sentence() {
    let folder = folder("bare");
    Library::new("bare").build(&folder);
    let refusal = Loaded::load(verified(&folder, "bare.so")).err().unwrap();
    assert_eq!(refusal.reason, Reason::NoHeader);
    assert_eq!(refusal.text.lines().count(), 1, "{refusal}");
}
