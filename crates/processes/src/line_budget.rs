//! How many lines somebody may log: so many in a second, the rest is counted.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// The budget of one plugin or worker.
#[derive(Debug)]
pub struct LineBudget {
    lines_max: u64,
    window: Mutex<Window>,
}

#[derive(Debug, Default)]
struct Window {
    second: u64,
    lines: u64,
    dropped: u64,
}

impl LineBudget {
    /// So many lines in a second.
    #[must_use]
    pub fn new(lines_max: u64) -> Self {
        Self {
            lines_max,
            window: Mutex::default(),
        }
    }

    /// Takes one line at time `now`.
    ///
    /// How many lines were dropped since the last one that passed; none when this one is over the
    /// budget, too.
    pub fn take(&self, now: Duration) -> Option<u64> {
        let mut window = self.window.lock().unwrap_or_else(PoisonError::into_inner);
        if window.second != now.as_secs() {
            window.second = now.as_secs();
            window.lines = 0;
        }
        if window.lines >= self.lines_max {
            window.dropped += 1;
            return None;
        }
        window.lines += 1;
        Some(std::mem::take(&mut window.dropped))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_over_the_budget_are_reported_with_the_next_one_that_passes() {
        let budget = LineBudget::new(1000);
        let at = Duration::from_secs;
        assert!((0..1000).all(|_| budget.take(at(1)) == Some(0)));
        assert_eq!(budget.take(at(1)), None);
        assert_eq!(budget.take(at(1)), None);
        assert_eq!(budget.take(at(2)), Some(2));
        assert_eq!(budget.take(at(2)), Some(0));
    }
}
