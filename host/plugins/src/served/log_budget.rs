//! How many lines a plugin may log: so many in a second, the rest is counted.

use parking_lot::Mutex;
use std::time::Duration;

/// The budget of one plugin.
#[derive(Debug)]
pub(super) struct LogBudget {
    lines_max: u64,
    window: Mutex<Window>,
}

#[derive(Debug, Default)]
struct Window {
    second: u64,
    lines: u64,
    dropped: u64,
}

impl LogBudget {
    /// So many lines in a second.
    pub(super) fn new(lines_max: u64) -> Self {
        Self {
            lines_max,
            window: Mutex::default(),
        }
    }

    /// Takes one line at time `now`.
    ///
    /// Gives how many lines were dropped since the last one that passed, or an error when this one
    /// is over the budget, too.
    pub(super) fn take(&self, now: Duration) -> Result<u64, ()> {
        let mut window = self.window.lock();
        if window.second != now.as_secs() {
            window.second = now.as_secs();
            window.lines = 0;
        }
        if window.lines >= self.lines_max {
            window.dropped += 1;
            return Err(());
        }
        window.lines += 1;
        Ok(std::mem::take(&mut window.dropped))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_over_the_budget_are_reported_with_the_next_one_that_passes() {
        let budget = LogBudget::new(1000);
        let at = Duration::from_secs;
        assert!((0..1000).all(|_| budget.take(at(1)) == Ok(0)));
        assert_eq!(budget.take(at(1)), Err(()));
        assert_eq!(budget.take(at(1)), Err(()));
        assert_eq!(budget.take(at(2)), Ok(2));
        assert_eq!(budget.take(at(2)), Ok(0));
    }
}
