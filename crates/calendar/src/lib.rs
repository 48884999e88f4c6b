//! Moments as dates and times of day, as text. All of it is UTC: the server knows no time zones.
//!
//! ```
//! use std::time::{Duration, UNIX_EPOCH};
//!
//! let moment = UNIX_EPOCH + Duration::from_millis(1_795_225_508_324);
//! assert_eq!(meterbox_calendar::rfc3339(moment), "2026-11-21T01:45:08.324Z");
//! ```

#![forbid(unsafe_code)]

mod moment;

use moment::Moment;
use std::time::{SystemTime, UNIX_EPOCH};

/// `2026-11-21T01:36:54.395Z`; a moment before 1970 is shown as its begin.
#[must_use]
pub fn rfc3339(moment: SystemTime) -> String {
    let mut text = String::with_capacity(24);
    push_rfc3339(moment, &mut text);
    text
}

/// Appends what [`rfc3339`] gives.
pub fn push_rfc3339(moment: SystemTime, out: &mut String) {
    let since = moment.duration_since(UNIX_EPOCH).unwrap_or_default();
    Moment::of_millis(since.as_millis() as u64).push('.', out);
    out.push('Z');
}

/// `2026-11-21T01:36:54,395`, as log4j writes it; a moment before 1970 is shown as its begin.
#[must_use]
pub fn iso8601(unix_seconds: f64) -> String {
    let mut text = String::with_capacity(24);
    Moment::of_millis((unix_seconds.max(0.0) * 1e3) as u64).push(',', &mut text);
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn moments_are_printed_in_utc_with_milliseconds() {
        let at = |ms| rfc3339(UNIX_EPOCH + Duration::from_millis(ms));
        assert_eq!(at(0), "1970-01-01T00:00:00.000Z");
        assert_eq!(at(951_782_399_999), "2000-02-28T23:59:59.999Z");
        assert_eq!(at(951_868_799_001), "2000-02-29T23:59:59.001Z");
        assert_eq!(at(1_709_251_199_007), "2024-02-29T23:59:59.007Z");
        assert_eq!(at(4_107_542_400_007), "2100-03-01T00:00:00.007Z");
        assert_eq!(at(1_795_224_757_000), "2026-11-21T01:32:37.000Z");
        let before = UNIX_EPOCH - Duration::from_secs(5);
        assert_eq!(rfc3339(before), "1970-01-01T00:00:00.000Z");
    }

    #[test]
    fn times_are_iso_8601_with_milliseconds() {
        for (unix, expect) in [
            (0.0, "1970-01-01T00:00:00,000"),
            (1_795_225_508.324, "2026-11-21T01:45:08,324"),
            (951_782_399.999, "2000-02-28T23:59:59,999"),
            (951_782_400.0, "2000-02-29T00:00:00,000"),
            (1_709_164_800.0, "2024-02-29T00:00:00,000"),
            (4_107_542_400.0, "2100-03-01T00:00:00,000"),
            (-5.0, "1970-01-01T00:00:00,000"),
        ] {
            assert_eq!(iso8601(unix), expect);
        }
    }
}
