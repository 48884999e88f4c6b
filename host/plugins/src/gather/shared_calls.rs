//! Requests that wait for a collector's call to begin share the next one.
//!
//! A call that has begun is never joined: whoever asks sees nothing that was read before. While one
//! runs, those who ask wait for it to end, or for [`BEGIN_WITHIN`], and have the next one together. So a
//! collector is called as often as it can answer, however many ask; a slow one is called in parallel, as
//! if nobody shared; and a hanging one holds up no request longer than that.

use parking_lot::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock, Weak};
use std::time::{Duration, Instant};

/// The longest that a request waits for a call before its own to end.
pub(super) const BEGIN_WITHIN: Duration = Duration::from_millis(25);

/// The calls of one collector.
pub(crate) struct SharedCalls<C> {
    /// One for each choice of names that somebody asks for now.
    lines: Mutex<Vec<WaitingCall<C>>>,
}

struct WaitingCall<C> {
    names: Arc<[String]>,
    /// The last one that began.
    begun: Weak<SharedCall<C>>,
    /// The one that begins next; whoever waits for it is in it.
    next: Option<Arc<SharedCall<C>>>,
}

/// One call, for all who asked before it began.
pub(super) struct SharedCall<C> {
    before: Weak<SharedCall<C>>,
    call: OnceLock<C>,
    /// Those in it who still wait.
    waiting: AtomicUsize,
}

impl<C> Default for SharedCalls<C> {
    fn default() -> Self {
        Self {
            lines: Mutex::default(),
        }
    }
}

impl<C> SharedCalls<C> {
    /// A call for these names that has not begun.
    pub(super) fn join(&self, names: &Arc<[String]>) -> Arc<SharedCall<C>> {
        let mut lines = self.lines.lock();
        let asked = |line: &WaitingCall<C>| line.next.is_some() || line.begun.strong_count() > 0;
        lines.retain(asked);
        let known = lines.iter_mut().find(|line| line.names == *names);
        let made = |before| {
            Arc::new(SharedCall {
                before,
                call: OnceLock::new(),
                waiting: AtomicUsize::new(1),
            })
        };
        if let Some(line) = known {
            if let Some(next) = &line.next {
                next.waiting.fetch_add(1, Ordering::Relaxed);
                return next.clone();
            }
            return line.next.insert(made(line.begun.clone())).clone();
        }
        let next = made(Weak::new());
        lines.push(WaitingCall {
            names: names.clone(),
            begun: Weak::new(),
            next: Some(next.clone()),
        });
        next
    }

    /// Begins a call, unless another of those in it did; gives it once it has begun.
    pub(super) fn begin<'a>(
        &self,
        shared: &'a Arc<SharedCall<C>>,
        begin: impl FnOnce() -> C,
    ) -> &'a C {
        let mut lines = self.lines.lock();
        // From here on nobody joins it.
        let line = lines.iter_mut().find(|line| {
            let next = line.next.as_ref();
            next.is_some_and(|next| Arc::ptr_eq(next, shared))
        });
        if let Some(line) = line {
            line.next = None;
            line.begun = Arc::downgrade(shared);
            drop(lines);
            shared.call.get_or_init(begin)
        } else {
            drop(lines);
            shared.call.wait()
        }
    }
}

impl<C> SharedCall<C> {
    /// Calls `wait` with the call before this one, if that is still under way, and until when.
    pub(super) fn wait_turn(&self, asked: Instant, wait: impl FnOnce(&C, Instant)) {
        if let Some(before) = self.before.upgrade() {
            wait(before.call.wait(), asked + BEGIN_WITHIN);
        }
    }

    /// The call, once it has begun.
    pub(crate) fn get(&self) -> &C {
        self.call.wait()
    }

    /// One of those in it waits no longer; true when nobody else does.
    pub(super) fn leave(&self) -> bool {
        self.waiting.fetch_sub(1, Ordering::AcqRel) == 1
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::AtomicU64;

    fn names(names: &[&str]) -> Arc<[String]> {
        names.iter().map(|name| (*name).to_owned()).collect()
    }

    #[test]
    fn who_asks_while_a_call_runs_shares_the_next_one_and_never_the_running_one() {
        let calls = SharedCalls::default();
        let all = names(&[]);
        let first = calls.join(&all);
        assert_eq!(*calls.begin(&first, || 1), 1);
        let waiting: Vec<_> = (0..15).map(|_| calls.join(&all)).collect();
        assert!(!Arc::ptr_eq(&waiting[0], &first));
        let asked = Instant::now();
        for call in &waiting {
            assert!(Arc::ptr_eq(call, &waiting[0]));
            let mut waited_for = None;
            call.wait_turn(asked, |before, until| waited_for = Some((*before, until)));
            assert_eq!(waited_for, Some((1, asked + BEGIN_WITHIN)));
        }
        let mut begun = 0;
        for call in &waiting {
            let value = *calls.begin(call, || {
                begun += 1;
                2
            });
            assert_eq!((value, *call.get()), (2, 2));
        }
        assert_eq!(begun, 1);
        assert!(!Arc::ptr_eq(&calls.join(&all), &waiting[0]));
        let left = waiting.iter().filter(|call| call.leave()).count();
        assert_eq!(left, 1, "only the last one leaves nobody behind");
    }

    #[test]
    fn other_names_wait_for_nobody_and_what_is_over_is_forgotten() {
        let calls = SharedCalls::default();
        let all = calls.join(&names(&[]));
        calls.begin(&all, || ());
        let one = calls.join(&names(&["a"]));
        one.wait_turn(Instant::now(), |(), _| {
            panic!("it waits for another choice")
        });
        drop((all, one));
        calls.join(&names(&["b"]));
        assert_eq!(
            calls.lines.lock().len(),
            2,
            "those of `b`, and of `a`, which did not begin"
        );
    }

    #[test]
    fn no_request_of_many_at_once_sees_what_was_read_before_it_came() {
        const THREADS: u64 = 8;
        const ASKED: u64 = 200;
        let (calls, clock, begun) = (SharedCalls::default(), AtomicU64::new(0), AtomicU64::new(0));
        let all = names(&[]);
        let tick = || clock.fetch_add(1, Ordering::SeqCst);
        std::thread::scope(|scope| {
            for _ in 0..THREADS {
                scope.spawn(|| {
                    for _ in 0..ASKED {
                        let asked = tick();
                        let call = calls.join(&all);
                        std::thread::yield_now();
                        let read = *calls.begin(&call, || {
                            begun.fetch_add(1, Ordering::SeqCst);
                            tick()
                        });
                        assert!(asked < read, "asked at {asked}, read at {read}");
                    }
                });
            }
        });
        let begun = begun.into_inner();
        assert!(begun <= THREADS * ASKED, "{begun}");
        assert!(calls.lines.lock().len() <= 1);
    }
}
