//! One call under way: how it is waited for, and how it is given up.

use super::call_state::{CallState, Ended, Hook, Lane};
use super::counters::RejectReason;
use super::pool::{Pool, PoolState, Work};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// The caller's side of one call.
pub struct Ticket {
    call_state: Arc<CallState>,
    pool: Arc<PoolState>,
}

impl Ticket {
    /// Queues a call.
    pub(super) fn submit(
        pool: &Pool,
        lane: Lane,
        work: Work,
        hook: Hook,
    ) -> Result<Self, RejectReason> {
        let call_state = pool.submit(lane, work, hook)?;
        let pool = Arc::clone(&pool.shared);
        Ok(Self { call_state, pool })
    }

    /// The deadline has passed: the call counts as expired and its thread, if it has one, as stuck
    /// until it comes back. Does nothing to a call that is over.
    pub fn expire(&self) {
        self.pool.expire(&self.call_state);
    }

    /// Whether the call has ended.
    pub fn is_over(&self) -> bool {
        self.call_state.is_over()
    }

    /// Blocks until the call is over, or until then; a call that is not over goes on.
    pub fn ended_by(&self, until: Instant) -> Option<Ended> {
        self.call_state.wait(until)
    }

    /// Blocks until the call is over, for at most `limit`; then expires it.
    pub fn wait(&self, limit: Duration) -> Ended {
        if let Some(ended) = self.call_state.wait(Instant::now() + limit) {
            return ended;
        }
        self.expire();
        // Over now: either expired, or it returned at the last moment.
        self.call_state
            .wait(Instant::now())
            .unwrap_or(Ended::Expired)
    }
}
