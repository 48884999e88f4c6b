//! Hands events to the plugins that asked for them: bounded, in batches, never in the way.
//!
//! Whoever publishes an event never waits. Each listener has a queue; when it is full the oldest
//! event goes and is counted. One batch of a plugin is under way at a time.

use meterbox_plugin_abi::events::{BATCH_EVENTS_MAX, EventKinds, KIND};
use meterbox_plugin_abi::{Row, Table};
use meterbox_plugin_loader::running::{Lane, Running};
use parking_lot::Mutex;
use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Weak};

/// Most events that wait for one plugin.
const QUEUE_LEN_MAX: usize = 8192;

/// One plugin that listens.
pub(crate) struct Subscription {
    kinds: Arc<AtomicU64>,
    running: Weak<Running>,
    queue: Mutex<EventQueue>,
    /// Dropped and not reported yet.
    dropped: AtomicU64,
}

#[derive(Default)]
struct EventQueue {
    events: VecDeque<Row>,
    under_way: bool,
}

impl Subscription {
    /// `kinds` is what the plugin has subscribed to by now.
    pub(crate) fn new(kinds: Arc<AtomicU64>, running: &Arc<Running>) -> Arc<Self> {
        Arc::new(Self {
            kinds,
            running: Arc::downgrade(running),
            queue: Mutex::default(),
            dropped: AtomicU64::new(0),
        })
    }

    /// Whether the plugin has subscribed to this kind.
    pub(crate) fn wants(&self, kind: EventKinds) -> bool {
        EventKinds(self.kinds.load(Ordering::Relaxed)).has(kind)
    }

    /// Queues an event if the plugin wants its kind; gives how many were dropped since the last time.
    pub(crate) fn publish(self: &Arc<Self>, kind: EventKinds, event: &Row) -> u64 {
        if !self.wants(kind) {
            return 0;
        }
        let mut queue = self.queue.lock();
        if queue.events.len() >= QUEUE_LEN_MAX {
            queue.events.pop_front();
            self.dropped.fetch_add(1, Ordering::Relaxed);
        }
        queue
            .events
            .push_back(event.clone().number(KIND, kind.number()));
        let batch = queue.next();
        drop(queue);
        if let Some(batch) = batch {
            self.send(batch);
        }
        self.dropped.swap(0, Ordering::Relaxed)
    }

    fn send(self: &Arc<Self>, batch: Vec<Row>) {
        let Some(running) = self.running.upgrade() else {
            return;
        };
        let subscription = self.clone();
        let done = Box::new(move |_: &_| {
            let next = {
                let mut queue = subscription.queue.lock();
                queue.under_way = false;
                queue.next()
            };
            if let Some(next) = next {
                subscription.send(next);
            }
        });
        let events = batch.len() as u64;
        let table = Table::of(Arc::new(batch));
        if running
            .run(Lane::Ordinary, move |object| object.on_events(table), done)
            .is_err()
        {
            // Refused and counted by the loader; the next event tries again.
            self.dropped.fetch_add(events, Ordering::Relaxed);
            self.queue.lock().under_way = false;
        }
    }
}

impl EventQueue {
    /// The next batch, if none is under way.
    fn next(&mut self) -> Option<Vec<Row>> {
        if self.under_way || self.events.is_empty() {
            return None;
        }
        self.under_way = true;
        let len = self.events.len().min(BATCH_EVENTS_MAX);
        Some(self.events.drain(..len).collect())
    }
}
