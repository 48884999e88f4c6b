//! Pushes that wait for delivery: bounded in number and bytes, in order for each address.
//!
//! An address that does not take pushes is left alone for a while, and only its own pushes wait with
//! it. Time and chance are arguments.

use meterbox_config::ExportLimits;
use meterbox_http::client::Outgoing;
use meterbox_restarts::Backoff;
use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;

/// The pause after the first failure of an address; it doubles with each further one.
const BACKOFF: Backoff = Backoff {
    first: Duration::from_millis(500),
    longest: Duration::from_secs(60),
};
/// What a push costs beside its texts.
const OVERHEAD_BYTES: usize = 256;

/// A push that waits.
#[derive(Debug, Clone)]
pub(super) struct QueuedPush {
    pub(super) id: u64,
    pub(super) push: Arc<Outgoing>,
    made: Instant,
}

/// What to do now.
#[derive(Debug)]
pub(super) enum NextStep {
    /// Send this; tell the queue by its number what came of it.
    Send(QueuedPush),
    /// Every address with pushes is left alone until then.
    Wait(Instant),
    /// There is nothing to do.
    Nothing,
}

/// Why a push was not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum QueueRefusal {
    /// Too much waits already.
    Full,
    /// It would not even fit into an empty queue.
    TooLarge,
}

/// The queue of one exporter.
#[derive(Debug)]
pub(super) struct PushQueue {
    limits: ExportLimits,
    waiting: VecDeque<QueuedPush>,
    bytes: usize,
    next_id: u64,
    /// Addresses that failed and still have pushes.
    failing: HashMap<String, FailingAddress>,
    flushing: bool,
}

#[derive(Debug)]
struct FailingAddress {
    times: u32,
    until: Instant,
    /// It failed during the last round: the server ends and does not wait for it.
    hopeless: bool,
}

impl PushQueue {
    pub(super) fn new(limits: ExportLimits) -> Self {
        Self {
            limits,
            waiting: VecDeque::new(),
            bytes: 0,
            next_id: 0,
            failing: HashMap::new(),
            flushing: false,
        }
    }

    /// From now on; what waits already stays.
    pub(super) fn limit(&mut self, limits: ExportLimits) {
        self.limits = limits;
    }

    /// One attempt may take this long.
    pub(super) fn attempt_limit(&self) -> Duration {
        self.limits.attempt
    }

    pub(super) fn len(&self) -> usize {
        self.waiting.len()
    }

    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    /// Takes a push, last in the line.
    pub(super) fn add(&mut self, push: Outgoing, now: Instant) -> Result<(), QueueRefusal> {
        let bytes = size(&push);
        if bytes > self.limits.queue_bytes_max {
            return Err(QueueRefusal::TooLarge);
        }
        let full = self.waiting.len() >= self.limits.queue_pushes_max
            || self.bytes + bytes > self.limits.queue_bytes_max;
        if full {
            return Err(QueueRefusal::Full);
        }
        let waiting = self.waiting(push, now);
        self.bytes += bytes;
        self.waiting.push_back(waiting);
        Ok(())
    }

    fn waiting(&mut self, push: Outgoing, made: Instant) -> QueuedPush {
        self.next_id += 1;
        QueuedPush {
            id: self.next_id,
            push: Arc::new(push),
            made,
        }
    }

    /// Takes out what has waited too long; how many.
    pub(super) fn expire(&mut self, now: Instant) -> usize {
        let before = self.waiting.len();
        // In order of their age, but for halves, which keep their age and place.
        while let Some(oldest) = self.waiting.front()
            && now.saturating_duration_since(oldest.made) > self.limits.give_up
        {
            let id = oldest.id;
            self.remove(id);
        }
        before - self.waiting.len()
    }

    /// The first push whose address is not left alone.
    pub(super) fn next(&self, now: Instant) -> NextStep {
        let mut soonest: Option<Instant> = None;
        for waiting in &self.waiting {
            let failing = self.failing.get(waiting.push.authority());
            let Some(failing) = failing else {
                return NextStep::Send(waiting.clone());
            };
            if failing.hopeless {
                continue;
            }
            if self.flushing || failing.until <= now {
                return NextStep::Send(waiting.clone());
            }
            soonest = Some(soonest.map_or(failing.until, |soonest| soonest.min(failing.until)));
        }
        soonest.map_or(NextStep::Nothing, NextStep::Wait)
    }

    /// It was delivered.
    pub(super) fn delivered(&mut self, id: u64) {
        if let Some(gone) = self.remove(id) {
            self.failing.remove(gone.push.authority());
        }
    }

    /// It stays; its address is left alone for `pause`, or for longer each time. `jitter` is from 0
    /// to 1.
    pub(super) fn failed(
        &mut self,
        waiting: &QueuedPush,
        now: Instant,
        pause: Option<Duration>,
        jitter: f64,
    ) {
        let authority = waiting.push.authority().to_owned();
        let failing = self.failing.entry(authority).or_insert(FailingAddress {
            times: 0,
            until: now,
            hopeless: false,
        });
        failing.until = now + pause.unwrap_or_else(|| BACKOFF.pause(failing.times, jitter));
        failing.times = failing.times.saturating_add(1);
        failing.hopeless = self.flushing;
    }

    /// Takes it out; none if it is gone already.
    pub(super) fn remove(&mut self, id: u64) -> Option<QueuedPush> {
        let at = self.waiting.iter().position(|waiting| waiting.id == id)?;
        let gone = self.waiting.remove(at)?;
        self.bytes -= size(&gone.push);
        let authority = gone.push.authority();
        let more = self
            .waiting
            .iter()
            .any(|waiting| waiting.push.authority() == authority);
        if !more {
            self.failing.remove(authority);
        }
        Some(gone)
    }

    /// Puts two in the place of one that was too large.
    pub(super) fn split(&mut self, id: u64, halves: [Outgoing; 2]) {
        let Some(at) = self.waiting.iter().position(|waiting| waiting.id == id) else {
            return;
        };
        let made = self.waiting[at].made;
        if let Some(whole) = self.waiting.remove(at) {
            self.bytes -= size(&whole.push);
        }
        for half in halves.into_iter().rev() {
            self.bytes += size(&half);
            let half = self.waiting(half, made);
            self.waiting.insert(at, half);
        }
    }

    /// From now on each address has one more chance, at once.
    pub(super) fn flush(&mut self) {
        self.flushing = true;
    }

    /// Whether [`PushQueue::next`] says [`NextStep::Nothing`] for good.
    pub(super) fn is_flushing(&self) -> bool {
        self.flushing
    }

    /// Takes out everything; how many.
    pub(super) fn clear(&mut self) -> usize {
        let gone = self.waiting.len();
        self.waiting.clear();
        self.failing.clear();
        self.bytes = 0;
        gone
    }
}

fn size(push: &Outgoing) -> usize {
    let headers = push.headers.iter();
    let headers: usize = headers
        .map(|(name, value)| name.as_str().len() + value.len())
        .sum();
    let target = push
        .uri
        .path_and_query()
        .map_or(0, |path| path.as_str().len());
    OVERHEAD_BYTES + push.body.len() + headers + target + push.authority().len()
}

#[cfg(test)]
mod tests {
    use super::*;
    use bytes::Bytes;
    use http::{HeaderMap, Method};

    const LIMITS: ExportLimits = ExportLimits {
        queue_pushes_max: 4,
        queue_bytes_max: 4096,
        attempt: Duration::from_secs(5),
        give_up: Duration::from_secs(100),
    };

    fn push(host: &str, body: &'static str) -> Outgoing {
        Outgoing {
            method: Method::POST,
            uri: format!("http://{host}/").parse().unwrap(),
            headers: HeaderMap::new(),
            body: Bytes::from_static(body.as_bytes()),
        }
    }

    fn sends(queue: &PushQueue, now: Instant) -> String {
        match queue.next(now) {
            NextStep::Send(waiting) => String::from_utf8(waiting.push.body.to_vec()).unwrap(),
            NextStep::Wait(until) => format!("wait {:?}", until - now),
            NextStep::Nothing => "nothing".to_owned(),
        }
    }

    fn first(queue: &PushQueue, now: Instant) -> QueuedPush {
        match queue.next(now) {
            NextStep::Send(waiting) => waiting,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn it_is_bound_in_number_and_bytes_and_gives_room_back() {
        let now = Instant::now();
        let mut queue = PushQueue::new(LIMITS);
        for body in ["1", "2", "3", "4"] {
            assert_eq!(queue.add(push("a", body), now), Ok(()));
        }
        assert_eq!(queue.add(push("a", "5"), now), Err(QueueRefusal::Full));
        queue.delivered(first(&queue, now).id);
        assert_eq!(queue.add(push("a", "5"), now), Ok(()));
        let large = Bytes::from(vec![b'x'; 5000]);
        let large = Outgoing {
            body: large,
            ..push("a", "")
        };
        assert_eq!(queue.add(large, now), Err(QueueRefusal::TooLarge));
        assert_eq!((queue.len(), queue.clear(), queue.bytes()), (4, 4, 0));
        let half = Outgoing {
            body: Bytes::from(vec![b'x'; 3000]),
            ..push("a", "")
        };
        assert_eq!(queue.add(half.clone(), now), Ok(()));
        assert_eq!(queue.add(half, now), Err(QueueRefusal::Full));
    }

    #[test]
    fn an_address_that_fails_holds_up_its_own_pushes_only() {
        let now = Instant::now();
        let mut queue = PushQueue::new(LIMITS);
        for (host, body) in [("a", "a1"), ("b", "b1"), ("a", "a2"), ("b", "b2")] {
            queue.add(push(host, body), now).unwrap();
        }
        assert_eq!(sends(&queue, now), "a1");
        queue.failed(&first(&queue, now), now, None, 0.5);
        assert_eq!(sends(&queue, now), "b1");
        queue.delivered(first(&queue, now).id);
        queue.delivered(first(&queue, now).id);
        assert_eq!(sends(&queue, now), "wait 500ms");
        let now = now + Duration::from_millis(500);
        assert_eq!(sends(&queue, now), "a1", "in order again");
        queue.failed(&first(&queue, now), now, None, 0.5);
        assert_eq!(sends(&queue, now), "wait 1s", "longer each time");
        let asked = Some(Duration::from_secs(7));
        let now = now + Duration::from_secs(1);
        queue.failed(&first(&queue, now), now, asked, 0.5);
        assert_eq!(sends(&queue, now), "wait 7s", "as it was asked to");
        let now = now + Duration::from_secs(7);
        queue.delivered(first(&queue, now).id);
        assert_eq!(sends(&queue, now), "a2", "forgiven");
    }

    #[test]
    fn pauses_grow_to_a_minute() {
        let now = Instant::now();
        let mut queue = PushQueue::new(LIMITS);
        queue.add(push("a", "1"), now).unwrap();
        let waiting = first(&queue, now);
        let pauses = [(); 9].map(|()| {
            queue.failed(&waiting, now, None, 0.5);
            sends(&queue, now)
        });
        let expect = ["500ms", "1s", "2s", "4s", "8s", "16s", "32s", "60s", "60s"];
        assert_eq!(pauses, expect.map(|pause| format!("wait {pause}")));
    }

    #[test]
    fn what_is_too_old_goes() {
        let now = Instant::now();
        let mut queue = PushQueue::new(LIMITS);
        queue.add(push("a", "1"), now).unwrap();
        queue
            .add(push("a", "2"), now + Duration::from_secs(60))
            .unwrap();
        assert_eq!(queue.expire(now + LIMITS.give_up), 0);
        assert_eq!(
            queue.expire(now + LIMITS.give_up + Duration::from_secs(1)),
            1
        );
        assert_eq!(sends(&queue, now), "2");
    }

    #[test]
    fn halves_stand_where_the_whole_stood() {
        let now = Instant::now();
        let mut queue = PushQueue::new(LIMITS);
        queue.add(push("a", "whole"), now).unwrap();
        queue.add(push("a", "after"), now).unwrap();
        let before = queue.bytes();
        queue.split(first(&queue, now).id, [push("a", "who"), push("a", "le")]);
        let mut order = Vec::new();
        while let NextStep::Send(waiting) = queue.next(now) {
            order.push(String::from_utf8(waiting.push.body.to_vec()).unwrap());
            queue.delivered(waiting.id);
        }
        assert_eq!(order, ["who", "le", "after"]);
        assert_eq!((queue.bytes(), before > 0), (0, true));
    }

    #[test]
    fn at_the_end_each_address_has_one_more_chance() {
        let now = Instant::now();
        let mut queue = PushQueue::new(LIMITS);
        for (host, body) in [("a", "a1"), ("a", "a2"), ("b", "b1")] {
            queue.add(push(host, body), now).unwrap();
        }
        queue.failed(&first(&queue, now), now, None, 0.5);
        queue.flush();
        assert_eq!(sends(&queue, now), "a1", "no pause is kept");
        queue.failed(&first(&queue, now), now, None, 0.5);
        assert_eq!(sends(&queue, now), "b1");
        queue.delivered(first(&queue, now).id);
        assert_eq!(sends(&queue, now), "nothing");
        assert_eq!(queue.clear(), 2);
    }
}
