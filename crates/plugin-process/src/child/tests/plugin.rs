//! A plugin that does what the number of its route says.

use std::sync::Barrier;
use std::thread;
use std::time::Duration;

use meterbox_plugin_abi::gather::{Filter, Flow, GatherSource, Head, Kind, Segment, Visitor};
use meterbox_plugin_abi::{
    Failure, FamilySpec, Host, Level, Listener, Methods, PluginEntries, Push, PushSink, Request,
    Responder, Roles, Route, Status, Table, Verdict, events,
};

pub(super) const ECHO: u32 = 1;
pub(super) const STREAM: u32 = 2;
pub(super) const LATER: u32 = 3;
pub(super) const FORGET: u32 = 4;
pub(super) const PANIC: u32 = 5;
pub(super) const FAIL: u32 = 6;
pub(super) const ASK: u32 = 7;
pub(super) const COUNT: u32 = 8;
pub(super) const GATHER: u32 = 9;
pub(super) const GATHER_LATER: u32 = 10;
pub(super) const LARGE: u32 = 11;
pub(super) const BUSY: u32 = 12;

/// Lets the entry [`BUSY`] end.
pub(super) static DONE_WITH_IT: Barrier = Barrier::new(2);

pub(super) struct Probe {
    host: Host,
}

pub(super) fn spec(name: &str, kind: Kind) -> FamilySpec<'_> {
    FamilySpec {
        kind,
        name,
        help: "h",
        unit: "",
        labels: &["a"],
        bounds: &[],
        flags: 0,
        set: "",
    }
}

impl Probe {
    pub(super) fn new(host: Host) -> Self {
        host.log(Level::INFO, "probe", "made");
        host.log(Level::DEBUG, "probe", "never sent");
        Self { host }
    }

    fn count(&self) -> Result<(), Failure> {
        let counter = self
            .host
            .register(&spec("x_total", Kind::COUNTER))?
            .series(&["1"])?;
        counter.add_u64(3);
        // Known already: no exchange, although both handles are new.
        let again = self.host.register(&spec("x_total", Kind::COUNTER))?;
        again.series(&["1"])?.add_u64(4);
        let gauge = self.host.register(&spec("level", Kind::GAUGE))?;
        let endless = gauge.series(&vec![""; 70_000]).map(drop);
        assert_eq!(endless.unwrap_err().status, Status::TOO_LARGE);
        gauge.series(&["1"])?.set(2.5);
        again.remove(&["1"])?;
        counter.add_u64(100);
        Ok(())
    }

    fn ask(&self, responder: Responder) -> Result<(), Failure> {
        let host = &self.host;
        let models = host.models()?;
        host.start_timer(1, Duration::from_secs(2))?;
        host.stop_timer(1)?;
        let refused = host.subscribe(events::EventKinds::SAMPLE);
        let text = format!(
            "{:?} {:?} {:?} {:?}",
            models.text(0, meterbox_plugin_abi::models::NAME),
            host.info(meterbox_plugin_abi::Fact::PLUGIN),
            host.info(meterbox_plugin_abi::Fact(99)),
            refused.map_err(|failure| failure.status),
        );
        responder.finish(text.as_bytes())
    }
}

/// Writes every family to the answer, and asks the host for other things meanwhile.
struct Page<'h> {
    host: &'h Host,
    responder: Option<Responder>,
    series: usize,
}

impl Visitor for Page<'_> {
    fn family(&mut self, family: &Head<'_>) -> Flow {
        let responder = self.responder.as_mut().expect("an answer");
        match responder.write(family.name().as_bytes()) {
            Ok(()) => Flow::Continue,
            Err(_) => Flow::Stop,
        }
    }

    fn segment(&mut self, segment: &Segment<'_>) -> Flow {
        self.series += segment.len();
        let nested = self.host.gather(&Filter::ALL, self);
        assert!(nested.is_err(), "a gather inside a gather");
        assert_eq!(segment.values().len(), segment.len(), "still in place");
        Flow::Continue
    }
}

fn page(host: &Host, responder: Responder) -> Result<(), Failure> {
    let mut page = Page {
        host,
        responder: Some(responder),
        series: 0,
    };
    let filter = Filter { names: &["x"] };
    host.gather(&filter, &mut page).map_err(Failure::internal)?;
    let text = format!(" {}", page.series);
    page.responder.expect("an answer").finish(text.as_bytes())
}

impl Drop for Probe {
    fn drop(&mut self) {
        self.host.log(Level::WARN, "probe", "dropped");
    }
}

impl PluginEntries for Probe {
    fn start(&self) -> Result<(), Failure> {
        Ok(())
    }

    fn stop(&self, deadline: Duration) -> Result<(), Failure> {
        Err(Failure::internal(format!("{deadline:?} is not enough")))
    }

    fn roles(&self) -> Roles {
        Roles::ENDPOINT.with(Roles::COLLECTOR)
    }

    fn routes(&self) -> Vec<Route> {
        vec![Route {
            id: 7,
            listener: Listener::METRICS,
            pattern: "probe".to_owned(),
            methods: Methods::ANY,
        }]
    }

    fn call(&self, route: u32, request: Request, mut responder: Responder) -> Result<(), Failure> {
        match route {
            ECHO => {
                let mut body = vec![0; 1 << 20];
                let mut len = 0;
                loop {
                    let read = request.read_body(&mut body[len..])?;
                    if read == 0 {
                        break;
                    }
                    len += read;
                }
                responder.status(201)?;
                responder.header("X-Path", request.path().as_bytes())?;
                assert_eq!(request.header("Accept"), Some(&b"*/*"[..]));
                assert_eq!(request.header_at(1), Some(("x-empty", &b""[..])));
                assert_eq!((request.method(), request.rest()), ("POST", "/é"));
                assert_eq!((request.query(), request.time_left()), ("q=1", None));
                responder.finish(&body[..len])
            }
            STREAM => {
                responder.write(b"one")?;
                assert!(responder.header("late", b"x").is_err(), "the head is sent");
                assert!(!responder.is_closed());
                responder.write(b"two")?;
                responder.finish(b"three")
            }
            LATER => {
                thread::spawn(move || responder.finish(b"late"));
                Ok(())
            }
            FORGET => Ok(()),
            PANIC => panic!("boom on route {route}"),
            FAIL => responder.fail(503, "not today"),
            ASK => self.ask(responder),
            COUNT => self.count(),
            GATHER => page(&self.host, responder),
            GATHER_LATER => {
                let host = self.host.clone();
                thread::spawn(move || page(&host, responder));
                Ok(())
            }
            LARGE => responder.finish(&vec![b'x'; 200 << 10]),
            BUSY => {
                responder.finish(b"early")?;
                DONE_WITH_IT.wait();
                Ok(())
            }
            _ => Err(Failure::new(Status::NOT_FOUND, "no such page")),
        }
    }

    fn collect(&self, filter: &Filter<'_>, visitor: &mut dyn Visitor) -> Result<(), Failure> {
        for name in filter.names {
            let family = spec(name, Kind::GAUGE);
            if visitor.family(&family.head()) == Flow::Stop {
                return Ok(());
            }
        }
        match filter.names {
            [.., "broken"] => Err(Failure::internal("the cellar is locked")),
            _ => Ok(()),
        }
    }

    fn on_events(&self, events: Table) -> Result<(), Failure> {
        let model = events.text(0, events::MODEL);
        Err(Failure::internal(format!("{model:?} {}", events.len())))
    }

    fn export(
        &self,
        gathered: &dyn GatherSource,
        pushes: &mut dyn PushSink,
    ) -> Result<(), Failure> {
        struct Pushing<'p>(&'p mut dyn PushSink, Result<(), Failure>);
        impl Visitor for Pushing<'_> {
            fn family(&mut self, family: &Head<'_>) -> Flow {
                self.1 = self.0.push(&Push {
                    method: "POST",
                    url: "http://sink",
                    headers: &[("x-name", family.name())],
                    body: b"b",
                });
                Flow::Continue
            }
            fn segment(&mut self, _segment: &Segment<'_>) -> Flow {
                Flow::Continue
            }
        }
        let mut pushing = Pushing(pushes, Ok(()));
        gathered
            .gather(&Filter::ALL, &mut pushing)
            .map_err(Failure::internal)?;
        pushing.1
    }

    fn classify(&self, status: u16, body: &[u8]) -> Result<(Verdict, String), Failure> {
        Ok((Verdict::DROP, format!("{status} {}", body.len())))
    }

    fn on_timer(&self, id: u64) -> Result<(), Failure> {
        Err(Failure::new(Status(id as u32), ""))
    }
}
