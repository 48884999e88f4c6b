//! What an answer means: the plugin's verdict, or the status code's. Time is an argument.

use meterbox_plugin_abi::Verdict;
use std::time::{Duration, SystemTime};

/// Retry-After is obeyed within these.
const PAUSE_MIN: Duration = Duration::from_secs(1);
const PAUSE_MAX: Duration = Duration::from_secs(300);

/// What becomes of a push.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Judgement {
    Done,
    Retry,
    /// With the reason.
    Drop(String),
    Split,
}

/// Judges an answer; `verdict` is the plugin's verdict with its reason.
pub(super) fn judge(status: u16, verdict: Option<(Verdict, String)>) -> Judgement {
    match verdict {
        Some((Verdict::DONE, _)) => Judgement::Done,
        Some((Verdict::RETRY, _)) => Judgement::Retry,
        Some((Verdict::SPLIT, _)) => Judgement::Split,
        Some((Verdict::DROP, reason)) if reason.is_empty() => Judgement::Drop("plugin".to_owned()),
        Some((Verdict::DROP, reason)) => Judgement::Drop(reason),
        // By status, verdicts of a later border, and no verdict at all.
        _ => by_status(status),
    }
}

fn by_status(status: u16) -> Judgement {
    match status {
        200..=299 => Judgement::Done,
        408 | 429 | 500..=599 => Judgement::Retry,
        other => Judgement::Drop(format!("status_{other}")),
    }
}

/// How long an answer asks to wait: seconds or a date.
pub(super) fn retry_after(value: &str, now: SystemTime) -> Option<Duration> {
    let value = value.trim();
    let pause = match value.parse::<u64>() {
        Ok(seconds) => Duration::from_secs(seconds),
        Err(_) if !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit()) => PAUSE_MAX,
        Err(_) => {
            let at = httpdate::parse_http_date(value).ok()?;
            at.duration_since(now).unwrap_or_default()
        }
    };
    Some(pause.clamp(PAUSE_MIN, PAUSE_MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_status_decides_unless_the_plugin_does() {
        let drop = |reason: &str| Judgement::Drop(reason.to_owned());
        for (status, judgement) in [
            (200, Judgement::Done),
            (204, Judgement::Done),
            (301, drop("status_301")),
            (400, drop("status_400")),
            (408, Judgement::Retry),
            (413, drop("status_413")),
            (429, Judgement::Retry),
            (500, Judgement::Retry),
            (503, Judgement::Retry),
            (999, drop("status_999")),
        ] {
            assert_eq!(judge(status, None), judgement, "{status}");
            let undecided = Some((Verdict::BY_STATUS, "ignored".to_owned()));
            assert_eq!(judge(status, undecided), judgement, "{status}");
        }
        let verdict = |verdict, reason: &str| judge(400, Some((verdict, reason.to_owned())));
        assert_eq!(verdict(Verdict::DONE, ""), Judgement::Done);
        assert_eq!(verdict(Verdict::RETRY, ""), Judgement::Retry);
        assert_eq!(verdict(Verdict::SPLIT, ""), Judgement::Split);
        assert_eq!(verdict(Verdict::DROP, "bad line"), drop("bad line"));
        assert_eq!(verdict(Verdict::DROP, ""), drop("plugin"));
        assert_eq!(verdict(Verdict(99), ""), drop("status_400"));
    }

    #[test]
    fn retry_after_is_seconds_or_a_date_within_bounds() {
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(784_111_777);
        let after = |value| retry_after(value, now).map(|pause| pause.as_secs());
        assert_eq!(after("7"), Some(7));
        assert_eq!(after("0"), Some(1));
        assert_eq!(after("86400"), Some(300));
        assert_eq!(after("99999999999999999999999"), Some(300));
        assert_eq!(after("Sun, 06 Nov 1994 08:50:07 GMT"), Some(30));
        assert_eq!(
            after("Sun, 06 Nov 1994 08:49:07 GMT"),
            Some(1),
            "in the past"
        );
        assert_eq!(after("soon"), None);
        assert_eq!(after(""), None);
        assert_eq!(after("-5"), None);
    }
}
