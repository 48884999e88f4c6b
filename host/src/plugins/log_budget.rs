//! How many lines a plugin may log: so many in a second, the rest is counted.

use parking_lot::Mutex;
use std::time::Duration;

/// Most lines of one plugin in one second.
const LINES_PER_SECOND_MAX: u32 = 1000;

/// The budget of one plugin.
#[derive(Debug, Default)]
pub(super) struct LogBudget(Mutex<Window>);

#[derive(Debug, Default)]
struct Window {
    second: u64,
    lines: u32,
    dropped: u64,
}

impl LogBudget {
    /// Takes one line at time `now`.
    ///
    /// Gives how many lines were dropped since the last one that passed, or an error when this one
    /// is over the budget, too.
    pub(super) fn take(&self, now: Duration) -> Result<u64, ()> {
        let mut window = self.0.lock();
        if window.second != now.as_secs() {
            window.second = now.as_secs();
            window.lines = 0;
        }
        if window.lines >= LINES_PER_SECOND_MAX {
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
        let budget = LogBudget::default();
        let at = Duration::from_secs;
        assert!((0..1000).all(|_| budget.take(at(1)) == Ok(0)));
        assert_eq!(budget.take(at(1)), Err(()));
        assert_eq!(budget.take(at(1)), Err(()));
        assert_eq!(budget.take(at(2)), Ok(2));
        assert_eq!(budget.take(at(2)), Ok(0));
    }
}
