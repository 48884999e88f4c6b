//! When the log is told: once for each change between going well, failing and dropping.

/// How the last push or question ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Turn {
    /// Delivered.
    Well,
    /// To be tried again.
    Failing,
    /// Dropped.
    Dropping,
}

/// The last turn that was told.
#[derive(Debug, Default)]
pub(super) struct Health {
    last: Option<Turn>,
    /// Since the last delivery.
    failures: u64,
}

impl Health {
    /// Whether this is worth a line; with the number of failures before, for one that goes well again.
    pub(super) fn turn(&mut self, turn: Turn) -> Option<u64> {
        let before = self.last.replace(turn);
        let failures = self.failures;
        self.failures = match turn {
            Turn::Well => 0,
            Turn::Failing | Turn::Dropping => failures + 1,
        };
        match (before, turn) {
            (before, turn) if before == Some(turn) => None,
            // The very first success is no news.
            (None, Turn::Well) => None,
            _ => Some(failures),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_changes_are_told() {
        let mut health = Health::default();
        assert_eq!(health.turn(Turn::Well), None);
        assert_eq!(health.turn(Turn::Failing), Some(0));
        assert_eq!(health.turn(Turn::Failing), None);
        assert_eq!(health.turn(Turn::Dropping), Some(2));
        assert_eq!(health.turn(Turn::Well), Some(3));
        assert_eq!(health.turn(Turn::Well), None);
    }
}
