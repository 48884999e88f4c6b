//! A moment in the parts that people read.

/// A moment since 1970 in the parts that people read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Moment {
    year: u64,
    month: u64,
    day: u64,
    hour: u64,
    minute: u64,
    second: u64,
    milli: u64,
}

impl Moment {
    pub(crate) fn of_millis(millis: u64) -> Self {
        let (days, of_day) = (millis / 86_400_000, millis % 86_400_000);
        let (year, month, day) = civil(days);
        Self {
            year,
            month,
            day,
            hour: of_day / 3_600_000,
            minute: of_day / 60_000 % 60,
            second: of_day / 1_000 % 60,
            milli: of_day % 1_000,
        }
    }

    /// Appends `2026-11-21T01:36:54`, `point` and the milliseconds.
    pub(crate) fn push(&self, point: char, out: &mut String) {
        digits(out, self.year, 4);
        for (before, number) in [
            ('-', self.month),
            ('-', self.day),
            ('T', self.hour),
            (':', self.minute),
            (':', self.second),
        ] {
            out.push(before);
            digits(out, number, 2);
        }
        out.push(point);
        digits(out, self.milli, 3);
    }
}

/// Appends the last `width` digits of a number.
fn digits(out: &mut String, number: u64, width: u32) {
    for at in (0..width).rev() {
        let digit = number / 10_u64.pow(at) % 10;
        out.push(char::from(b'0' + digit as u8));
    }
}

/// Year, month and day of a number of days since 1970-01-01.
///
/// Counts years from March on, so that the leap day is the last of a year, in eras of 400 years.
fn civil(days: u64) -> (u64, u64, u64) {
    let days = days + 719_468;
    let (era, day) = (days / 146_097, days % 146_097);
    let year = (day - day / 1_460 + day / 36_524 - day / 146_096) / 365;
    let day_of_year = day - (365 * year + year / 4 - year / 100);
    let from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * from_march + 2) / 5 + 1;
    let month = if from_march < 10 {
        from_march + 3
    } else {
        from_march - 9
    };
    (era * 400 + year + u64::from(month <= 2), month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_know_leap_years() {
        for (seconds, expect) in [
            (0, "1970-01-01T00:00:00.007"),
            (951_782_399, "2000-02-28T23:59:59.007"),
            (951_782_400, "2000-02-29T00:00:00.007"),
            (1_709_251_199, "2024-02-29T23:59:59.007"),
            (4_107_542_400, "2100-03-01T00:00:00.007"),
        ] {
            let mut text = String::new();
            Moment::of_millis(seconds * 1_000 + 7).push('.', &mut text);
            assert_eq!(text, expect);
        }
    }

    #[test]
    fn the_calendar_has_every_day_once() {
        let mut before = civil(0);
        for day in 1..200_000 {
            let today = civil(day);
            let next = today.2 == before.2 + 1 && (today.0, today.1) == (before.0, before.1);
            let new_month = today.2 == 1 && (today.1 == before.1 % 12 + 1) && before.2 >= 28;
            assert!(next || new_month, "{before:?} {today:?}");
            before = today;
        }
    }
}
