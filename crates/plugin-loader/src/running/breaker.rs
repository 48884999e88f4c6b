//! Keeps calls away from a plugin that keeps failing: a pure state machine, time is an argument.
//!
//! Closed until too many failures fall into one window; then open for a while, then half-open with
//! one trial call. A failed trial doubles the pause; too many openings in a row quarantine the
//! plugin until it is reloaded. It does not decide what a failure is.

use std::collections::VecDeque;
use std::time::Duration;

/// When to open and for how long.
#[derive(Debug, Clone, Copy)]
pub struct BreakerSettings {
    /// So many failures inside [`BreakerSettings::window`] open it.
    pub failures_max: usize,
    /// The window in which failures count.
    pub window: Duration,
    /// The first pause.
    pub pause_first: Duration,
    /// The longest pause; each failed trial doubles it up to here.
    pub pause_max: Duration,
    /// So many openings without a success in between quarantine the plugin.
    pub openings_max: u32,
}

impl Default for BreakerSettings {
    fn default() -> Self {
        Self {
            failures_max: 5,
            window: Duration::from_secs(60),
            pause_first: Duration::from_secs(1),
            pause_max: Duration::from_secs(60),
            openings_max: 10,
        }
    }
}

/// Whether one call may go ahead.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Admission {
    /// An ordinary call.
    Pass,
    /// The one call that decides whether the breaker closes again.
    Trial,
    /// Not now; ask again after this long.
    Later(Duration),
    /// Not until the plugin is reloaded.
    Never,
}

/// What the breaker is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BreakerState {
    /// Calls pass.
    Closed,
    /// Calls are refused for a while, or one trial is under way.
    Open,
    /// Calls are refused for good.
    Quarantined,
}

/// The state machine.
#[derive(Debug)]
pub struct Breaker {
    settings: BreakerSettings,
    phase: BreakerPhase,
    failures: VecDeque<Duration>,
    openings: u32,
}

#[derive(Debug, Clone, Copy)]
enum BreakerPhase {
    Closed,
    Open { until: Duration },
    Trial,
    Quarantined,
}

impl Breaker {
    /// A closed breaker.
    pub fn new(settings: BreakerSettings) -> Self {
        Self {
            settings,
            phase: BreakerPhase::Closed,
            failures: VecDeque::new(),
            openings: 0,
        }
    }

    /// Asks for one call at time `now`. An admitted call is settled by exactly one of
    /// [`Breaker::succeeded`], [`Breaker::failed`] and [`Breaker::abandoned`].
    pub fn admit(&mut self, now: Duration) -> Admission {
        match self.phase {
            BreakerPhase::Closed => Admission::Pass,
            BreakerPhase::Open { until } if now >= until => {
                self.phase = BreakerPhase::Trial;
                Admission::Trial
            }
            BreakerPhase::Open { until } => Admission::Later(until - now),
            BreakerPhase::Trial => Admission::Later(self.settings.pause_first),
            BreakerPhase::Quarantined => Admission::Never,
        }
    }

    /// The call worked.
    pub fn succeeded(&mut self, admission: Admission) {
        if self.is_trial(admission) {
            self.phase = BreakerPhase::Closed;
            self.openings = 0;
            self.failures.clear();
        }
    }

    /// The call failed at time `now`.
    pub fn failed(&mut self, admission: Admission, now: Duration) {
        if self.is_trial(admission) {
            self.open(now);
        } else if matches!(self.phase, BreakerPhase::Closed) {
            // Calls that were under way when the breaker opened say nothing new.
            let window = self.settings.window;
            self.failures.retain(|&at| at + window > now);
            self.failures.push_back(now);
            if self.failures.len() >= self.settings.failures_max {
                self.open(now);
            }
        }
    }

    /// The call ended without telling anything about the plugin: the client left.
    pub fn abandoned(&mut self, admission: Admission, now: Duration) {
        if self.is_trial(admission) {
            self.phase = BreakerPhase::Open { until: now };
        }
    }

    /// Refuses everything from now on.
    pub fn quarantine(&mut self) {
        self.phase = BreakerPhase::Quarantined;
    }

    /// What it is doing.
    pub fn state(&self) -> BreakerState {
        match self.phase {
            BreakerPhase::Closed => BreakerState::Closed,
            BreakerPhase::Open { .. } | BreakerPhase::Trial => BreakerState::Open,
            BreakerPhase::Quarantined => BreakerState::Quarantined,
        }
    }

    /// How often it has opened since it was last closed by a success.
    pub fn openings(&self) -> u32 {
        self.openings
    }

    fn is_trial(&self, admission: Admission) -> bool {
        admission == Admission::Trial && matches!(self.phase, BreakerPhase::Trial)
    }

    fn open(&mut self, now: Duration) {
        self.failures.clear();
        self.openings += 1;
        if self.openings >= self.settings.openings_max {
            self.phase = BreakerPhase::Quarantined;
            return;
        }
        let doublings = self.openings.saturating_sub(1).min(31);
        let pause = self.settings.pause_first.saturating_mul(1 << doublings);
        self.phase = BreakerPhase::Open {
            until: now + pause.min(self.settings.pause_max),
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seconds(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    fn opened_at(now: Duration) -> Breaker {
        let mut breaker = Breaker::new(BreakerSettings::default());
        for _ in 0..5 {
            assert_eq!(breaker.admit(now), Admission::Pass);
            breaker.failed(Admission::Pass, now);
        }
        breaker
    }

    #[test]
    fn five_failures_within_a_minute_open_it_for_a_second() {
        let mut breaker = opened_at(seconds(100));
        assert_eq!(breaker.state(), BreakerState::Open);
        assert_eq!(breaker.admit(seconds(100)), Admission::Later(seconds(1)));
        assert_eq!(breaker.admit(seconds(101)), Admission::Trial);
    }

    #[test]
    fn failures_that_are_a_minute_apart_never_open_it() {
        let mut breaker = Breaker::new(BreakerSettings::default());
        for minute in 0..100 {
            for second in 0..4 {
                breaker.failed(Admission::Pass, seconds(minute * 60 + second));
            }
        }
        assert_eq!(breaker.state(), BreakerState::Closed);
    }

    #[test]
    fn one_trial_at_a_time_and_its_success_closes_it() {
        let mut breaker = opened_at(seconds(0));
        assert_eq!(breaker.admit(seconds(1)), Admission::Trial);
        assert_eq!(breaker.admit(seconds(1)), Admission::Later(seconds(1)));
        breaker.succeeded(Admission::Trial);
        assert_eq!(breaker.state(), BreakerState::Closed);
        assert_eq!(breaker.admit(seconds(1)), Admission::Pass);
    }

    #[test]
    fn failed_trials_double_the_pause_to_a_minute_and_the_tenth_opening_quarantines() {
        let mut breaker = opened_at(seconds(0));
        let mut now = seconds(0);
        let mut pauses = Vec::new();
        loop {
            match breaker.admit(now) {
                Admission::Later(pause) => {
                    pauses.push(pause.as_secs());
                    now += pause;
                }
                Admission::Trial => breaker.failed(Admission::Trial, now),
                Admission::Never => break,
                Admission::Pass => panic!("it is open"),
            }
        }
        assert_eq!(pauses, [1, 2, 4, 8, 16, 32, 60, 60, 60]);
        assert_eq!(breaker.state(), BreakerState::Quarantined);
    }

    #[test]
    fn late_results_of_calls_from_before_change_nothing() {
        let mut breaker = opened_at(seconds(0));
        breaker.succeeded(Admission::Pass);
        breaker.failed(Admission::Pass, seconds(0));
        assert_eq!(breaker.admit(seconds(0)), Admission::Later(seconds(1)));
        assert_eq!(breaker.admit(seconds(1)), Admission::Trial);
        breaker.succeeded(Admission::Pass);
        assert_eq!(
            breaker.state(),
            BreakerState::Open,
            "only the trial decides"
        );
    }

    #[test]
    fn a_trial_whose_client_left_is_tried_again() {
        let mut breaker = opened_at(seconds(0));
        assert_eq!(breaker.admit(seconds(1)), Admission::Trial);
        breaker.abandoned(Admission::Trial, seconds(1));
        assert_eq!(breaker.admit(seconds(1)), Admission::Trial);
    }
}
