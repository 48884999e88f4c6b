//! The host of these tests: keeps metrics in memory, remembers what it was told, and plays the client.

use crate::actor::shown;
use meterbox_plugin_abi::events::EventKinds;
use meterbox_plugin_abi::gather::{Filter, GatherSource, Kind, Visitor};
use meterbox_plugin_abi::{
    Cells, Clock, Fact, Failure, FamilyService, FamilySpec, HostServices, Instrument, Level,
    MetricFamily, ReplyHead, ReplySink, RequestService, Status, Table,
};
use meterbox_plugin_process::parent::{Cause, Observer, Stream};
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::time::{Duration, Instant};

/// Long enough for any machine; only a hang ever waits for it.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

/// How often a client that is blocked looks whether it still is.
const BLOCKED_LOOK: Duration = Duration::from_millis(5);

/// What one series holds: a number, buckets, a sum.
#[derive(Debug, Default, Clone, PartialEq)]
pub(crate) struct Held {
    pub(crate) number: f64,
    pub(crate) buckets: Vec<u64>,
    pub(crate) sum: f64,
}

#[derive(Default)]
pub(crate) struct House {
    series: Mutex<BTreeMap<String, Arc<Mutex<Held>>>>,
    told: Mutex<Vec<String>>,
    changed: Condvar,
}

struct OneFamily {
    name: String,
    house: Arc<Mutex<Held>>,
}

struct One(Arc<Mutex<Held>>);

impl Cells for One {
    fn add_u64(&self, amount: u64) {
        self.0.lock().unwrap().number += amount as f64;
    }
    fn add_f64(&self, amount: f64) {
        self.0.lock().unwrap().number += amount;
    }
    fn set(&self, value: f64) {
        self.0.lock().unwrap().number = value;
    }
    fn observe(&self, _: f64) {
        unreachable!("a child merges");
    }
    fn merge(&self, buckets: &[u64], sum: f64) {
        let mut held = self.0.lock().unwrap();
        held.buckets.resize(buckets.len(), 0);
        for (bucket, more) in held.buckets.iter_mut().zip(buckets) {
            *bucket += more;
        }
        held.sum += sum;
    }
}

impl FamilyService for OneFamily {
    fn series(&self, values: &[&str]) -> Result<Instrument, Failure> {
        assert!(values.is_empty(), "{} has no labels", self.name);
        Ok(Instrument::of(Arc::new(One(self.house.clone()))))
    }
    fn remove(&self, _: &[&str]) -> Result<(), Failure> {
        Ok(())
    }
}

impl House {
    pub(crate) fn held(&self, name: &str) -> Held {
        let series = self.series.lock().unwrap();
        series
            .get(name)
            .map_or_else(Held::default, |held| held.lock().unwrap().clone())
    }

    pub(crate) fn tell(&self, what: String) {
        self.told.lock().unwrap().push(what);
        self.changed.notify_all();
    }

    pub(crate) fn told(&self) -> Vec<String> {
        self.told.lock().unwrap().clone()
    }

    /// Waits until something was told that contains `words`, for the `times`th time.
    #[track_caller]
    pub(crate) fn wait_told(&self, words: &str, times: usize) -> String {
        let until = Instant::now() + PATIENCE;
        let mut told = self.told.lock().unwrap();
        loop {
            if let Some(found) = told.iter().filter(|one| one.contains(words)).nth(times - 1) {
                return found.clone();
            }
            let left = until.saturating_duration_since(Instant::now());
            assert!(
                !left.is_zero(),
                "{words:?} was not told {times} times: {told:#?}"
            );
            told = self.changed.wait_timeout(told, left).unwrap().0;
        }
    }
}

impl GatherSource for House {
    fn gather(&self, filter: &Filter<'_>, visitor: &mut dyn Visitor) -> Result<(), String> {
        if filter.names == ["refused"] {
            return Err("plugin actor has no permission metrics.read".to_owned());
        }
        // More than fits one batch.
        for at in 0..20_000_u32 {
            let name = format!("family_{at}");
            let spec = FamilySpec {
                kind: Kind::GAUGE,
                name: &name,
                help: "Some help to make it longer.",
                unit: "",
                labels: &[],
                bounds: &[],
                flags: 0,
                set: "",
            };
            let _ = visitor.family(&spec.head());
            let _ = visitor.segment(&shown(&[f64::from(at)]));
        }
        Ok(())
    }
}

impl HostServices for House {
    fn log_enabled(&self, level: Level, _: &str) -> bool {
        level <= Level::INFO
    }
    fn log(&self, _: Level, target: &str, message: &str) {
        self.tell(format!("log {target}: {message}"));
    }
    fn register(&self, family: &FamilySpec<'_>) -> Result<MetricFamily, Failure> {
        let mut series = self.series.lock().unwrap();
        let held = series.entry(family.name.to_owned()).or_default().clone();
        Ok(MetricFamily::of(OneFamily {
            name: family.name.to_owned(),
            house: held,
        }))
    }
    fn clock(&self, _: Clock) -> u64 {
        0
    }
    fn start_timer(&self, id: u64, period: Duration) -> Result<(), Failure> {
        self.tell(format!("timer {id} every {period:?}"));
        Ok(())
    }
    fn stop_timer(&self, id: u64) -> Result<(), Failure> {
        self.tell(format!("timer {id} stopped"));
        Ok(())
    }
    fn subscribe(&self, _: EventKinds) -> Result<(), Failure> {
        Ok(())
    }
    fn models(&self) -> Result<Table, Failure> {
        Err(Failure::new(Status::DENIED, "no models here"))
    }
    fn info(&self, _: Fact) -> Option<String> {
        None
    }
}

impl Observer for House {
    fn started(&self, _: u32, _: Duration, again: bool) {
        self.tell(format!("started again={again}"));
    }
    fn crashed(&self, cause: &Cause, sentence: &str) {
        self.tell(format!("crashed {}: {sentence}", cause.name()));
    }
    fn quarantined(&self, retry: Duration) {
        self.tell(format!("quarantined for {retry:?}"));
    }
    fn recovered(&self) {
        self.tell("recovered".to_owned());
    }
    fn line(&self, stream: Stream, text: &str) {
        self.tell(format!("line {stream:?} {text}"));
    }
}

/// What reached the client of one request.
#[derive(Debug, Default, Clone, PartialEq)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, Vec<u8>)>,
    pub(crate) length: Option<u64>,
    pub(crate) body: Vec<u8>,
    pub(crate) message: String,
    pub(crate) end: &'static str,
}

impl Answer {
    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }
}

/// The client's place, which can be waited for.
#[derive(Default)]
pub(crate) struct Place(Mutex<Answer>, Condvar, AtomicBool);

impl Place {
    /// The client does not take the end of a broken answer until it is told to.
    pub(crate) fn block(&self, block: bool) {
        self.2.store(block, Ordering::SeqCst);
        self.1.notify_all();
    }

    #[track_caller]
    pub(crate) fn wait(&self) -> Answer {
        let mut answer = self.0.lock().unwrap();
        let until = Instant::now() + PATIENCE;
        while answer.end.is_empty() {
            let left = until.saturating_duration_since(Instant::now());
            assert!(!left.is_zero(), "no answer came: {answer:?}");
            answer = self.1.wait_timeout(answer, left).unwrap().0;
        }
        answer.clone()
    }
}

pub(crate) struct Client(pub(crate) Arc<Place>);

impl Client {
    fn change(&self, change: impl FnOnce(&mut Answer)) {
        change(&mut self.0.0.lock().unwrap());
        self.0.1.notify_all();
    }
}

impl ReplySink for Client {
    fn head(&mut self, head: ReplyHead) -> Result<(), Failure> {
        self.change(|answer| {
            answer.status = head.status;
            answer.headers = head.headers;
            answer.length = head.length;
        });
        Ok(())
    }
    fn body(&mut self, bytes: &[u8]) -> Result<(), Failure> {
        self.change(|answer| answer.body.extend_from_slice(bytes));
        Ok(())
    }
    fn end(&mut self) {
        self.change(|answer| answer.end = "end");
    }
    fn fail(&mut self, status: u16, message: &str) {
        self.change(|answer| {
            answer.status = status;
            answer.message = message.to_owned();
            answer.end = "fail";
        });
    }
    fn abort(&mut self, message: &str) {
        let Place(answer, changed, block) = &*self.0;
        let mut answer = answer.lock().unwrap();
        while block.load(Ordering::SeqCst) {
            answer = changed.wait_timeout(answer, BLOCKED_LOOK).unwrap().0;
        }
        drop(answer);
        self.change(|answer| {
            answer.message = message.to_owned();
            answer.end = "abort";
        });
    }
    fn is_closed(&self) -> bool {
        false
    }
}

/// A request for `/actor/<rest>`.
pub(crate) struct Get {
    pub(crate) rest: String,
    pub(crate) headers: Vec<(String, Vec<u8>)>,
    pub(crate) body: Mutex<std::io::Cursor<Vec<u8>>>,
    pub(crate) left: Option<Duration>,
}

impl RequestService for Get {
    fn method(&self) -> &str {
        "GET"
    }
    fn path(&self) -> &str {
        "/actor"
    }
    fn rest(&self) -> &str {
        &self.rest
    }
    fn query(&self) -> &str {
        "a=b"
    }
    fn peer(&self) -> &str {
        "127.0.0.1:1"
    }
    fn header_at(&self, index: usize) -> Option<(&str, &[u8])> {
        let (name, value) = self.headers.get(index)?;
        Some((name, value))
    }
    fn read_body(&self, buffer: &mut [u8]) -> Result<usize, Failure> {
        std::io::Read::read(&mut *self.body.lock().unwrap(), buffer)
            .map_err(|error| Failure::internal(error.to_string()))
    }
    fn time_left(&self) -> Option<Duration> {
        self.left
    }
}
