//! The metrics that a plugin can gather in a dry run: a counter and a histogram, always the same.

use meterbox_plugin_abi::gather::{Filter, Flow, Head, Kind, Segment, Visitor};

/// Each with its only segment. One label value has everything that formats escape.
const SAMPLES: [(Head<'_>, Segment<'_>); 2] = [
    (
        Head::new(Kind::COUNTER, "check_requests_total")
            .with_help("Requests of the check, which made them up."),
        Segment::of(r#"page="plain"page="quoted \"\\\n\" value""#, &[12, 40])
            .with_values(&[3.0, 4.0]),
    ),
    (
        Head::new(Kind::HISTOGRAM, "check_duration_seconds")
            .with_help("Durations that the check made up.")
            .with_unit("seconds")
            .with_bounds(&[0.1, 1.0]),
        Segment::of("", &[0])
            .with_bucket_counts(&[1, 2, 3])
            .with_counts(&[6])
            .with_sums(&[7.5]),
    ),
];

/// Shows the families that `filter` wants.
pub(super) fn show(filter: &Filter<'_>, visitor: &mut dyn Visitor) {
    for (head, segment) in &SAMPLES {
        if filter.wants_family(head.name())
            && (visitor.family(head) == Flow::Stop || visitor.segment(segment) == Flow::Stop)
        {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use meterbox_plugin_abi::gather::check;

    #[test]
    fn the_samples_are_what_readers_rely_on() {
        for (head, segment) in &SAMPLES {
            let (kind, bounds) = (head.kind(), head.bounds().len());
            assert_eq!(check::head(head), Ok(()));
            assert_eq!(
                check::columns(kind, bounds, segment),
                Ok(()),
                "{}",
                head.name()
            );
            assert_eq!(check::labels(kind, segment), Ok(()), "{}", head.name());
        }
    }
}
