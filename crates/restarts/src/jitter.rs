//! The one thing here that is not an argument: callers pass it on.

use std::hash::{BuildHasher, RandomState};

/// A number from 0 to 1 that differs from process to process and from call to call.
#[must_use]
pub fn jitter() -> f64 {
    let bits = RandomState::new().hash_one(()) >> 48;
    u32::try_from(bits).map_or(0.5, |bits| f64::from(bits) / 65_535.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_spread_over_its_range() {
        let numbers: Vec<f64> = (0..1_000).map(|_| jitter()).collect();
        assert!(numbers.iter().all(|number| (0.0..=1.0).contains(number)));
        let low = numbers.iter().filter(|number| **number < 0.5).count();
        assert!((300..700).contains(&low), "{low} of 1000 are below a half");
    }
}
