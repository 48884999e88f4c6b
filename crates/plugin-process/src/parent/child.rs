//! One child process: its lanes, what it may ask for, and its end.
//!
//! A child is watched by a thread of its own from its first to its last moment ([`super::watch`]), which
//! alone says how it ended. Whoever finds a lane closed waits for that.

use std::io;
use std::net::Shutdown;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use meterbox_plugin_abi::{Failure, Status};
use parking_lot::{Condvar, Mutex};
use rustix::process::{Pid, Signal, kill_process_group};

use super::cause::Cause;
use super::clock::Clocks;
use super::host_calls::{HostCalls, Scope};
use super::lane_guard::LaneGuard;
use crate::lane::{Lane, LaneError};
use crate::wire::{Kind, Malformed, PayloadReader, take_outcome};

/// How long a thread that found its lane closed waits for the child's end. The child is killed before,
/// so that only a kernel in trouble lets it pass.
const END_LIMIT: Duration = Duration::from_secs(10);

/// How a child ended.
#[derive(Clone, Debug)]
pub(super) struct ChildEnd {
    pub(super) cause: Cause,
    /// What the host says to those who waited for it.
    pub(super) sentence: String,
}

#[derive(Default)]
struct ChildState {
    /// Why the host killed it, if it did.
    killed: Option<Cause>,
    /// The process is reaped; its number may be another's.
    reaped: bool,
    end: Option<ChildEnd>,
    /// Everything that has to follow the end is done.
    finished: bool,
}

/// One child process.
pub(super) struct Child {
    pid: Pid,
    pub(super) host_calls: HostCalls,
    pub(super) clocks: Clocks,
    /// The clock that belongs to no call lane.
    spare_clock: usize,
    free: Mutex<Vec<(usize, Lane)>>,
    /// Second handles of all sockets, to close lanes that threads are blocked on.
    sockets: Vec<UnixStream>,
    course: Mutex<ChildState>,
    changed: Condvar,
    pub(super) watched: Watched,
    pub(super) begin: Instant,
}

/// How entries get the watcher's attention.
pub(super) struct Watched {
    /// The watcher sleeps until something happens, and has to be told of an entry.
    pub(super) idle: AtomicBool,
    pub(super) wake: OwnedFd,
}

impl Watched {
    pub(super) fn new() -> io::Result<Self> {
        use rustix::event::{EventfdFlags, eventfd};
        Ok(Self {
            idle: AtomicBool::new(false),
            wake: eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK)?,
        })
    }

    /// An entry begins, whose time is to be watched.
    fn notice(&self) {
        if self.idle.load(Ordering::SeqCst) && self.idle.swap(false, Ordering::SeqCst) {
            // It can only be full of notices.
            let _ = rustix::io::write(&self.wake, &1_u64.to_ne_bytes());
        }
    }
}

/// One entry: what is sent, and how long the child may take.
pub(super) struct EntryCall<'a> {
    pub(super) kind: Kind,
    pub(super) payload: &'a [u8],
    /// The child is killed when its own time is longer.
    pub(super) limit: Duration,
}

impl Child {
    pub(super) fn new(
        pid: Pid,
        host_calls: HostCalls,
        lanes: Vec<Lane>,
        sockets: Vec<UnixStream>,
        watched: Watched,
    ) -> Self {
        let spare_clock = lanes.len();
        let clocks = Clocks::new(spare_clock + 1);
        // Taken from the end, so that the first lane is the first to be used.
        let free = lanes.into_iter().enumerate().rev().collect();
        Self {
            pid,
            host_calls,
            clocks,
            spare_clock,
            free: Mutex::new(free),
            sockets,
            course: Mutex::default(),
            changed: Condvar::new(),
            watched,
            begin: Instant::now(),
        }
    }

    pub(super) fn pid(&self) -> u32 {
        self.pid.as_raw_nonzero().get().unsigned_abs()
    }

    /// Runs one entry on a free lane and reads its result with `read`.
    pub(super) fn entry<T>(
        &self,
        ask: &EntryCall<'_>,
        mut scope: Scope<'_>,
        read: impl FnOnce(&str, &mut PayloadReader<'_>) -> Result<T, Malformed>,
    ) -> Result<T, Failure> {
        let free = self.free.lock().pop();
        let Some((number, mut lane)) = free else {
            let text = "all lanes to the plugin's process are taken by calls that it did not end";
            return Err(Failure::new(Status::UNAVAILABLE, text));
        };
        let clock = self.clocks.begin(number, ask.limit);
        self.watched.notice();
        let mut lane_guard = LaneGuard::new(&mut lane, Some(&clock));
        let exchanged = lane_guard
            .send(ask.kind, ask.payload)
            .and_then(|()| self.until_done(&mut lane_guard, &mut scope, read));
        drop(clock);
        match exchanged {
            Ok(result) => {
                self.free.lock().push((number, lane));
                result
            }
            Err(error) => Err(self.broken(&error)),
        }
    }

    /// The rest of an exchange that was begun on a lane of the caller's.
    pub(super) fn answer_on<T>(
        &self,
        lane: &mut Lane,
        limit: Duration,
        read: impl FnOnce(&str, &mut PayloadReader<'_>) -> Result<T, Malformed>,
    ) -> Result<T, Failure> {
        let clock = self.clocks.begin(self.spare_clock, limit);
        self.watched.notice();
        let mut lane_guard = LaneGuard::new(lane, Some(&clock));
        let answered = self.until_done(&mut lane_guard, &mut Scope::Plain, read);
        drop(clock);
        answered.unwrap_or_else(|error| Err(self.broken(&error)))
    }

    fn until_done<T>(
        &self,
        lane_guard: &mut LaneGuard<'_>,
        scope: &mut Scope<'_>,
        read: impl FnOnce(&str, &mut PayloadReader<'_>) -> Result<T, Malformed>,
    ) -> Result<Result<T, Failure>, LaneError> {
        loop {
            let (kind, payload) = lane_guard.receive()?;
            if kind != Kind::DONE {
                self.host_calls.serve(kind, &payload, lane_guard, scope)?;
                continue;
            }
            let mut take = PayloadReader::of(&payload);
            let result = match take_outcome(&mut take)? {
                Ok(message) => {
                    let result = read(message, &mut take)?;
                    take.end()?;
                    Ok(result)
                }
                Err(failure) => Err(failure),
            };
            return Ok(result);
        }
    }

    /// Serves a service lane until the child is gone.
    pub(super) fn serve(&self, mut lane: Lane) {
        loop {
            let mut lane_guard = LaneGuard::new(&mut lane, None);
            let served = lane_guard.receive().and_then(|(kind, payload)| {
                self.host_calls
                    .serve(kind, &payload, &mut lane_guard, &mut Scope::Plain)
            });
            match served {
                Ok(()) => {}
                Err(LaneError::Malformed(what)) => return self.kill(Cause::Protocol(what)),
                Err(LaneError::Closed | LaneError::TimedOut) => return,
            }
        }
    }

    /// What is said to whoever was on a lane that ended with `error`.
    pub(super) fn broken(&self, error: &LaneError) -> Failure {
        if let LaneError::Malformed(what) = error {
            self.kill(Cause::Protocol(what.clone()));
        } else if !self.wait_end(Duration::from_secs(1)) {
            // It lives on without this lane.
            self.kill(Cause::Protocol("the end of a lane".to_owned()));
        }
        self.wait_end(END_LIMIT);
        let end = self.course.lock().end.clone();
        let sentence = end.map_or_else(|| "does not answer".to_owned(), |end| end.sentence);
        Failure::new(Status::CRASHED, format!("its process {sentence}"))
    }

    /// Kills the child; the first reason counts.
    pub(super) fn kill(&self, cause: Cause) {
        let mut course = self.course.lock();
        if course.end.is_some() || course.reaped {
            return;
        }
        course.killed.get_or_insert(cause);
        // Not reaped yet, so the number is still its own.
        let _ = kill_process_group(self.pid, Signal::KILL);
        let _ = rustix::process::kill_process(self.pid, Signal::KILL);
    }

    /// Closes all lanes, by which an honest child ends itself, and threads blocked on them go on.
    pub(super) fn close_lanes(&self) {
        for socket in &self.sockets {
            // One that is closed already is closed.
            let _ = socket.shutdown(Shutdown::Both);
        }
    }

    /// Tells that the child is expected to end from now on.
    pub(super) fn expect_end(&self) {
        self.course.lock().killed.get_or_insert(Cause::Stop);
    }

    /// Why the host ended it, if it did.
    pub(super) fn killed(&self) -> Option<Cause> {
        self.course.lock().killed.clone()
    }

    /// The process is gone; ends what is left of its group.
    pub(super) fn reaping(&self) {
        let mut course = self.course.lock();
        if !course.reaped {
            let _ = kill_process_group(self.pid, Signal::KILL);
        }
        course.reaped = true;
    }

    pub(super) fn end(&self, end: ChildEnd) {
        self.course.lock().end = Some(end);
        self.changed.notify_all();
    }

    pub(super) fn finish(&self) {
        self.course.lock().finished = true;
        self.changed.notify_all();
    }

    /// Whether the process is gone or about to be.
    pub(super) fn is_over(&self) -> bool {
        let course = self.course.lock();
        course.reaped || course.killed.is_some() || course.end.is_some()
    }

    /// How it ended, if it did.
    pub(super) fn ended(&self) -> Option<ChildEnd> {
        self.course.lock().end.clone()
    }

    pub(super) fn wait_end(&self, limit: Duration) -> bool {
        self.wait(limit, |course| course.end.is_some())
    }

    pub(super) fn wait_finished(&self, limit: Duration) -> bool {
        self.wait(limit, |course| course.finished)
    }

    fn wait(&self, limit: Duration, done: impl Fn(&ChildState) -> bool) -> bool {
        let until = Instant::now() + limit;
        let mut course = self.course.lock();
        while !done(&course) {
            if self.changed.wait_until(&mut course, until).timed_out() {
                return done(&course);
            }
        }
        true
    }

    /// Kills it if need be and waits until nothing of it is left.
    pub(super) fn finish_off(&self, cause: Cause) {
        self.kill(cause);
        self.close_lanes();
        self.wait_finished(END_LIMIT);
    }

    pub(super) fn without_arenas(&self) {
        for (_, lane) in self.free.lock().iter_mut() {
            lane.without_arena();
        }
    }

    /// Memory that is in main memory now, in bytes.
    pub(super) fn resident_bytes(&self) -> Option<u64> {
        if self.ended().is_some() {
            return None;
        }
        meterbox_processes::resident_bytes(self.pid())
    }
}
