//! Every entry over the border and back, with a plugin that panics wherever it is told to.

use std::sync::Arc;
use std::sync::Mutex;

use super::*;
use crate::codes::{Clock, Fact, Level, Listener, Methods};
use crate::events::EventKinds;
use crate::gather::spec::FamilySpec;
use crate::gather::{Flow, Head, Kind, Segment};
use crate::host::{Host, HostServices};
use crate::metrics::MetricFamily;
use crate::module::{PluginFactory, module_of};
use crate::reply::{Reply, ReplyHead, ReplySink};
use crate::request::RequestService;
use crate::table::{Field, Row};
use crate::{Push, events};

/// A host that keeps its log and refuses the rest.
#[derive(Default)]
struct Quiet(Mutex<Vec<String>>);

impl GatherSource for Quiet {
    fn gather(&self, filter: &Filter<'_>, visitor: &mut dyn Visitor) -> Result<(), String> {
        let spec = spec(filter.names.first().copied().unwrap_or("all"));
        let _stop_is_fine = visitor.family(&spec.head());
        Ok(())
    }
}

fn spec(name: &str) -> FamilySpec<'_> {
    FamilySpec {
        kind: Kind::GAUGE,
        name,
        help: "h",
        unit: "",
        labels: &["a"],
        bounds: &[],
        flags: 0,
        set: "node",
    }
}

impl HostServices for Quiet {
    fn log_enabled(&self, level: Level, _target: &str) -> bool {
        level <= Level::INFO
    }
    fn log(&self, level: Level, target: &str, message: &str) {
        self.0
            .lock()
            .expect("no panic")
            .push(format!("{level:?} {target} {message}"));
    }
    fn register(&self, family: &FamilySpec<'_>) -> Result<MetricFamily, Failure> {
        let text = format!(
            "{} {:?} {:?} {}",
            family.name, family.kind, family.labels, family.set
        );
        Err(Failure::new(Status::LIMIT, text))
    }
    fn clock(&self, _clock: Clock) -> u64 {
        panic!("no clock");
    }
    fn start_timer(&self, id: u64, period: Duration) -> Result<(), Failure> {
        Err(Failure::internal(format!("{id} {period:?}")))
    }
    fn stop_timer(&self, _id: u64) -> Result<(), Failure> {
        Ok(())
    }
    fn subscribe(&self, kinds: EventKinds) -> Result<(), Failure> {
        Err(Failure::new(Status::DENIED, format!("{}", kinds.0)))
    }
    fn models(&self) -> Result<Table, Failure> {
        Ok(Table::of(Arc::new(vec![
            Row::new().text(crate::models::NAME, "noop"),
        ])))
    }
    fn info(&self, fact: Fact) -> Option<String> {
        (fact == Fact::PLUGIN).then(|| "quiet".to_owned())
    }
}

fn host() -> (Arc<Quiet>, Host) {
    let quiet = Arc::new(Quiet::default());
    (quiet.clone(), Host::of(quiet))
}

struct Get;

impl RequestService for Get {
    fn method(&self) -> &str {
        "GET"
    }
    fn path(&self) -> &str {
        "/probe/é"
    }
    fn rest(&self) -> &str {
        "/é"
    }
    fn query(&self) -> &str {
        ""
    }
    fn peer(&self) -> &str {
        panic!("peer unknown");
    }
    fn header_at(&self, index: usize) -> Option<(&str, &[u8])> {
        [("accept", &b"*/*"[..]), ("x-empty", b"")]
            .get(index)
            .copied()
    }
    fn read_body(&self, buffer: &mut [u8]) -> Result<usize, Failure> {
        buffer[..2].copy_from_slice(b"ok");
        Ok(2)
    }
    fn time_left(&self) -> Option<Duration> {
        None
    }
}

#[derive(Clone, Default)]
struct Sink(Arc<Mutex<Vec<String>>>);

impl ReplySink for Sink {
    fn head(&mut self, head: ReplyHead) -> Result<(), Failure> {
        self.0
            .lock()
            .expect("no panic")
            .push(format!("head {}", head.status));
        Ok(())
    }
    fn body(&mut self, bytes: &[u8]) -> Result<(), Failure> {
        self.0
            .lock()
            .expect("no panic")
            .push(String::from_utf8_lossy(bytes).into_owned());
        Ok(())
    }
    fn end(&mut self) {}
    fn fail(&mut self, status: u16, message: &str) {
        self.0
            .lock()
            .expect("no panic")
            .push(format!("fail {status} {message}"));
    }
    fn abort(&mut self, _message: &str) {}
    fn is_closed(&self) -> bool {
        false
    }
}

/// Panics in the entry whose name is its configuration, echoes otherwise.
struct Probe {
    panics_in: String,
    host: Host,
}

impl Probe {
    fn enter(&self, entry: &str) {
        assert!(self.panics_in != entry, "boom in {entry}");
    }
}

impl PluginEntries for Probe {
    fn start(&self) -> Result<(), Failure> {
        self.enter("start");
        Ok(())
    }
    fn stop(&self, deadline: Duration) -> Result<(), Failure> {
        self.enter("stop");
        Err(Failure::internal(format!("{deadline:?} is not enough")))
    }
    fn roles(&self) -> Roles {
        self.enter("roles");
        Roles::ENDPOINT
    }
    fn routes(&self) -> Vec<Route> {
        self.enter("routes");
        let pattern = "probe".to_owned();
        vec![Route {
            id: 7,
            listener: Listener::METRICS,
            pattern,
            methods: Methods::GET,
        }]
    }
    fn call(&self, route: u32, request: Request, responder: Responder) -> Result<(), Failure> {
        self.enter("call");
        let mut body = [0; 8];
        let read = request.read_body(&mut body)?;
        let body = String::from_utf8_lossy(&body[..read]);
        let accept = request.header("Accept").map(String::from_utf8_lossy);
        let text = format!(
            "{route} {} {} {} {accept:?} {:?} {:?} {body} {:?} {:?}",
            request.method(),
            request.rest(),
            request.peer(),
            request.header_at(1),
            request.header_at(2),
            request.header("none"),
            request.time_left(),
        );
        responder.finish(text.as_bytes())
    }
    fn collect(&self, filter: &Filter<'_>, visitor: &mut dyn Visitor) -> Result<(), Failure> {
        self.enter("collect");
        self.host.gather(filter, visitor).map_err(Failure::internal)
    }
    fn on_events(&self, events: Table) -> Result<(), Failure> {
        self.enter("on_events");
        Err(Failure::internal(format!(
            "{:?}",
            events.text(0, events::MODEL)
        )))
    }
    fn export(
        &self,
        gathered: &dyn GatherSource,
        pushes: &mut dyn PushSink,
    ) -> Result<(), Failure> {
        self.enter("export");
        let mut names = Names::default();
        gathered
            .gather(&Filter { names: &["x"] }, &mut names)
            .map_err(Failure::internal)?;
        let headers = [("x-names", names.0[0].as_str())];
        pushes.push(&Push {
            method: "POST",
            url: "http://sink",
            headers: &headers,
            body: b"b",
        })
    }
    fn classify(&self, status: u16, body: &[u8]) -> Result<(Verdict, String), Failure> {
        self.enter("classify");
        Ok((Verdict::DROP, format!("{status} {}", body.len())))
    }
    fn on_timer(&self, id: u64) -> Result<(), Failure> {
        self.enter("on_timer");
        Err(Failure::new(Status(id as u32), ""))
    }
}

impl Drop for Probe {
    fn drop(&mut self) {
        if self.panics_in == "drop" {
            panic!("boom in drop");
        }
    }
}

struct Factory;

impl PluginFactory for Factory {
    const METADATA: &'static str = r#"{"name":"probe"}"#;
    fn create(host: Host, config: &str) -> Result<Box<dyn PluginEntries>, Failure> {
        match config {
            "refuse" => Err(Failure::new(Status::INVALID, "no such table")),
            "create" => panic!("boom in create"),
            _ => Ok(Box::new(Probe {
                panics_in: config.to_owned(),
                host,
            })),
        }
    }
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

struct Pushes(Vec<String>);

impl PushSink for Pushes {
    fn push(&mut self, push: &Push<'_>) -> Result<(), Failure> {
        self.0.push(format!(
            "{} {} {:?} {}",
            push.method,
            push.url,
            push.headers,
            push.body.len()
        ));
        Ok(())
    }
}

fn probe(panics_in: &str) -> PluginObject {
    let module = module_of::<Factory>();
    assert_eq!(module.metadata_json(), Factory::METADATA);
    module.create_plugin(host().1, panics_in).expect("creation")
}

#[track_caller]
fn panicked(result: &Result<(), Failure>, entry: &str) {
    assert_eq!(
        *result,
        Err(Failure::new(Status::PANICKED, format!("boom in {entry}")))
    );
}

#[test]
fn a_panic_in_any_entry_is_a_failure_with_its_text() {
    let refused = |config| {
        module_of::<Factory>()
            .create_plugin(host().1, config)
            .map(drop)
    };
    panicked(&refused("create"), "create");
    assert_eq!(
        refused("refuse"),
        Err(Failure::new(Status::INVALID, "no such table"))
    );
    panicked(&probe("start").start(), "start");
    panicked(&probe("stop").stop(Duration::ZERO), "stop");
    panicked(&probe("routes").routes().map(drop), "routes");
    panicked(&probe("on_events").on_events(Table::empty()), "on_events");
    panicked(&probe("on_timer").on_timer(1), "on_timer");
    panicked(&probe("classify").classify(200, b"").map(drop), "classify");
    panicked(
        &probe("collect").collect(&Filter::ALL, &mut Names::default()),
        "collect",
    );
    panicked(
        &probe("export").export(&Quiet::default(), &mut Pushes(vec![])),
        "export",
    );
    assert_eq!(probe("roles").roles(), Roles::NONE);
    drop(probe("drop"));
}

#[test]
fn a_panic_in_a_call_is_the_answer() {
    let sink = Sink::default();
    let (responder, watch) = Reply::over(Box::new(sink.clone()));
    let result = probe("call").call(0, Request::of(Arc::new(Get)), responder);
    watch.returned(&result);
    panicked(&result, "call");
    assert_eq!(*sink.0.lock().expect("no panic"), ["fail 500 boom in call"]);
}

#[test]
fn a_request_is_read_and_answered_over_the_border() {
    let sink = Sink::default();
    let (responder, watch) = Reply::over(Box::new(sink.clone()));
    let result = probe("").call(7, Request::of(Arc::new(Get)), responder);
    watch.returned(&result);
    let text = r#"7 GET /é  Some("*/*") Some(("x-empty", [])) None ok None None"#;
    assert_eq!(*sink.0.lock().expect("no panic"), ["head 200", text]);
}

#[test]
fn routes_and_verdicts_arrive_as_they_were_given() {
    let plugin = probe("");
    let pattern = "probe".to_owned();
    let route = Route {
        id: 7,
        listener: Listener::METRICS,
        pattern,
        methods: Methods::GET,
    };
    assert_eq!(plugin.routes(), Ok(vec![route]));
    assert_eq!(
        plugin.classify(413, b"abc"),
        Ok((Verdict::DROP, "413 3".to_owned()))
    );
    assert_eq!(plugin.roles(), Roles::ENDPOINT);
    let refused = plugin
        .stop(Duration::from_millis(5))
        .expect_err("it complains");
    assert_eq!(refused.message, "5ms is not enough");
    assert_eq!(
        plugin.on_timer(77),
        Err(Failure::new(Status(77), "")),
        "a newer status survives"
    );
}

#[test]
fn events_and_pushes_cross_with_their_fields() {
    let rows = vec![
        Row::new()
            .text(events::MODEL, "noop")
            .number(Field(999), 1.0),
    ];
    let told = probe("")
        .on_events(Table::of(Arc::new(rows)))
        .expect_err("it echoes");
    assert_eq!(told.message, "Some(\"noop\")");
    let mut pushes = Pushes(vec![]);
    probe("")
        .export(&Quiet::default(), &mut pushes)
        .expect("a push");
    assert_eq!(pushes.0, ["POST http://sink [(\"x-names\", \"x\")] 1"]);
}

#[test]
fn a_collector_shows_families_to_the_hosts_visitor() {
    let mut names = Names::default();
    probe("")
        .collect(&Filter { names: &["load1"] }, &mut names)
        .expect("no failure");
    assert_eq!(names.0, ["load1"]);
}

#[test]
fn a_visitor_that_panics_is_an_error_of_the_collection() {
    struct Bad;
    impl Visitor for Bad {
        fn family(&mut self, _family: &Head<'_>) -> Flow {
            panic!("boom in visitor");
        }
        fn segment(&mut self, _segment: &Segment<'_>) -> Flow {
            Flow::Continue
        }
    }
    let failure = probe("")
        .collect(&Filter::ALL, &mut Bad)
        .expect_err("it panicked");
    assert!(failure.message.contains("boom in visitor"), "{failure}");
}

#[test]
fn the_hosts_answers_cross_and_its_panics_do_not() {
    let (quiet, host) = host();
    assert!(host.log_enabled(Level::WARN, "t") && !host.log_enabled(Level::DEBUG, "t"));
    host.log(Level::WARN, "t", "m");
    assert_eq!(*quiet.0.lock().expect("no panic"), ["Level(2) t m"]);
    assert_eq!(host.clock(Clock::UNIX), 0, "the host's clock panicked");
    let refused = host.register(&spec("x")).map(drop).expect_err("it refuses");
    assert_eq!(
        refused,
        Failure::new(Status::LIMIT, "x Kind(2) [\"a\"] node")
    );
    let refused = host
        .start_timer(3, Duration::from_secs(2))
        .expect_err("it refuses");
    assert_eq!(refused.message, "3 2s");
    assert_eq!(host.stop_timer(3), Ok(()));
    let refused = host.subscribe(EventKinds::SAMPLE).expect_err("it refuses");
    assert_eq!(refused, Failure::new(Status::DENIED, "64"));
    let models = host.models().expect("one model");
    assert_eq!(models.text(0, crate::models::NAME), Some("noop"));
    assert_eq!(host.info(Fact::PLUGIN).as_deref(), Some("quiet"));
    assert_eq!(host.info(Fact(999)), None);
    assert_eq!(spec("x").labels, ["a"]);
    assert_eq!(spec("x").head().help(), "h");
}
