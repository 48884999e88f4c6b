//! Whatever a child asks for is answered or ends the child; nothing of it harms the host.

use std::io::Read;
use std::os::unix::net::UnixStream;

use meterbox_plugin_abi::gather::{Head, Segment};
use meterbox_plugin_abi::{
    Clock, FamilyService, FamilySpec, Instrument, MetricFamily, Status, Table,
};

use super::*;
use crate::cells::{CellShape, ParentCells, Series};
use crate::lane::Lane;
use crate::side::Side;

/// Takes everything.
struct Open;

struct OpenFamily;

impl FamilyService for OpenFamily {
    fn series(&self, _: &[&str]) -> Result<Instrument, Failure> {
        let cells = ParentCells::make(4096, 1).expect("memory");
        let file = std::os::fd::AsFd::as_fd(&cells).try_clone_to_owned();
        let cells = crate::cells::ChildCells::open(file.expect("a descriptor"), 4096, 1);
        let cells = cells.expect("the same file");
        let series = Series::new(cells, 2, CellShape::Counter, Arc::default());
        Ok(series.expect("there is room").instrument())
    }
    fn remove(&self, _: &[&str]) -> Result<(), Failure> {
        Ok(())
    }
}

impl GatherSource for Open {
    fn gather(&self, _: &Filter<'_>, _: &mut dyn Visitor) -> Result<(), String> {
        Ok(())
    }
}

impl HostServices for Open {
    fn log_enabled(&self, level: Level, _: &str) -> bool {
        level <= Level::DEBUG
    }
    fn log(&self, _: Level, _: &str, message: &str) {
        assert!(message.len() <= LOG_BYTES_MAX);
    }
    fn register(&self, _: &FamilySpec<'_>) -> Result<MetricFamily, Failure> {
        Ok(MetricFamily::of(OpenFamily))
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

struct Nobody;

impl Visitor for Nobody {
    fn family(&mut self, _: &Head<'_>) -> Flow {
        Flow::Stop
    }
    fn segment(&mut self, _: &Segment<'_>) -> Flow {
        Flow::Stop
    }
}

struct Bench {
    host_calls: HostCalls,
    lane: Lane,
    child: UnixStream,
}

impl Bench {
    fn new() -> Self {
        let (host, child) = UnixStream::pair().expect("a pair");
        child.set_nonblocking(true).expect("a socket");
        let cells = ParentCells::make(4096, 1).expect("memory");
        Self {
            host_calls: HostCalls::new(
                Arc::new(Open),
                RegisteredFamilies::new(cells),
                Calls::new(8),
            ),
            lane: Lane::new(host, None, Side::Parent),
            child,
        }
    }

    /// The status that one request is answered with; none for one way, an error for the child's end.
    fn serve(
        &mut self,
        kind: Kind,
        payload: &[u8],
        scope: &mut Scope<'_>,
    ) -> Result<Option<Status>, LaneError> {
        let payload = Payload::owned(crate::aligned::Aligned::from_bytes(payload));
        let mut lane_guard = LaneGuard::new(&mut self.lane, None);
        self.host_calls
            .serve(kind, &payload, &mut lane_guard, scope)?;
        let mut bytes = [0; 256];
        Ok(match self.child.read(&mut bytes) {
            Ok(read) if read >= 16 => {
                assert_eq!(u16::from_le_bytes([bytes[4], bytes[5]]), Kind::ANSWER.0);
                Some(Status(u32::from_le_bytes([
                    bytes[8], bytes[9], bytes[10], bytes[11],
                ])))
            }
            _ => None,
        })
    }

    fn plain(&mut self, kind: Kind, put: &PayloadWriter) -> Result<Option<Status>, LaneError> {
        self.serve(kind, put.as_bytes(), &mut Scope::Plain)
    }
}

#[test]
fn garbage_is_answered_or_ends_the_child() {
    let mut bench = Bench::new();
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut random = move || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state
    };
    let (mut answered, mut broken) = (0, 0);
    for _ in 0..20_000 {
        let at = random() as usize % (Kind::NAMED.len() + 1);
        let kind = Kind::NAMED.get(at).map_or(Kind(0x77), |(kind, _)| *kind);
        let len = random() as usize % 48;
        let payload: Vec<u8> = (0..len).map(|_| (random() % 4) as u8).collect();
        let mut nobody = Nobody;
        let mut scope = match random() % 2 {
            0 => Scope::Plain,
            _ => Scope::Collect(&mut nobody, BatchReader::new(), 0),
        };
        // A gather would wait for the child's answers.
        if kind == Kind::GATHER {
            continue;
        }
        match bench.serve(kind, &payload, &mut scope) {
            Ok(_) => answered += 1,
            Err(_) => broken += 1,
        }
    }
    bench.host_calls.registered.harvest();
    bench.host_calls.close();
    assert!(answered > 100 && broken > 1000, "{answered} {broken}");
}

#[test]
fn cells_end_before_the_file_does() {
    let mut bench = Bench::new();
    let mut register = PayloadWriter::new();
    register
        .u32(1)
        .text("a_total")
        .text("")
        .text("")
        .texts(&["n"])
        .count(0);
    register.u32(0).text("");
    assert_eq!(bench.plain(Kind::REGISTER, &register), Ok(Some(Status::OK)));
    let mut status = Status::OK;
    let mut series = 0;
    while status == Status::OK {
        let mut put = PayloadWriter::new();
        put.u32(0).texts(&[&series.to_string()]);
        status = bench
            .plain(Kind::SERIES, &put)
            .expect("a fine request")
            .expect("an answer");
        series += 1;
    }
    assert_eq!(status, Status::LIMIT);
    assert_eq!(series, (4096 / 8 - 2) / 3 + 1);
    let mut unknown = PayloadWriter::new();
    unknown.u32(9).texts(&["x"]);
    assert_eq!(
        bench.plain(Kind::SERIES, &unknown),
        Ok(Some(Status::INVALID))
    );
    assert_eq!(
        bench.plain(Kind::REMOVE, &unknown),
        Ok(Some(Status::INVALID))
    );
}

#[test]
fn requests_of_a_call_that_is_over_are_refused() {
    let mut bench = Bench::new();
    let mut body = PayloadWriter::new();
    body.u64(5).u32(u32::MAX);
    assert_eq!(bench.plain(Kind::BODY, &body), Ok(Some(Status::CLOSED)));
    let part = Reply::Part {
        head: None,
        bytes: b"x",
        end: false,
    };
    assert_eq!(
        bench.plain(Kind::REPLY, &part.put(5)),
        Ok(Some(Status::CLOSED))
    );
    let end = Reply::Part {
        head: None,
        bytes: b"x",
        end: true,
    };
    assert_eq!(bench.plain(Kind::REPLY, &end.put(5)), Ok(None), "one way");
}

#[test]
fn a_collector_that_does_not_stop_is_ended() {
    let mut bench = Bench::new();
    let mut nobody = Nobody;
    let mut scope = Scope::Collect(&mut nobody, BatchReader::new(), 0);
    // A family without a name, in columns of nothing.
    let mut family = PayloadWriter::new();
    family.u64(1).u32(1).u32(0);
    for size in [1, 1, 1, 1, 8] {
        family.u32(0).u32(size);
    }
    let mut shown = 0;
    while let Ok(status) = bench.serve(Kind::SHOW, family.as_bytes(), &mut scope) {
        assert_eq!(status, Some(Status::OK));
        shown += 1;
    }
    assert_eq!(shown, DEAF_MAX);
    let outside = bench.plain(Kind::SHOW, &family);
    assert!(
        matches!(outside, Err(LaneError::Malformed(_))),
        "{outside:?}"
    );
}

#[test]
fn the_level_of_lines_that_are_kept_is_told() {
    assert_eq!(Bench::new().host_calls.log_level(), Level::DEBUG);
}
