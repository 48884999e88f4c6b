//! What the parts of one connection tell each other: wire, service and timer.
//!
//! All three run in the connection's one task, so the lock is never waited for.

use bytes::Bytes;
use meterbox_config::HttpSettings;
use meterbox_http_wire::Refusal;
use parking_lot::Mutex;
use std::collections::VecDeque;
use std::time::{Duration, Instant};

/// How long a connection is read on after its last answer, so that the client sees the answer.
const LINGER: Duration = Duration::from_secs(2);
/// How long an idle connection stays open once the server drains: a request may be under way.
const DRAIN_IDLE: Duration = Duration::from_millis(500);

/// The shared state of one connection.
pub(crate) struct Link(Mutex<State>);

struct State {
    refusal: Option<Refusal>,
    /// Heads that passed and whose request was not begun yet.
    heads: VecDeque<Bytes>,
    /// Heads that passed and whose answer is not finished yet.
    under_way: usize,
    idle_since: Instant,
    head_since: Option<Instant>,
    blocked_since: Option<Instant>,
    lingering_since: Option<Instant>,
    draining_since: Option<Instant>,
}

/// Why a connection is closed by its timer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Overdue {
    /// The head did not come in time.
    Head,
    /// The client takes nothing of the answer.
    Write,
    /// No further request came.
    Idle,
    /// The client did not close after its last answer.
    Linger,
}

impl Overdue {
    /// The word in `meterbox_http_connections_refused_total`; none for what is no fault.
    pub(crate) fn reason(self) -> Option<&'static str> {
        match self {
            Self::Head => Some("header_timeout"),
            Self::Write => Some("write_stall"),
            Self::Idle | Self::Linger => None,
        }
    }
}

impl Link {
    pub(crate) fn new(now: Instant) -> Self {
        Self(Mutex::new(State {
            refusal: None,
            heads: VecDeque::new(),
            under_way: 0,
            idle_since: now,
            head_since: None,
            blocked_since: None,
            lingering_since: None,
            draining_since: None,
        }))
    }

    /// A part of a head has come.
    pub(crate) fn head_began(&self) {
        self.0.lock().head_since.get_or_insert_with(Instant::now);
    }

    /// A whole head has passed.
    pub(crate) fn head_passed(&self, head: Option<Bytes>) {
        let mut state = self.0.lock();
        state.head_since = None;
        state.under_way += 1;
        state.heads.extend(head);
    }

    /// A rule was broken: what hyper sees next stands for the request that will not be.
    pub(crate) fn refused(&self, refusal: Refusal) {
        let mut state = self.0.lock();
        state.head_since = None;
        state.refusal.get_or_insert(refusal);
    }

    pub(crate) fn refusal(&self) -> Option<Refusal> {
        self.0.lock().refusal
    }

    /// The head of the request that begins now.
    pub(crate) fn next_head(&self) -> Bytes {
        self.0.lock().heads.pop_front().unwrap_or_default()
    }

    /// An answer is finished, or given up.
    pub(crate) fn answered(&self) {
        let mut state = self.0.lock();
        state.under_way = state.under_way.saturating_sub(1);
        state.idle_since = Instant::now();
    }

    pub(crate) fn write_blocked(&self, blocked: bool) {
        self.0.lock().blocked_since = blocked.then(Instant::now);
    }

    pub(crate) fn lingers(&self) {
        self.0.lock().lingering_since = Some(Instant::now());
    }

    /// The server drains: answers say `connection: close` from now on.
    pub(crate) fn drain(&self) {
        self.0
            .lock()
            .draining_since
            .get_or_insert_with(Instant::now);
    }

    pub(crate) fn is_draining(&self) -> bool {
        self.0.lock().draining_since.is_some()
    }

    /// When the timer has to look again, and what is overdue then if nothing has changed.
    pub(crate) fn deadline(&self, limits: &HttpSettings) -> Option<(Instant, Overdue)> {
        let state = self.0.lock();
        if let Some(since) = state.lingering_since {
            return Some((since + LINGER, Overdue::Linger));
        }
        if let Some(since) = state.blocked_since {
            return Some((since + limits.write_stall, Overdue::Write));
        }
        if state.under_way > 0 {
            return None;
        }
        if let Some(since) = state.head_since {
            return Some((since + limits.header_timeout, Overdue::Head));
        }
        let end = state.idle_since + limits.idle_timeout;
        let drained = state
            .draining_since
            .map(|since| since.max(state.idle_since) + DRAIN_IDLE);
        Some((
            drained.map_or(end, |drained| drained.min(end)),
            Overdue::Idle,
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use meterbox_config::Settings;

    #[test]
    fn the_timer_follows_what_the_connection_does() {
        let limits = Settings::defaults().http;
        let now = Instant::now();
        let link = Link::new(now);
        let what = |link: &Link| link.deadline(&limits).map(|(_, overdue)| overdue);
        assert_eq!(
            link.deadline(&limits),
            Some((now + limits.idle_timeout, Overdue::Idle))
        );
        link.head_began();
        assert_eq!(what(&link), Some(Overdue::Head));
        link.head_passed(None);
        assert_eq!(what(&link), None, "an operation keeps its own deadline");
        link.write_blocked(true);
        assert_eq!(what(&link), Some(Overdue::Write));
        link.write_blocked(false);
        link.answered();
        assert_eq!(what(&link), Some(Overdue::Idle));
        link.drain();
        let (at, _) = link.deadline(&limits).unwrap();
        assert!(
            at < Instant::now() + Duration::from_secs(1),
            "an idle connection ends soon"
        );
        link.lingers();
        assert_eq!(what(&link), Some(Overdue::Linger));
    }

    #[test]
    fn pipelined_heads_come_back_in_their_order() {
        let link = Link::new(Instant::now());
        link.head_passed(Some(Bytes::from_static(b"a")));
        link.head_passed(Some(Bytes::from_static(b"b")));
        assert_eq!(
            (link.next_head(), link.next_head()),
            ("a".into(), "b".into())
        );
        assert!(link.next_head().is_empty());
    }
}
