//! When a change is logged: once for each change between going well, failing and dropping.

/// How the last push or question ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum DeliveryState {
    /// Delivered.
    Delivered,
    /// To be tried again.
    Failing,
    /// Dropped.
    Dropping,
}

/// The last state that was logged.
#[derive(Debug, Default)]
pub(super) struct Health {
    last: Option<DeliveryState>,
    /// Since the last delivery.
    failures: u64,
}

impl Health {
    /// Whether this is worth a line; with the number of failures before, for one that goes well again.
    pub(super) fn change(&mut self, state: DeliveryState) -> Option<u64> {
        let before = self.last.replace(state);
        let failures = self.failures;
        self.failures = match state {
            DeliveryState::Delivered => 0,
            DeliveryState::Failing | DeliveryState::Dropping => failures + 1,
        };
        match (before, state) {
            (before, state) if before == Some(state) => None,
            // The very first success is no news.
            (None, DeliveryState::Delivered) => None,
            _ => Some(failures),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_changes_are_logged() {
        let mut health = Health::default();
        assert_eq!(health.change(DeliveryState::Delivered), None);
        assert_eq!(health.change(DeliveryState::Failing), Some(0));
        assert_eq!(health.change(DeliveryState::Failing), None);
        assert_eq!(health.change(DeliveryState::Dropping), Some(2));
        assert_eq!(health.change(DeliveryState::Delivered), Some(3));
        assert_eq!(health.change(DeliveryState::Delivered), None);
    }
}
