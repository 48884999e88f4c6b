//! The host's end of every lane, used by hand.

use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::time::Duration;

use meterbox_plugin_abi::{Failure, Level, PluginObject, Status};
use parking_lot::Mutex;

use super::plugin::Probe;
use crate::arena::Arena;
use crate::cells::ParentCells;
use crate::child::{Child, Greeting};
use crate::lane::{Lane, LaneError};
use crate::payload::Payload;
use crate::side::Side;
use crate::wire::{
    Body, Call, Hello, Kind, NO_DEADLINE, PayloadReader, PayloadWriter, put_outcome, take_outcome,
};

const HALF: usize = 128 << 10;
const CELL_BYTES: u64 = 64 << 10;
const STRIPES: u32 = 8;
/// Nothing here takes long; a lane that is silent for so long means a test that failed.
const PATIENCE: Duration = Duration::from_secs(30);

pub(super) struct Rig {
    pub(super) short: Lane,
    pub(super) long: Lane,
    pub(super) calls: Vec<Lane>,
    pub(super) cells: ParentCells,
    pub(super) lost: Arc<Mutex<Vec<LaneError>>>,
    child: Child,
}

fn lane(files: &mut Vec<OwnedFd>) -> Lane {
    let (ours, theirs) = UnixStream::pair().expect("a pair");
    let arena = Arena::make(HALF).expect("memory");
    files.push(theirs.into());
    files.push(arena.as_fd().try_clone_to_owned().expect("a descriptor"));
    patient(Lane::new(ours, Some(arena), Side::Parent))
}

fn patient(lane: Lane) -> Lane {
    lane.set_timeout(Some(PATIENCE)).expect("a limit");
    lane
}

impl Rig {
    /// A child with two call lanes and a created [`Probe`].
    pub(super) fn new() -> Self {
        let mut rig = Self::greeted();
        let mut config = PayloadWriter::new();
        config.text("{}");
        let lane = &mut rig.calls[0];
        lane.send(Kind::CREATE, config.as_bytes())
            .expect("an open lane");
        expect(lane, Kind::LOG);
        assert_eq!(done(lane), Ok(String::new()));
        rig
    }

    /// A child that was greeted and has answered.
    pub(super) fn greeted() -> Self {
        let cells = ParentCells::make(CELL_BYTES, STRIPES).expect("memory");
        let cells_file = cells.as_fd().try_clone_to_owned().expect("a descriptor");
        // The file of the plugin is not looked at by anything here.
        let mut files = vec![cells_file.try_clone().expect("a descriptor"), cells_file];
        let long = lane(&mut files);
        let calls = vec![lane(&mut files), lane(&mut files)];
        let (ours, theirs) = UnixStream::pair().expect("a pair");
        let mut short = patient(Lane::new(ours, None, Side::Parent));
        let hello = Hello {
            protocol: Hello::PROTOCOL,
            api: "0.3.0",
            name: "probe",
            host_version: "1",
            arena_bytes: HALF as u64,
            cell_bytes: CELL_BYTES,
            stripes: STRIPES,
            call_lanes: 2,
            log_level: Level::INFO.0,
        };
        let borrowed: Vec<_> = files.iter().map(AsFd::as_fd).collect();
        short
            .send_with(Kind::HELLO, hello.put().as_bytes(), &borrowed)
            .expect("an open lane");
        drop(files);
        let (mut greeting, _plugin) = Greeting::receive(theirs).expect("a greeting");
        assert_eq!((&*greeting.name, &*greeting.api), ("probe", "0.3.0"));
        greeting.answer(Ok(r#"{"name":"probe"}"#)).expect("a host");
        let (kind, done) = short.receive().expect("an answer");
        assert_eq!(kind, Kind::DONE);
        let mut done = PayloadReader::of(&done);
        assert_eq!(take_outcome(&mut done), Ok(Ok("")));
        assert_eq!(done.u8(), Ok(1), "it can use arenas");
        assert_eq!(done.text(), Ok(r#"{"name":"probe"}"#));

        let lost = Arc::new(Mutex::new(Vec::new()));
        let notes = lost.clone();
        let create = Box::new(|host, config: &str| {
            if config == "refuse" {
                return Err(Failure::new(Status::INVALID, "no such table"));
            }
            Ok(PluginObject::of(Box::new(Probe::new(host))))
        });
        let lost_hook = Box::new(move |error: &LaneError| notes.lock().push(error.clone()));
        let child = Child::start(greeting, create, lost_hook).expect("threads");
        Self {
            short,
            long,
            calls,
            cells,
            lost,
            child,
        }
    }

    /// An entry on call lane 0 that asks for nothing: its message or failure.
    pub(super) fn enter(&mut self, kind: Kind, payload: &PayloadWriter) -> Result<String, Failure> {
        let lane = &mut self.calls[0];
        lane.send(kind, payload.as_bytes()).expect("an open lane");
        done(lane)
    }

    /// Sends a call of `route` on call lane 0.
    pub(super) fn call(&mut self, route: u32, body: Body<'_>) {
        let call = Call {
            route,
            call: 40 + u64::from(route),
            method: "POST",
            path: "/probe/é",
            rest: "/é",
            query: "q=1",
            peer: "127.0.0.1:1",
            headers: vec![("accept", b"*/*"), ("x-empty", b"")],
            left_ns: NO_DEADLINE,
            body,
        };
        self.calls[0]
            .send(Kind::CALL, call.put().as_bytes())
            .expect("an open lane");
    }

    /// Closes every lane, and gives what the child made of it.
    pub(super) fn close(self) -> Vec<LaneError> {
        drop((self.short, self.long, self.calls));
        self.child.join();
        let lost = self.lost.lock();
        lost.clone()
    }
}

#[track_caller]
pub(super) fn expect(lane: &mut Lane, kind: Kind) -> Payload {
    let (came, payload) = lane.receive().expect("a frame");
    assert_eq!(came, kind);
    payload
}

/// Reads `DONE` without a result.
#[track_caller]
pub(super) fn done(lane: &mut Lane) -> Result<String, Failure> {
    let payload = expect(lane, Kind::DONE);
    let mut fields = PayloadReader::of(&payload);
    let outcome = take_outcome(&mut fields).expect("an outcome");
    outcome.map(|message| {
        fields.end().expect("no result");
        message.to_owned()
    })
}

/// Answers a request with a result.
pub(super) fn answer(lane: &mut Lane, result: &PayloadWriter) {
    let mut answer = PayloadWriter::new();
    put_outcome(Ok(""), &mut answer);
    answer.raw(result.as_bytes());
    lane.send(Kind::ANSWER, answer.as_bytes())
        .expect("an open lane");
}

/// Refuses a request.
pub(super) fn refuse(lane: &mut Lane, status: Status, text: &str) {
    let mut answer = PayloadWriter::new();
    put_outcome(Err(&Failure::new(status, text)), &mut answer);
    lane.send(Kind::ANSWER, answer.as_bytes())
        .expect("an open lane");
}
