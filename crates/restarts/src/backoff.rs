//! Pauses that double up to a longest one.

use std::time::Duration;

/// Doublings beyond this number change nothing: even a millisecond is then a quarter of an hour.
const DOUBLINGS_MAX: u32 = 20;

/// A first pause and the longest one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Backoff {
    /// The pause after the first failure.
    pub first: Duration,
    /// No pause is longer, jitter aside.
    pub longest: Duration,
}

impl Backoff {
    /// The pause after `doublings` more failures. `jitter` from 0 to 1 moves it by up to a fifth each
    /// way, so that many who failed together do not come back together.
    #[must_use]
    pub fn pause(self, doublings: u32, jitter: f64) -> Duration {
        let full = self
            .first
            .saturating_mul(1 << doublings.min(DOUBLINGS_MAX))
            .min(self.longest);
        full.mul_f64(0.8 + 0.4 * jitter.clamp(0.0, 1.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BACKOFF: Backoff = Backoff {
        first: Duration::from_millis(100),
        longest: Duration::from_secs(30),
    };

    #[test]
    fn pauses_double_to_the_longest_and_stay_there() {
        let pauses = [0, 1, 2, 8, 9, 31, u32::MAX].map(|n| BACKOFF.pause(n, 0.5).as_millis());
        assert_eq!(pauses, [100, 200, 400, 25_600, 30_000, 30_000, 30_000]);
    }

    #[test]
    fn jitter_moves_a_pause_by_a_fifth_and_no_further() {
        let pauses = [-1.0, 0.0, 1.0, 9.0].map(|jitter| BACKOFF.pause(0, jitter).as_millis());
        assert_eq!(pauses, [80, 80, 120, 120]);
    }
}
