//! Calls plugins at intervals: one thread, one heap, no drift, no pile-up.
//!
//! When a plugin is still busy with a tick of a timer, the next tick of it is skipped.

use parking_lot::{Condvar, Mutex, MutexGuard};
use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// The shortest period.
pub(super) const PERIOD_MIN: Duration = Duration::from_millis(10);
/// Most timers of one plugin.
pub(crate) const TIMERS_MAX: usize = 16;

/// Whose timer it is: plugin, generation, the plugin's own number.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct TimerKey {
    pub(crate) plugin: String,
    pub(crate) generation: u64,
    pub(crate) id: u64,
}

/// Told when a timer has come round; must not block. False ends the timer.
pub(super) type Tick = Arc<dyn Fn() -> bool + Send + Sync>;

/// The timers of all plugins. Its thread ends when it is dropped.
pub(crate) struct Timers {
    shared: Arc<TimerThread>,
}

#[derive(Default)]
struct TimerThread {
    inner: Mutex<TimerHeap>,
    changed: Condvar,
}

#[derive(Default)]
struct TimerHeap {
    timers: HashMap<TimerKey, Timer>,
    /// When what is due; entries of timers that were replaced or ended are skipped.
    due: BinaryHeap<Reverse<(Instant, u64, TimerKey)>>,
    next_version: u64,
    running: bool,
    closed: bool,
}

struct Timer {
    version: u64,
    period: Duration,
    tick: Tick,
}

impl Timers {
    pub(crate) fn new() -> Self {
        Self {
            shared: Arc::default(),
        }
    }

    /// Starts or replaces a timer. The thread starts with the first one.
    ///
    /// # Errors
    /// When the thread cannot be started.
    pub(super) fn start(&self, key: TimerKey, period: Duration, tick: Tick) -> std::io::Result<()> {
        let mut inner = self.shared.inner.lock();
        if !inner.running {
            let shared = self.shared.clone();
            let thread = std::thread::Builder::new().name("plugin-timers".to_owned());
            thread.spawn(move || shared.serve())?;
            inner.running = true;
        }
        let version = inner.next_version;
        inner.next_version += 1;
        inner
            .due
            .push(Reverse((Instant::now() + period, version, key.clone())));
        inner.timers.insert(
            key,
            Timer {
                version,
                period,
                tick,
            },
        );
        drop(inner);
        self.shared.changed.notify_one();
        Ok(())
    }

    /// Ends a timer; one that does not run is fine.
    pub(super) fn stop(&self, key: &TimerKey) {
        self.shared.inner.lock().timers.remove(key);
    }

    /// Ends all timers of one generation of a plugin.
    pub(super) fn stop_all(&self, plugin: &str, generation: u64) {
        let mut inner = self.shared.inner.lock();
        inner
            .timers
            .retain(|key, _| key.plugin != plugin || key.generation != generation);
    }

    /// Timers of one generation of a plugin.
    pub(crate) fn count(&self, plugin: &str, generation: u64) -> usize {
        let inner = self.shared.inner.lock();
        let keys = inner.timers.keys();
        keys.filter(|key| key.plugin == plugin && key.generation == generation)
            .count()
    }
}

impl Drop for Timers {
    fn drop(&mut self) {
        self.shared.inner.lock().closed = true;
        self.shared.changed.notify_one();
    }
}

impl TimerThread {
    fn serve(&self) {
        let mut inner = self.inner.lock();
        while !inner.closed {
            let now = Instant::now();
            match inner.due.peek() {
                None => self.changed.wait(&mut inner),
                Some(Reverse((at, ..))) if *at > now => {
                    let at = *at;
                    self.changed.wait_until(&mut inner, at);
                }
                Some(_) => {
                    let Some((key, version, at, tick)) = inner.take_due() else {
                        continue;
                    };
                    let goes_on = MutexGuard::unlocked(&mut inner, || tick());
                    inner.put_back(key, version, at, goes_on);
                }
            }
        }
    }
}

impl TimerHeap {
    /// Puts a timer back after its tick, or ends it.
    fn put_back(&mut self, key: TimerKey, version: u64, at: Instant, goes_on: bool) {
        let Some(timer) = self
            .timers
            .get(&key)
            .filter(|timer| timer.version == version)
        else {
            return;
        };
        if !goes_on {
            self.timers.remove(&key);
            return;
        }
        // From the planned time on, so that ticks do not drift; missed ones are not made up for.
        let next = (at + timer.period).max(Instant::now());
        self.due.push(Reverse((next, version, key)));
    }

    fn take_due(&mut self) -> Option<(TimerKey, u64, Instant, Tick)> {
        let Reverse((at, version, key)) = self.due.pop()?;
        let timer = self
            .timers
            .get(&key)
            .filter(|timer| timer.version == version)?;
        Some((key, version, at, timer.tick.clone()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc::sync_channel;

    const PATIENCE: Duration = Duration::from_secs(20);

    fn key(generation: u64, id: u64) -> TimerKey {
        TimerKey {
            plugin: "a".to_owned(),
            generation,
            id,
        }
    }

    #[test]
    fn a_timer_ticks_until_it_says_no_and_others_go_on() {
        let timers = Timers::new();
        let (sender, ticks) = sync_channel(0);
        let end = sender.clone();
        timers
            .start(
                key(1, 1),
                PERIOD_MIN,
                Arc::new(move || sender.send("on").is_ok()),
            )
            .unwrap();
        timers
            .start(
                key(1, 2),
                PERIOD_MIN,
                Arc::new(move || {
                    let _ = end.send("once");
                    false
                }),
            )
            .unwrap();
        let seen: Vec<_> = (0..5)
            .map(|_| ticks.recv_timeout(PATIENCE).unwrap())
            .collect();
        assert_eq!(
            seen.iter().filter(|what| **what == "once").count(),
            1,
            "{seen:?}"
        );
        assert_eq!(timers.count("a", 1), 1);
    }

    #[test]
    fn a_generation_takes_its_timers_with_it() {
        let timers = Timers::new();
        for (generation, id) in [(1, 1), (1, 2), (2, 1)] {
            timers
                .start(key(generation, id), PATIENCE, Arc::new(|| true))
                .unwrap();
        }
        timers.stop_all("a", 1);
        assert_eq!((timers.count("a", 1), timers.count("a", 2)), (0, 1));
        timers.stop(&key(2, 1));
        assert_eq!(timers.count("a", 2), 0);
    }
}
