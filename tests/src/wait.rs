//! Waiting for something to become true, with a deadline and no blind sleep.

use std::time::{Duration, Instant};

/// Polls `probe` until it gives a value, for at most 30 s.
///
/// # Panics
/// With `what` and the last complaint when the time is over.
#[track_caller]
pub fn eventually<T>(what: &str, mut probe: impl FnMut() -> Result<T, String>) -> T {
    let start = Instant::now();
    loop {
        match probe() {
            Ok(value) => return value,
            Err(complaint) => assert!(
                start.elapsed() < Duration::from_secs(30),
                "{what}: not within 30 s; last: {complaint}"
            ),
        }
        // A pause between two looks, not a guess how long the thing takes.
        std::thread::park_timeout(Duration::from_millis(20));
    }
}
