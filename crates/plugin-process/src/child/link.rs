//! Asking the host: over the lane of the entry that this thread is in, else over a service lane.

use std::cell::{Cell, RefCell};
use std::sync::Arc;

use meterbox_plugin_abi::gather::{Flow, Visitor};
use meterbox_plugin_abi::{Failure, Status};
use parking_lot::Mutex;

use super::flusher::AnswerFlusher;
use crate::batch::BatchReader;
use crate::lane::{Lane, LaneError};
use crate::payload::Payload;
use crate::wire::{Kind, Malformed, PAYLOAD_BYTES_MAX, PayloadReader, PayloadWriter, take_outcome};

/// What happens when the host is gone or does not keep to the protocol; a process ends itself.
pub type Lost = Box<dyn Fn(&LaneError) + Send + Sync>;

/// The lanes to the host that are not tied to an entry, and what happens when the host is gone.
pub(super) struct Link {
    short: Mutex<Lane>,
    /// Empty while a thread gathers over it; that thread holds the lock.
    long: Mutex<Option<Lane>>,
    flusher: Arc<AnswerFlusher>,
    lost: Lost,
}

thread_local! {
    /// The lane of the entry that this thread runs, or the one that it gathers over.
    static OWN: RefCell<Option<Lane>> = const { RefCell::new(None) };
    /// This thread shows a batch to a visitor; the host waits on the thread's lane for `FLOW`.
    static VISITING: Cell<bool> = const { Cell::new(false) };
    /// This thread gathers over the long service lane.
    static HOLDS_LONG: Cell<bool> = const { Cell::new(false) };
}

/// Kinds that may take long: on a service lane they do not hold up the others.
const LONG: [Kind; 4] = [Kind::GATHER, Kind::REPLY, Kind::BODY, Kind::MODELS];
/// Kinds with an answer that would take the place of a batch which is being visited.
const LARGE_ANSWERS: [Kind; 3] = [Kind::GATHER, Kind::BODY, Kind::MODELS];

enum AskingLane {
    Own,
    Short,
    Long,
}

/// Makes `lane` the lane of this thread: everything that is asked from now on goes over it.
pub(super) fn own(lane: Lane) {
    OWN.with_borrow_mut(|own| *own = Some(lane));
}

/// Runs `run` with the lane of this thread; `None` without one.
pub(super) fn with_own<T>(run: impl FnOnce(&mut Lane) -> T) -> Option<T> {
    let found = OWN.try_with(|own| own.borrow_mut().as_mut().map(run));
    // The thread ends and its lane is closed already.
    found.unwrap_or(None)
}

fn exchange(lane: &mut Lane, kind: Kind, payload: &[u8]) -> Result<(Kind, Payload), LaneError> {
    lane.send(kind, payload)?;
    lane.receive()
}

/// What the host takes at once; it would end this process for more.
fn fitting(payload: &PayloadWriter) -> Result<&[u8], Failure> {
    let bytes = payload.as_bytes();
    if bytes.len() > PAYLOAD_BYTES_MAX || payload.is_endless() {
        let text = format!("{} bytes or a list in them are too long", bytes.len());
        return Err(Failure::new(Status::TOO_LARGE, text));
    }
    Ok(bytes)
}

impl Link {
    pub(super) fn new(short: Lane, long: Lane, flusher: Arc<AnswerFlusher>, lost: Lost) -> Self {
        Self {
            short: Mutex::new(short),
            long: Mutex::new(Some(long)),
            flusher,
            lost,
        }
    }

    /// The host is gone or talks nonsense: the process ends, or, in a test, the request fails.
    pub(super) fn lost(&self, error: &LaneError) -> Failure {
        (self.lost)(error);
        Failure::new(Status::CLOSED, format!("the host is gone: {error}"))
    }

    fn place(kind: Kind) -> Result<AskingLane, Failure> {
        let large = LARGE_ANSWERS.contains(&kind);
        if with_own(|_| ()).is_some() && !(VISITING.get() && large) {
            return Ok(AskingLane::Own);
        }
        if !LONG.contains(&kind) {
            return Ok(AskingLane::Short);
        }
        if HOLDS_LONG.get() {
            let text = "a body or the models cannot be read while this thread gathers";
            return Err(Failure::new(Status::UNAVAILABLE, text));
        }
        Ok(AskingLane::Long)
    }

    /// Runs `run` on the lane for `kind`.
    fn on_lane<T>(
        &self,
        kind: Kind,
        payload: &PayloadWriter,
        run: impl FnOnce(&mut Lane, &[u8]) -> Result<T, LaneError>,
    ) -> Result<T, Failure> {
        let payload = fitting(payload)?;
        let gone = || Err(LaneError::Closed);
        let ran = match Self::place(kind)? {
            AskingLane::Own => with_own(|lane| run(lane, payload)).unwrap_or_else(gone),
            AskingLane::Short => run(&mut self.short.lock(), payload),
            AskingLane::Long => match self.long.lock().as_mut() {
                Some(lane) => run(lane, payload),
                None => gone(),
            },
        };
        ran.map_err(|error| self.lost(&error))
    }

    /// Asks and waits; `read` takes the result of a success.
    pub(super) fn ask<T>(
        &self,
        kind: Kind,
        request: &PayloadWriter,
        read: impl FnOnce(&mut PayloadReader<'_>) -> Result<T, Malformed>,
    ) -> Result<T, Failure> {
        let asked = |lane: &mut Lane, request: &[u8]| exchange(lane, kind, request);
        let (kind, answer) = self.on_lane(kind, request, asked)?;
        self.answered(kind, &answer, read)
    }

    fn answered<T>(
        &self,
        kind: Kind,
        answer: &[u8],
        read: impl FnOnce(&mut PayloadReader<'_>) -> Result<T, Malformed>,
    ) -> Result<T, Failure> {
        let mut fields = PayloadReader::of(answer);
        let result = expect(kind, Kind::ANSWER)
            .and_then(|()| take_outcome(&mut fields))
            .and_then(|outcome| match outcome {
                Ok(_) => {
                    let result = read(&mut fields)?;
                    fields.end()?;
                    Ok(Ok(result))
                }
                Err(failure) => Ok(Err(failure)),
            });
        result.unwrap_or_else(|broken| Err(self.lost(&broken.into())))
    }

    /// Sends what gets no answer, at once.
    pub(super) fn tell(&self, kind: Kind, message: &PayloadWriter) -> Result<(), Failure> {
        self.on_lane(kind, message, |lane, message| lane.send(kind, message))
    }

    /// Sends what gets no answer: inside an entry together with the next frame, if one comes soon;
    /// elsewhere at once.
    pub(super) fn tell_with_next(
        &self,
        kind: Kind,
        message: &PayloadWriter,
    ) -> Result<(), Failure> {
        let in_entry = !HOLDS_LONG.get() && with_own(|_| ()).is_some();
        if !in_entry {
            return self.tell(kind, message);
        }
        self.on_lane(kind, message, |lane, message| lane.queue(kind, message))?;
        self.flusher.queued();
        Ok(())
    }

    /// Has the host show what it gathers to `visitor`, on this thread.
    pub(super) fn gather(&self, names: &[&str], visitor: &mut dyn Visitor) -> Result<(), Failure> {
        if VISITING.get() || HOLDS_LONG.get() {
            return Err(Failure::unsupported("a gather inside a gather"));
        }
        let mut request = PayloadWriter::new();
        request.texts(names);
        fitting(&request)?;
        if with_own(|_| ()).is_some() {
            return self.gather_over_own(&request, visitor);
        }
        let mut long = self.long.lock();
        let _borrowed = Borrowed::new(&mut long);
        self.gather_over_own(&request, visitor)
    }

    fn gather_over_own(
        &self,
        request: &PayloadWriter,
        visitor: &mut dyn Visitor,
    ) -> Result<(), Failure> {
        let mut reader = BatchReader::new();
        let mut flow = Flow::Continue;
        let mut next = (Kind::GATHER, request.clone());
        loop {
            let (kind, batch) = with_own(|lane| exchange(lane, next.0, next.1.as_bytes()))
                .unwrap_or(Err(LaneError::Closed))
                .map_err(|error| self.lost(&error))?;
            if kind != Kind::VISIT {
                return self.answered(kind, &batch, |_| Ok(()));
            }
            if flow == Flow::Continue {
                let _visit = Visit::begin();
                let visited = reader.visit(&batch, visitor);
                flow = visited.map_err(|broken| self.lost(&broken.into()))?;
            }
            let mut answer = PayloadWriter::new();
            answer.u32(u32::from(flow == Flow::Stop));
            next = (Kind::FLOW, answer);
        }
    }
}

fn expect(kind: Kind, expected: Kind) -> Result<(), Malformed> {
    if kind == expected {
        Ok(())
    } else {
        Err(Malformed::new(format!("{kind:?} instead of {expected:?}")))
    }
}

/// While it lives this thread visits a batch.
struct Visit;

impl Visit {
    fn begin() -> Self {
        VISITING.set(true);
        Self
    }
}

impl Drop for Visit {
    fn drop(&mut self) {
        VISITING.set(false);
    }
}

/// While it lives the long service lane is this thread's own.
struct Borrowed<'l> {
    place: &'l mut Option<Lane>,
}

impl<'l> Borrowed<'l> {
    fn new(place: &'l mut Option<Lane>) -> Self {
        OWN.with_borrow_mut(|own| *own = place.take());
        HOLDS_LONG.set(true);
        Self { place }
    }
}

impl Drop for Borrowed<'_> {
    fn drop(&mut self) {
        HOLDS_LONG.set(false);
        *self.place = OWN.with_borrow_mut(Option::take);
    }
}
