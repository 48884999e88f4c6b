//! When a worker that ended is started again.
//!
//! At once the first time, then after 0.1 s doubling to 30 s, each a little earlier or later so that
//! many workers do not come back together. Five ends within a minute: it is put aside, with one trial
//! every minute. Time is an argument.

use std::collections::VecDeque;
use std::time::Duration;

const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(30);
/// So many ends within [`WINDOW`] put a worker aside.
const ENDS_MAX: usize = 5;
const WINDOW: Duration = Duration::from_secs(60);
/// Pause between trials of a worker that was put aside.
const TRIAL_PAUSE: Duration = Duration::from_secs(60);

/// The history of one worker.
#[derive(Debug, Default)]
pub(super) struct Backoff {
    ends: VecDeque<Duration>,
    /// Ends since it last loaded its model.
    failures: u32,
}

/// What to do after an end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Verdict {
    /// How long to wait.
    pub(super) pause: Duration,
    /// Whether it is put aside: no request should wait for it.
    pub(super) aside: bool,
}

impl Backoff {
    /// It has loaded its model.
    pub(super) fn loaded(&mut self) {
        self.failures = 0;
    }

    /// It ended at `now`; `jitter` is from 0 to 1.
    pub(super) fn ended(&mut self, now: Duration, jitter: f64) -> Verdict {
        self.ends.push_back(now);
        while self
            .ends
            .front()
            .is_some_and(|end| now.saturating_sub(*end) > WINDOW)
        {
            self.ends.pop_front();
        }
        self.failures += 1;
        if self.ends.len() >= ENDS_MAX {
            self.ends.drain(..self.ends.len() - ENDS_MAX);
            return Verdict {
                pause: TRIAL_PAUSE,
                aside: true,
            };
        }
        let recent = u32::try_from(self.ends.len()).unwrap_or(u32::MAX);
        let count = self.failures.max(recent);
        Verdict {
            pause: pause(count, jitter),
            aside: false,
        }
    }
}

/// The pause after the so manieth end in a row, 10 % more or less.
fn pause(count: u32, jitter: f64) -> Duration {
    let Some(doublings) = count.checked_sub(2) else {
        return Duration::ZERO;
    };
    let full = FIRST_PAUSE
        .saturating_mul(1 << doublings.min(10))
        .min(LONGEST_PAUSE);
    full.mul_f64(0.9 + 0.2 * jitter.clamp(0.0, 1.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: f64) -> Duration {
        Duration::from_secs_f64(seconds)
    }

    #[test]
    fn the_first_retry_is_at_once_and_the_fifth_end_in_a_minute_puts_it_aside() {
        let mut backoff = Backoff::default();
        let pauses: Vec<_> = (0..4)
            .map(|n| backoff.ended(at(f64::from(n)), 0.5))
            .collect();
        let expect = [0.0, 0.1, 0.2, 0.4].map(|pause| Verdict {
            pause: at(pause),
            aside: false,
        });
        assert_eq!(pauses, expect);
        assert_eq!(
            backoff.ended(at(5.0), 0.5),
            Verdict {
                pause: at(60.0),
                aside: true
            }
        );
        assert!(
            !backoff.ended(at(70.0), 0.5).aside,
            "the trial ended more than a minute later"
        );
    }

    #[test]
    fn pauses_grow_to_half_a_minute_when_ends_are_far_apart() {
        let mut backoff = Backoff::default();
        let mut last = Duration::ZERO;
        for n in 0..20 {
            let verdict = backoff.ended(at(f64::from(n) * 100.0), 0.5);
            assert!(verdict.pause >= last && !verdict.aside);
            last = verdict.pause;
        }
        assert_eq!(last, at(30.0));
        backoff.loaded();
        assert_eq!(backoff.ended(at(9_000.0), 0.5).pause, Duration::ZERO);
    }

    #[test]
    fn loading_well_does_not_hide_a_worker_that_keeps_dying() {
        let mut backoff = Backoff::default();
        let verdicts = (0..5).map(|n| {
            backoff.loaded();
            backoff.ended(at(f64::from(n) * 10.0), 0.5)
        });
        assert!(verdicts.last().unwrap().aside);
    }

    #[test]
    fn jitter_moves_a_pause_by_a_tenth() {
        assert_eq!((pause(2, 0.0), pause(2, 1.0)), (at(0.09), at(0.11)));
        assert_eq!(pause(1, 1.0), Duration::ZERO);
    }
}
