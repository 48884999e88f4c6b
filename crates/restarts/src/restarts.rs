//! When a process that ended is started again.
//!
//! The first time at once, then after pauses that double; a long good run forgets all that. Too many
//! ends in one window are a quarantine with one trial each interval.

use crate::Backoff;
use std::collections::VecDeque;
use std::time::Duration;

/// When to start again.
#[derive(Clone, Copy, Debug)]
pub struct RestartSettings {
    /// So many crashes within [`RestartSettings::window`] are too many.
    pub crashes_max: usize,
    /// The window, and how long a run is a good one.
    pub window: Duration,
    /// The pauses from the second crash on; after the first there is none.
    pub backoff: Backoff,
    /// Between two trials in quarantine.
    pub trial_interval: Duration,
}

impl RestartSettings {
    /// With the usual pauses.
    #[must_use]
    pub const fn new(crashes_max: usize, window: Duration, trial_interval: Duration) -> Self {
        Self {
            crashes_max,
            window,
            backoff: Backoff {
                first: Duration::from_millis(100),
                longest: Duration::from_secs(30),
            },
            trial_interval,
        }
    }
}

/// What follows a crash.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    /// Start again after this pause.
    After(Duration),
    /// Too often; one trial after this long.
    Trial(Duration),
}

impl Next {
    /// How long to wait, either way.
    #[must_use]
    pub fn pause(self) -> Duration {
        match self {
            Self::After(pause) | Self::Trial(pause) => pause,
        }
    }
}

/// The crashes of one process, and what follows from them.
#[derive(Debug)]
pub struct Restarts {
    settings: RestartSettings,
    crashes: VecDeque<Duration>,
    /// Crashes in a row without a good run.
    in_a_row: u32,
    on_trial: bool,
}

impl Restarts {
    /// Nothing has happened yet.
    #[must_use]
    pub fn new(settings: RestartSettings) -> Self {
        Self {
            settings,
            crashes: VecDeque::new(),
            in_a_row: 0,
            on_trial: false,
        }
    }

    /// A process that had been up for `ran` (nothing if it never was) ended at `now`; for `jitter` see
    /// [`Backoff::pause`].
    pub fn crashed(&mut self, now: Duration, ran: Option<Duration>, jitter: f64) -> Next {
        if ran.is_some_and(|ran| self.is_good(ran)) {
            self.good_run();
        }
        let window = self.settings.window;
        self.crashes.retain(|&at| at + window > now);
        self.crashes.push_back(now);
        if self.on_trial || self.crashes.len() >= self.settings.crashes_max {
            self.on_trial = true;
            self.crashes.clear();
            return Next::Trial(self.settings.trial_interval);
        }
        let doublings = self.in_a_row.checked_sub(1);
        self.in_a_row = self.in_a_row.saturating_add(1);
        Next::After(doublings.map_or(Duration::ZERO, |doublings| {
            self.settings.backoff.pause(doublings, jitter)
        }))
    }

    /// Whether a process was started on trial and this is to be told when it lasts for long enough.
    #[must_use]
    pub fn on_trial(&self) -> bool {
        self.on_trial
    }

    /// Whether a run was long enough for [`Restarts::good_run`].
    #[must_use]
    pub fn is_good(&self, ran: Duration) -> bool {
        ran >= self.settings.window
    }

    /// A run was long enough to forget what was before.
    pub fn good_run(&mut self) {
        self.crashes.clear();
        self.in_a_row = 0;
        self.on_trial = false;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE: Duration = Duration::from_secs(60);
    const FIVE_A_MINUTE: RestartSettings = RestartSettings::new(5, MINUTE, MINUTE);

    fn millis(millis: u64) -> Duration {
        Duration::from_millis(millis)
    }

    #[test]
    fn pauses_begin_with_none_and_double_to_their_maximum() {
        let settings = RestartSettings {
            crashes_max: 100,
            ..FIVE_A_MINUTE
        };
        let mut restarts = Restarts::new(settings);
        let mut pauses = (0..12).map(|at| restarts.crashed(millis(at), None, 0.5).pause());
        assert_eq!(pauses.next(), Some(Duration::ZERO));
        let pauses: Vec<u128> = pauses.map(|pause| pause.as_millis()).collect();
        assert_eq!(
            pauses,
            [
                100, 200, 400, 800, 1600, 3200, 6400, 12800, 25600, 30000, 30000
            ]
        );
        let early = restarts.crashed(millis(13), None, 0.0).pause();
        let late = restarts.crashed(millis(14), None, 1.0).pause();
        assert_eq!((early, late), (millis(24_000), millis(36_000)));
    }

    #[test]
    fn a_good_run_forgets_and_a_short_one_does_not() {
        let mut restarts = Restarts::new(FIVE_A_MINUTE);
        let at = |seconds| Duration::from_secs(seconds);
        assert_eq!(restarts.crashed(at(0), Some(at(5)), 0.5).pause(), at(0));
        assert_eq!(
            restarts.crashed(at(9), Some(at(5)), 0.5).pause(),
            millis(100)
        );
        assert_eq!(restarts.crashed(at(99), Some(at(60)), 0.5).pause(), at(0));
    }

    #[test]
    fn five_crashes_in_a_minute_are_a_quarantine_until_a_trial_lasts() {
        let mut restarts = Restarts::new(FIVE_A_MINUTE);
        let at = |seconds| Duration::from_secs(seconds);
        for second in 0..4 {
            let next = restarts.crashed(at(second), Some(at(1)), 0.5);
            assert!(matches!(next, Next::After(_)), "{next:?}");
        }
        assert_eq!(
            restarts.crashed(at(4), Some(at(1)), 0.5),
            Next::Trial(at(60))
        );
        let failed_trial = restarts.crashed(at(70), Some(at(5)), 0.5);
        assert_eq!(failed_trial, Next::Trial(at(60)));
        assert!(restarts.on_trial());
        let long_trial = restarts.crashed(at(200), Some(at(65)), 0.5);
        assert_eq!(long_trial, Next::After(at(0)));
        assert!(!restarts.on_trial());
    }

    #[test]
    fn slow_crashes_never_are_a_quarantine() {
        let mut restarts = Restarts::new(FIVE_A_MINUTE);
        for minute in 0..50 {
            let now = Duration::from_secs(minute * 20);
            let next = restarts.crashed(now, Some(Duration::from_secs(15)), 0.5);
            assert!(matches!(next, Next::After(_)), "{next:?}");
        }
    }
}
