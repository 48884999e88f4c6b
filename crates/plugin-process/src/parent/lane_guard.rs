//! A lane while the host takes its turn on it, with the clock of the entry if it belongs to one.

use super::clock::EntryClock;
use crate::lane::{Lane, LaneError};
use crate::payload::Payload;
use crate::wire::Kind;

/// A lane on loan.
pub(super) struct LaneGuard<'a> {
    lane: &'a mut Lane,
    clock: Option<&'a EntryClock<'a>>,
}

impl<'a> LaneGuard<'a> {
    pub(super) fn new(lane: &'a mut Lane, clock: Option<&'a EntryClock<'a>>) -> Self {
        Self { lane, clock }
    }

    pub(super) fn half(&self) -> usize {
        self.lane.half()
    }

    pub(super) fn send(&mut self, kind: Kind, payload: &[u8]) -> Result<(), LaneError> {
        self.lane.send(kind, payload)
    }

    pub(super) fn receive(&mut self) -> Result<(Kind, Payload), LaneError> {
        self.lane.receive()
    }

    /// Runs `wait`, in which the host waits for a client: that is not the entry's own time.
    pub(super) fn paused<T>(&self, wait: impl FnOnce() -> T) -> T {
        match self.clock {
            Some(clock) => clock.paused(wait),
            None => wait(),
        }
    }
}
