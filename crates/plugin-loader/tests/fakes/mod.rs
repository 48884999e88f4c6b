//! The host, the client and the reader that a plugin meets in tests; they remember what it did.

#![allow(dead_code, reason = "each test binary uses its own part")]
#![allow(
    clippy::unwrap_used,
    reason = "a test that cannot take a lock has failed"
)]

use meterbox_plugin_abi::gather::{Filter, Flow, GatherSource, Head, Kind, Segment, Visitor};
use meterbox_plugin_abi::{
    Cells, Clock, Fact, Failure, FamilyService, FamilySpec, HostServices, Instrument, Level,
    MetricFamily, Push, PushSink, ReplyHead, ReplySink, RequestService, Row, Status, Table,
    events::EventKinds, models,
};
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// The host.
#[derive(Default)]
pub(crate) struct Fake {
    cells: Arc<Series>,
    lines: Mutex<Vec<String>>,
    asked: Mutex<Vec<String>>,
    kinds: AtomicU64,
}

/// Remembers each change of a series and how many hold it.
#[derive(Default)]
struct Series {
    changes: Mutex<Vec<String>>,
    holders: AtomicI64,
}

impl Series {
    fn change(&self, text: String) {
        self.changes.lock().unwrap().push(text);
    }
}

impl Fake {
    pub(crate) fn changes(&self) -> Vec<String> {
        self.cells.changes.lock().unwrap().clone()
    }
    pub(crate) fn lines(&self) -> Vec<String> {
        self.lines.lock().unwrap().clone()
    }
    pub(crate) fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap().clone()
    }
    pub(crate) fn kinds(&self) -> EventKinds {
        EventKinds(self.kinds.load(Ordering::Relaxed))
    }
    pub(crate) fn holders(&self) -> i64 {
        self.cells.holders.load(Ordering::Relaxed)
    }
}

/// One holder of it.
struct Held(Arc<Series>);

impl Drop for Held {
    fn drop(&mut self) {
        self.0.holders.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Cells for Held {
    fn add_u64(&self, amount: u64) {
        self.0.change(format!("add {amount}"));
    }
    fn add_f64(&self, amount: f64) {
        self.0.change(format!("add {amount}"));
    }
    fn set(&self, value: f64) {
        self.0.change(format!("set {value}"));
    }
    fn observe(&self, value: f64) {
        self.0.change(format!("observe {value}"));
    }
    fn merge(&self, buckets: &[u64], sum: f64) {
        self.0.change(format!("merge {buckets:?} {sum}"));
    }
}

/// A registered family, and how many labels it has.
struct Registered(Arc<Series>, usize);

impl FamilyService for Registered {
    fn series(&self, values: &[&str]) -> Result<Instrument, Failure> {
        if values.len() != self.1 {
            let text = format!("{} values, not {}, are wanted", self.1, values.len());
            return Err(Failure::new(Status::INVALID, text));
        }
        self.0.holders.fetch_add(1, Ordering::Relaxed);
        Ok(Instrument::of(Arc::new(Held(self.0.clone()))))
    }
    fn remove(&self, _: &[&str]) -> Result<(), Failure> {
        Ok(())
    }
}

const LABELS: Segment<'_> = Segment::of("a=\"b\"", &[5]);

const GATHERED: [(Head<'_>, Segment<'_>); 2] = [
    (
        Head::new(Kind::GAUGE, "one"),
        LABELS.with_values(&[4.5]).with_structure(77),
    ),
    (
        Head::new(Kind::HISTOGRAM, "two").with_bounds(&[1.0]),
        LABELS
            .with_bucket_counts(&[3, 0])
            .with_counts(&[3])
            .with_sums(&[1.5]),
    ),
];

impl GatherSource for Fake {
    fn gather(&self, filter: &Filter<'_>, visitor: &mut dyn Visitor) -> Result<(), String> {
        let names = filter.names.iter().map(|&name| name.to_owned());
        *self.asked.lock().unwrap() = names.collect();
        for (head, segment) in &GATHERED {
            if visitor.family(head) == Flow::Stop || visitor.segment(segment) == Flow::Stop {
                break;
            }
        }
        Ok(())
    }
}

impl HostServices for Fake {
    fn log_enabled(&self, _: Level, _: &str) -> bool {
        true
    }
    fn log(&self, level: Level, _: &str, message: &str) {
        let line = format!("{}: {message}", level.name().unwrap_or("?"));
        self.lines.lock().unwrap().push(line);
    }
    fn register(&self, family: &FamilySpec<'_>) -> Result<MetricFamily, Failure> {
        if family.name == "exercise_seconds" && family.bounds != [1.0, 2.0] {
            return Err(Failure::new(Status::INVALID, "other bounds"));
        }
        Ok(MetricFamily::of(Registered(
            self.cells.clone(),
            family.labels.len(),
        )))
    }
    fn clock(&self, _: Clock) -> u64 {
        7
    }
    fn start_timer(&self, id: u64, period: Duration) -> Result<(), Failure> {
        assert_eq!((id, period), (4, Duration::from_micros(5)));
        Ok(())
    }
    fn stop_timer(&self, _: u64) -> Result<(), Failure> {
        Err(Failure::unsupported("a timer"))
    }
    fn subscribe(&self, kinds: EventKinds) -> Result<(), Failure> {
        self.kinds.store(kinds.0, Ordering::Relaxed);
        Ok(())
    }
    fn models(&self) -> Result<Table, Failure> {
        let row = Row::new().text(models::NAME, "noop");
        let row = row.number(models::WORKERS_READY, 2.0);
        Ok(Table::of(Arc::new(vec![row])))
    }
    fn info(&self, fact: Fact) -> Option<String> {
        (fact == Fact::HOSTNAME).then(|| "a-rather-long-1".to_owned())
    }
}

/// A request with ten bytes of body.
pub(crate) struct Get {
    path: String,
    rest: &'static str,
    left: Mutex<usize>,
}

impl Get {
    pub(crate) fn of(rest: &'static str) -> Self {
        Self {
            path: format!("/exercise{rest}"),
            rest,
            left: Mutex::new(10),
        }
    }
}

impl RequestService for Get {
    fn method(&self) -> &'static str {
        "PUT"
    }
    fn path(&self) -> &str {
        &self.path
    }
    fn rest(&self) -> &str {
        self.rest
    }
    fn query(&self) -> &'static str {
        "a=b"
    }
    fn peer(&self) -> &'static str {
        "test"
    }
    fn header_at(&self, index: usize) -> Option<(&str, &[u8])> {
        let headers: [(&str, &[u8]); 2] = [("x-color", b"red"), ("x-shape", b"round")];
        headers.get(index).copied()
    }
    fn read_body(&self, buffer: &mut [u8]) -> Result<usize, Failure> {
        let mut left = self.left.lock().unwrap();
        let read = buffer.len().min(*left);
        *left -= read;
        Ok(read)
    }
    fn time_left(&self) -> Option<Duration> {
        Some(Duration::from_micros(5))
    }
}

/// Remembers an answer.
#[derive(Clone, Default)]
pub(crate) struct Recorder(Arc<Mutex<Vec<String>>>);

impl Recorder {
    pub(crate) fn taken(&self) -> Vec<String> {
        std::mem::take(&mut self.0.lock().unwrap())
    }
    fn add(&self, line: String) {
        self.0.lock().unwrap().push(line);
    }
}

impl ReplySink for Recorder {
    fn head(&mut self, head: ReplyHead) -> Result<(), Failure> {
        let names = head.headers.iter().map(|(name, _)| format!(" {name}"));
        self.add(format!("head {}{}", head.status, names.collect::<String>()));
        Ok(())
    }
    fn body(&mut self, bytes: &[u8]) -> Result<(), Failure> {
        self.add(String::from_utf8_lossy(bytes).into_owned());
        Ok(())
    }
    fn end(&mut self) {
        self.add("end".to_owned());
    }
    fn fail(&mut self, status: u16, message: &str) {
        self.add(format!("fail {status} {message}"));
    }
    fn abort(&mut self, message: &str) {
        self.add(format!("abort {message}"));
    }
    fn is_closed(&self) -> bool {
        false
    }
}

/// Remembers what a collector showed.
#[derive(Default)]
pub(crate) struct Body {
    lines: Vec<String>,
    text: String,
    stops: bool,
}

impl Body {
    pub(crate) fn stopping() -> Self {
        Self {
            stops: true,
            ..Self::default()
        }
    }
    pub(crate) fn lines(&self) -> &[String] {
        &self.lines
    }
    pub(crate) fn text(&self) -> &str {
        &self.text
    }
    fn flow(&self) -> Flow {
        if self.stops {
            Flow::Stop
        } else {
            Flow::Continue
        }
    }
}

impl Visitor for Body {
    fn family(&mut self, family: &Head<'_>) -> Flow {
        self.lines.push(format!("family {}", family.name()));
        self.flow()
    }
    fn segment(&mut self, segment: &Segment<'_>) -> Flow {
        self.lines.push(format!("segment {}", segment.len()));
        self.text.push_str(segment.label_text());
        self.flow()
    }
}

/// Remembers pushes.
#[derive(Default)]
pub(crate) struct Pushed(pub(crate) Vec<String>);

impl PushSink for Pushed {
    fn push(&mut self, push: &Push<'_>) -> Result<(), Failure> {
        let headers = push
            .headers
            .iter()
            .map(|(name, value)| format!("{name}={value} "));
        self.0.push(format!(
            "{} {} {}{}",
            push.method,
            push.url,
            headers.collect::<String>(),
            String::from_utf8_lossy(push.body)
        ));
        Ok(())
    }
}
