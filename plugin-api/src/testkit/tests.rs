//! An author's plugin in every role, through the border and back.

use std::io::{BufWriter, Write};
use std::thread;
use std::time::Duration;

use meterbox_plugin_abi::gather::{Filter, Flow, Head, Kind, Segment, Visitor};

use super::*;
use crate::prelude::*;
use crate::{Model, Verdict};

/// Does everything, and panics where its configuration says.
struct Probe {
    panics_in: String,
    host: Host,
}

impl Probe {
    fn enter(&self, entry: &str) {
        assert!(self.panics_in != entry, "boom in {entry}");
    }

    fn echo(&self, request: &Request, reply: Responder) -> Result<()> {
        self.enter("call");
        let body = String::from_utf8(request.body_up_to(4)?)?;
        let names = request.query_values("n[]").join("+");
        let (rest, accept) = (request.rest(), request.header("Accept").unwrap_or("none"));
        reply.text(format!(
            "{} {rest} {names} {accept} {body}",
            request.method()
        ))
    }

    fn odd(&self, request: &Request, mut reply: Responder) -> Result<()> {
        match request.rest() {
            "/drop" => Ok(()),
            "/error" => Err(Error::not_found("no such thing")),
            "/late" => {
                thread::spawn(move || reply.text("late"));
                Ok(())
            }
            "/half" => {
                reply.write(b"half")?;
                Err(Error::internal("no more"))
            }
            "/header" => {
                reply.header("x\n", "y");
                reply.text("never sent")
            }
            _ => {
                reply.status(201).header("x-kind", "stream");
                let mut lines = BufWriter::new(&mut reply);
                (0..3).try_for_each(|line| writeln!(lines, "line {line}"))?;
                drop(lines);
                reply.finish()
            }
        }
    }
}

impl Plugin for Probe {
    fn new(host: &Host, config: Config) -> Result<Self> {
        config.allow_only(&["panics_in"])?;
        let panics_in = config.str_or("panics_in", "")?.to_owned();
        assert!(panics_in != "new", "boom in new");
        host.subscribe(EventKinds::REQUEST_DONE.with(EventKinds::WORKER_DIED))?;
        host.start_timer(7, Duration::from_secs(10))?;
        Ok(Self {
            panics_in,
            host: host.clone(),
        })
    }
    fn routes(&self, routes: &mut Routes<Self>) {
        self.enter("routes");
        routes.metrics("echo").get(Self::echo).post(Self::echo);
        routes.inference("odd").any(Self::odd);
    }
    fn roles(&self) -> Roles {
        Roles::COLLECTOR.with(Roles::LISTENER).with(Roles::EXPORTER)
    }
    fn start(&self) -> Result<()> {
        self.enter("start");
        Ok(())
    }
    fn stop(&self, _deadline: Duration) -> Result<()> {
        self.enter("stop");
        Ok(())
    }
    fn collect(&self, families: &mut Families<'_>) -> Result<()> {
        self.enter("collect");
        families
            .gauge("now_seconds", "Now.")
            .sample(&[], self.host.monotonic().as_secs_f64());
        Ok(())
    }
    fn on_events(&self, events: &Events) -> Result<()> {
        self.enter("on_events");
        for event in events
            .iter()
            .filter(|event| event.kind() == EventKinds::WORKER_DIED)
        {
            let reason = event.reason().unwrap_or("no reason");
            self.host
                .log(Level::WARN, &format!("{:?} died: {reason}", event.worker()));
        }
        Ok(())
    }
    fn export(&self, gathered: &Gathered<'_>, pushes: &mut Pushes<'_>) -> Result<()> {
        self.enter("export");
        let mut names = Names::default();
        gathered.visit(&Filter::ALL, &mut names)?;
        let body = names.0.join(",");
        let draft = pushes.post("http://sink/write").header("x-a", "b");
        draft.bytes(body.as_bytes())?;
        let mut lines = String::new();
        gathered.each(|family, series| {
            let kind = family.kind.word();
            lines += &format!("{} {kind} {:?}\n", family.name, series.value());
        })?;
        pushes.request("PUT", "http://sink/lines").text(&lines)
    }
    fn classify(&self, status: u16, _body: &[u8]) -> Result<(Verdict, String)> {
        self.enter("classify");
        Ok((Verdict::DROP, format!("status {status}")))
    }
    fn on_timer(&self, id: u64) -> Result<()> {
        self.enter("on_timer");
        self.host.log(Level::INFO, &format!("timer {id}"));
        Ok(())
    }
}

impl Drop for Probe {
    fn drop(&mut self) {
        if self.panics_in == "drop" {
            panic!("boom in drop");
        }
    }
}

#[derive(Default)]
struct Names(Vec<String>);

impl Visitor for Names {
    fn family(&mut self, family: &Head<'_>) -> Flow {
        self.0
            .push(format!("{} {}", family.name(), family.kind().word()));
        Flow::Continue
    }
    fn segment(&mut self, segment: &Segment<'_>) -> Flow {
        let rows = segment.label_text();
        self.0.push(format!(
            "{rows} {:?} {:?}",
            segment.values(),
            segment.counts()
        ));
        Flow::Continue
    }
}

fn probe(panics_in: &str) -> Result<TestPlugin> {
    TestHost::new().create::<Probe>(&format!("panics_in = {panics_in:?}"))
}

fn fine() -> TestPlugin {
    probe("").expect("it can be created")
}

#[test]
fn a_panic_in_any_entry_is_an_error_with_its_text() {
    for entry in ["new", "routes", "start"] {
        let error = probe(entry).map(drop).expect_err(entry);
        assert_eq!(error.message(), format!("boom in {entry}"));
    }
    let at = |entry| probe(entry).expect("it can be created");
    let refused = |result: Result<()>, entry: &str| {
        assert_eq!(
            result.expect_err(entry).message(),
            format!("boom in {entry}")
        );
    };
    refused(at("stop").stop(Duration::ZERO), "stop");
    refused(
        at("collect").collect(&Filter::ALL, &mut Names::default()),
        "collect",
    );
    refused(at("on_events").on_events(vec![]), "on_events");
    refused(at("export").export().map(drop), "export");
    refused(at("classify").classify(200, b"").map(drop), "classify");
    refused(at("on_timer").on_timer(7), "on_timer");
    let reply = at("call").get("/echo");
    assert_eq!((reply.status, reply.text()), (500, "boom in call"));
    drop(at("drop"));
}

#[test]
fn a_request_arrives_with_all_its_parts() {
    let plugin = fine();
    let request = TestRequest::post("/echo/a/b?n[]=x&n%5B%5D=y", "body").header("ACCEPT", "*/*");
    let reply = plugin.call(&request);
    assert_eq!(
        (reply.status, reply.text()),
        (200, "POST /a/b x+y */* body")
    );
    assert_eq!(
        reply.header("content-type"),
        Some("text/plain; charset=utf-8")
    );
    let reply = plugin.call(&TestRequest::new("HEAD", "/echo"));
    assert_eq!((reply.status, reply.text()), (200, ""));
    let reply = plugin.call(&TestRequest::post("/echo", "too long"));
    assert_eq!(
        (reply.status, reply.text()),
        (413, "the body is longer than 4 bytes")
    );
}

#[test]
fn what_no_route_takes_is_refused_before_the_plugin() {
    let plugin = fine();
    let reply = plugin.call(&TestRequest::new("DELETE", "/echo"));
    assert_eq!(
        (reply.status, reply.header("allow")),
        (405, Some("GET, HEAD, POST"))
    );
    assert_eq!(plugin.get("/nothing").status, 404);
    assert_eq!(
        plugin.call(&TestRequest::get("/odd").on("metrics")).status,
        404
    );
    assert_eq!(
        plugin
            .call(&TestRequest::new("BREW", "/odd").on("inference"))
            .status,
        201
    );
}

#[test]
fn an_answer_follows_the_rules_of_a_dropped_responder() {
    let plugin = fine();
    let check = |path, status, text| {
        let reply = plugin.get(path);
        assert_eq!(
            (reply.status, reply.text(), reply.aborted),
            (status, text, false),
            "{path}"
        );
    };
    check("/odd/drop", 500, "the plugin returned without an answer");
    check("/odd/error", 404, "no such thing");
    check("/odd/late", 200, "late");
    check("/odd/header", 500, "\"x\\n\" is not a header name");
    check("/odd/stream", 201, "line 0\nline 1\nline 2\n");
    let reply = plugin.get("/odd/half");
    assert_eq!(
        (reply.status, reply.text(), reply.aborted),
        (200, "half", true)
    );
}

#[test]
fn collecting_listening_and_timers_reach_the_author() {
    let host = TestHost::new();
    let plugin = host.create::<Probe>("").expect("it can be created");
    assert_eq!(host.subscribed().0, 1 | 32);
    assert_eq!(host.advance(Duration::from_secs(25)), [7, 7]);
    plugin.on_timer(7).expect("no error");
    let died = Row::new()
        .number(event_fields::KIND, EventKinds::WORKER_DIED.number())
        .text(event_fields::WORKER, "w1");
    plugin.on_events(vec![Row::new(), died]).expect("no error");
    assert_eq!(
        host.log_lines(),
        ["info: timer 7", "warn: Some(\"w1\") died: no reason"]
    );
    let mut names = Names::default();
    plugin.collect(&Filter::ALL, &mut names).expect("no error");
    assert_eq!(names.0, ["now_seconds gauge", " [25.0] []"]);
    assert_eq!(
        plugin.roles().names(),
        ["endpoint", "collector", "exporter", "listener"]
    );
}

#[test]
fn an_exporter_pushes_what_the_host_gathered() {
    let host = TestHost::new();
    let plugin = host.create::<Probe>("").expect("it can be created");
    let done = host
        .host()
        .metrics()
        .counter("done_total", "Done.")
        .expect("a name");
    done.with(&[("model", "noop")]).expect("a series").add(3);
    let pushes = plugin.export().expect("no error");
    assert_eq!(
        pushes[0].body,
        b"done_total counter,model=\"noop\" [3.0] []"
    );
    assert_eq!(pushes[0].headers, [("x-a".to_owned(), "b".to_owned())]);
    assert_eq!(
        (pushes[1].method.as_str(), pushes[1].url.as_str()),
        ("PUT", "http://sink/lines")
    );
    assert_eq!(pushes[1].headers[0].0, "content-type");
    assert_eq!(pushes[1].body, b"done_total counter Some(3.0)\n");
    assert_eq!(
        plugin.classify(413, b""),
        Ok((Verdict::DROP, "status 413".to_owned()))
    );
}

#[test]
fn metrics_are_found_again_by_name_and_labels_in_any_order() {
    let host = TestHost::new();
    let metrics = host.host().metrics();
    let jobs = metrics.counter("jobs_total", "Jobs.").expect("a name");
    jobs.with(&[("a", "1"), ("b", "2")])
        .expect("a series")
        .inc();
    let again = metrics.counter("jobs_total", "Jobs.").expect("a name");
    again
        .with(&[("b", "2"), ("a", "1")])
        .expect("the same series")
        .add(4);
    assert_eq!(
        host.value("jobs_total", &[("b", "2"), ("a", "1")]),
        Some(5.0)
    );

    let error = again
        .with(&[("a", "1"), ("c", "2")])
        .map(drop)
        .expect_err("another label");
    assert_eq!(
        error.message(),
        "metric jobs_total has the labels [a, b], not [a, c]"
    );
    let error = again
        .with(&[("a", "1"), ("b", "2"), ("c", "3")])
        .map(drop)
        .expect_err("one more");
    assert_eq!(
        error.message(),
        "metric jobs_total has the labels [a, b], not [a, b, c]"
    );
    let gauge = metrics.gauge("jobs_total", "Jobs.").expect("a name");
    let error = gauge
        .with(&[("a", "1"), ("b", "2")])
        .map(drop)
        .expect_err("another kind");
    assert_eq!(error.kind(), ErrorKind::Conflict);
    assert_eq!(
        error.message(),
        "metric jobs_total is registered with kind counter"
    );

    again
        .remove(&[("b", "2"), ("a", "1")])
        .expect("it is there");
    assert_eq!(host.value("jobs_total", &[("a", "1"), ("b", "2")]), None);
    assert!(
        again.remove(&[("b", "2"), ("a", "1")]).is_err(),
        "it is gone"
    );
}

#[test]
fn every_kind_of_instrument_changes_its_series() {
    let host = TestHost::new();
    let metrics = host.host().metrics();
    let spent = metrics
        .counter_f64("spent_seconds_total", "Spent.")
        .expect("a name");
    let spent = spent.unit("seconds").with(&[]).expect("a series");
    spent.add(0.5);
    spent.add(-1.0);
    spent.set_total(2.0);
    let level = metrics
        .gauge("level", "Level.")
        .expect("a name")
        .with(&[])
        .expect("a series");
    level.set(5.0);
    level.inc();
    level.dec();
    level.add(-2.0);
    let wait = metrics
        .histogram("wait_seconds", "Wait.", &[0.1, f64::INFINITY])
        .expect("a name");
    let wait = wait.with(&[]).expect("a series");
    wait.observe(0.1);
    wait.observe_duration(Duration::from_millis(250));
    let size = metrics
        .summary("size_bytes", "Size.")
        .expect("a name")
        .with(&[])
        .expect("a series");
    size.observe(3.0);
    assert_eq!(size.time(|| 7), 7);
    let build = metrics.info("build_info", "Build.").expect("a name");
    build.with(&[("version", "1")]).expect("a series");
    for (sample, labels, expect) in [
        ("spent_seconds_total", &[][..], 2.0),
        ("level", &[], 3.0),
        ("wait_seconds_count", &[], 2.0),
        ("wait_seconds_sum", &[], 0.35),
        ("size_bytes_count", &[], 2.0),
        ("build_info", &[("version", "1")], 1.0),
    ] {
        assert_eq!(host.value(sample, labels), Some(expect), "{sample}");
    }
    let mut names = Names::default();
    host.host()
        .gather(
            &Filter {
                names: &["wait_seconds_sum"],
            },
            &mut names,
        )
        .expect("no error");
    assert_eq!(names.0, ["wait_seconds histogram", " [] [2]"]);
}

#[test]
fn a_denied_permission_is_named() {
    let host = TestHost::new();
    host.deny("metrics.read");
    let error = host.create::<Probe>("").map(drop).expect_err("denied");
    assert_eq!(error.kind(), ErrorKind::Denied);
    assert_eq!(error.message(), "permission metrics.read is missing");
}

#[test]
fn a_misspelt_key_stops_the_creation() {
    let error = TestHost::new()
        .create::<Probe>("panic_in = 1")
        .map(drop)
        .expect_err("refused");
    let text = "test.toml: panic_in is not a key of this plugin (known: panics_in)";
    assert_eq!((error.kind(), error.message()), (ErrorKind::Invalid, text));
}

#[test]
fn an_undeclared_role_is_told_to_the_author() {
    struct Quiet;
    impl Plugin for Quiet {
        fn new(_host: &Host, _config: Config) -> Result<Self> {
            Ok(Self)
        }
    }
    let plugin = TestHost::new()
        .create::<Quiet>("")
        .expect("it can be created");
    let error = plugin
        .collect(&Filter::ALL, &mut Names::default())
        .expect_err("no role");
    assert!(error.message().contains("Roles::COLLECTOR"), "{error}");
    assert_eq!(plugin.roles(), Roles::NONE);
}

#[test]
fn models_and_facts_come_from_the_host() {
    let host = TestHost::new();
    let noop = Model {
        name: "noop".to_owned(),
        is_default: true,
        workers_ready: 3,
        ..Model::default()
    };
    host.add_model(noop.clone());
    host.set_metric_sets(&["node"]);
    let seen = host.host();
    assert_eq!(seen.models(), Ok(vec![noop]));
    assert_eq!((seen.pid(), seen.hostname().as_str()), (1, "testhost"));
    assert_eq!(seen.metric_sets(), ["node"]);
    host.advance(Duration::from_secs(3));
    assert_eq!(seen.now(), TestHost::new().now() + Duration::from_secs(3));
    assert_eq!(Kind::GAUGE.word(), "gauge");
}
