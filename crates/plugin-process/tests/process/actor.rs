//! The plugin of these tests: does what its request's path or its configuration says. It runs in the
//! child, without a library file.

use meterbox_plugin_abi::gather::{Filter, Flow, GatherSource, Head, Kind, Segment, Visitor};
use meterbox_plugin_abi::{
    Failure, FamilySpec, Host, Instrument, Level, Listener, Methods, PluginEntries, Push, PushSink,
    Request, Responder, Roles, Route, Status, Table, Verdict,
};
use std::fmt::Write;
use std::sync::Mutex;
use std::time::Duration;

pub(crate) struct Actor {
    host: Host,
    mode: String,
    acts: Instrument,
    sizes: Instrument,
    level: Instrument,
    spent: Instrument,
    kept: Mutex<Vec<Responder>>,
}

fn spec<'a>(kind: Kind, name: &'a str, bounds: &'a [f64]) -> FamilySpec<'a> {
    FamilySpec {
        kind,
        name,
        help: "",
        unit: "",
        labels: &[],
        bounds,
        flags: 0,
        set: "",
    }
}

/// Does the fault of this name, if it is one.
fn fault(name: &str) {
    match name {
        "abort" => std::process::abort(),
        "exit" => std::process::exit(0),
        // The runtime's handler takes the first one off its hands.
        "segv" => loop {
            let own = rustix::process::getpid();
            rustix::process::kill_process(own, rustix::process::Signal::SEGV).unwrap();
        },
        "memory" => {
            eprintln!("memory allocation of 99 bytes failed");
            std::process::abort();
        }
        "loop" => loop {
            std::hint::spin_loop();
        },
        _ => {}
    }
}

impl Actor {
    pub(crate) fn create(host: Host, config: &str) -> Result<Self, Failure> {
        let mode = config.trim_matches(['{', '}', '"']).to_owned();
        println!("created as {mode}");
        if mode == "new=fail" {
            return Err(Failure::new(Status::INVALID, "no such key"));
        }
        fault(mode.strip_prefix("new=").unwrap_or_default());
        let series = |kind, name: &str, bounds: &[f64]| {
            host.register(&spec(kind, name, bounds))?.series(&[])
        };
        Ok(Self {
            acts: series(Kind::COUNTER, "acts_total", &[])?,
            sizes: series(Kind::HISTOGRAM, "sizes", &[1.0, 10.0])?,
            level: series(Kind::GAUGE, "level", &[])?,
            spent: series(Kind::SUMMARY, "spent", &[])?,
            mode,
            host,
            kept: Mutex::default(),
        })
    }

    /// Whether the file named by `mode` is there: what differs from one process to the next.
    fn marked(&self, mode: &str) -> bool {
        let path = self.mode.strip_prefix(mode);
        path.is_some_and(|path| std::path::Path::new(path).exists())
    }
}

impl PluginEntries for Actor {
    fn start(&self) -> Result<(), Failure> {
        self.host.log(Level::INFO, "actor", "ready");
        if self.marked("start-fails-if=") {
            return Err(Failure::internal("the mark is set"));
        }
        if self.mode == "timer" {
            self.host.start_timer(7, Duration::from_secs(1))?;
        }
        fault(self.mode.strip_prefix("start=").unwrap_or_default());
        Ok(())
    }

    fn stop(&self, _deadline: Duration) -> Result<(), Failure> {
        self.host.log(Level::INFO, "actor", "leaving");
        fault(self.mode.strip_prefix("stop=").unwrap_or_default());
        Ok(())
    }

    fn roles(&self) -> Roles {
        Roles::ENDPOINT.with(Roles::COLLECTOR)
    }

    fn routes(&self) -> Vec<Route> {
        let pattern = if self.marked("other-route-if=") {
            "other"
        } else {
            "actor"
        };
        vec![Route {
            id: 3,
            listener: Listener::METRICS,
            pattern: pattern.to_owned(),
            methods: Methods::ANY,
        }]
    }

    fn call(&self, route: u32, request: Request, mut responder: Responder) -> Result<(), Failure> {
        assert_eq!(route, 3);
        self.acts.add_u64(1);
        self.sizes.observe(5.0);
        self.spent.observe(0.5);
        let rest = request.rest().to_owned();
        let (what, argument) = rest.split_once('/').unwrap_or((&rest, ""));
        fault(what);
        match what {
            "count" => {
                let count: u64 = argument.parse().unwrap();
                (0..count).for_each(|_| self.acts.add_u64(1));
                self.level.set(count as f64);
                responder.finish(b"counted")
            }
            "count-abort" => {
                (0..1000).for_each(|_| self.acts.add_u64(1));
                std::process::abort();
            }
            "head" => {
                responder.status(202)?;
                responder.header("X-Query", request.query().as_bytes())?;
                let header = request.header("x-ask").unwrap_or_default().to_vec();
                responder.header("x-ask", &header)?;
                responder.finish(request.method().as_bytes())
            }
            "echo" => {
                let mut whole = Vec::new();
                let mut buffer = vec![0; 100_000];
                loop {
                    match request.read_body(&mut buffer)? {
                        0 => return responder.finish(&whole),
                        read => whole.extend_from_slice(&buffer[..read]),
                    }
                }
            }
            "stream" => {
                for part in 0..argument.parse().unwrap() {
                    responder.write(format!("part {part}\n").as_bytes())?;
                }
                responder.finish(b"end")
            }
            "stream-abort" => {
                responder.write(b"half of it")?;
                std::process::abort();
            }
            "big" => {
                let bytes: usize = argument.parse().unwrap();
                responder.finish(&vec![b'x'; bytes])
            }
            "later" => {
                std::thread::spawn(move || responder.finish(b"later"));
                Ok(())
            }
            "keep" => {
                self.kept.lock().unwrap().push(responder);
                Ok(())
            }
            "drop" => Ok(()),
            "fail" => Err(Failure::new(Status::NOT_FOUND, "no such thing")),
            "panic" => panic!("it panicked"),
            "gather" => {
                let mut text = Text::default();
                let names = [argument];
                let filter = match argument {
                    "all" => Filter::ALL,
                    _ => Filter { names: &names },
                };
                let gathered = self.host.gather(&filter, &mut text);
                gathered.map_err(Failure::internal)?;
                responder.finish(text.0.as_bytes())
            }
            "page" => {
                let mut page = Page(responder);
                let gathered = self.host.gather(&Filter::ALL, &mut page);
                gathered.map_err(Failure::internal)?;
                page.0.finish(b"end\n")
            }
            "pid" => responder.finish(std::process::id().to_string().as_bytes()),
            "noise" => {
                eprintln!("a line of noise");
                let lines = argument.parse().unwrap();
                std::thread::spawn(move || (0..lines).for_each(|line| println!("noise {line}")));
                responder.finish(b"noisy")
            }
            _ => responder.finish(b"ok"),
        }
    }

    fn collect(&self, filter: &Filter<'_>, visitor: &mut dyn Visitor) -> Result<(), Failure> {
        let _ = visitor.family(&spec(Kind::GAUGE, "shown", &[]).head());
        let _ = visitor.segment(&shown(&[filter.names.len() as f64]));
        fault(self.mode.strip_prefix("collect=").unwrap_or_default());
        Ok(())
    }

    fn on_events(&self, events: Table) -> Result<(), Failure> {
        self.acts.add_u64(events.len() as u64);
        Ok(())
    }

    fn export(
        &self,
        gathered: &dyn GatherSource,
        pushes: &mut dyn PushSink,
    ) -> Result<(), Failure> {
        let mut text = Text::default();
        gathered
            .gather(&Filter::ALL, &mut text)
            .map_err(Failure::internal)?;
        pushes.push(&Push {
            method: "POST",
            url: "http://127.0.0.1/push",
            headers: &[("x-a", "b")],
            body: text.0.as_bytes(),
        })
    }

    fn classify(&self, status: u16, body: &[u8]) -> Result<(Verdict, String), Failure> {
        let reason = format!("{status} {}", String::from_utf8_lossy(body));
        Ok((Verdict::DROP, reason))
    }

    fn on_timer(&self, id: u64) -> Result<(), Failure> {
        self.acts.add_u64(id);
        Ok(())
    }
}

/// One series without labels.
pub(crate) fn shown(value: &[f64; 1]) -> Segment<'_> {
    Segment::of("", &[0]).with_values(value)
}

/// A page of names and values.
#[derive(Default)]
pub(crate) struct Text(pub(crate) String);

impl Visitor for Text {
    fn family(&mut self, family: &Head<'_>) -> Flow {
        let _ = write!(self.0, "{}", family.name());
        Flow::Continue
    }
    fn segment(&mut self, segment: &Segment<'_>) -> Flow {
        let _ = writeln!(self.0, " {:?}", segment.values());
        Flow::Continue
    }
}

/// A page that is sent while it is gathered, as an encoder does.
struct Page(Responder);

impl Visitor for Page {
    fn family(&mut self, family: &Head<'_>) -> Flow {
        match self.0.write(format!("{}\n", family.name()).as_bytes()) {
            Ok(()) => Flow::Continue,
            Err(_) => Flow::Stop,
        }
    }
    fn segment(&mut self, _: &Segment<'_>) -> Flow {
        Flow::Continue
    }
}
