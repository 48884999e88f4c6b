//! Which paths the host serves itself: no plugin can claim them, nor what is above or below them.

use meterbox_plugin_abi::Pattern;

/// The paths of the host's own route table.
#[derive(Debug, Clone, Default)]
pub struct HostPaths(Vec<Vec<Part>>);

/// One segment of a row of the table.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Part {
    Fixed(String),
    /// Whatever stands there.
    Any,
}

impl HostPaths {
    /// From the patterns of the table: `/models/{model}`.
    pub fn of<'p>(patterns: impl Iterator<Item = &'p str>) -> Self {
        Self(patterns.map(parts).filter(|row| !row.is_empty()).collect())
    }

    /// Whether a plugin that answers `claim` would answer in the host's place.
    pub(super) fn own(&self, claim: Pattern<'_>) -> bool {
        self.0.iter().any(|row| taken(row, claim))
    }
}

fn parts(pattern: &str) -> Vec<Part> {
    let segments = pattern.split('/').filter(|segment| !segment.is_empty());
    let parts = segments.map(|segment| match segment.contains('{') {
        true => Part::Any,
        false => Part::Fixed(segment.to_owned()),
    });
    let mut parts: Vec<Part> = parts.collect();
    // What operators ask stands there, also what is to come.
    if parts.first() == Some(&Part::Fixed("-".to_owned())) {
        parts.truncate(1);
    }
    parts
}

/// Whether one is a beginning of the other as far as the row is fixed, or the claim is one path of the
/// row. A row that begins with a model's name leaves one-segment names to plugins.
fn taken(row: &[Part], claim: Pattern<'_>) -> bool {
    let fixed = row.iter().map_while(|part| match part {
        Part::Fixed(text) => Some(text.as_str()),
        Part::Any => None,
    });
    let begins = row[0] != Part::Any && fixed.zip(claim.segments()).all(|(a, b)| a == b);
    let claimed: Vec<&str> = claim.segments().collect();
    let one_of = claimed.len() == row.len()
        && row.iter().zip(&claimed).all(|(part, segment)| match part {
            Part::Fixed(text) => text == segment,
            Part::Any => true,
        });
    begins || one_of
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_claim_and_a_path_of_the_host_never_overlap() {
        let rows = [
            "/",
            "/ping",
            "/-/ready",
            "/models/{model}",
            "/v1/models/{model}:predict",
            "/{model}/predict",
        ];
        let paths = HostPaths::of(rows.into_iter());
        let own = |claim: &str| paths.own(Pattern::parse(claim).unwrap());
        for claim in [
            "ping",
            "ping/x",
            "-",
            "-/new",
            "models",
            "models/x",
            "v1",
            "v1/models",
            "v1/models/x",
            "v1/{rest}",
            "x/predict",
        ] {
            assert!(own(claim), "{claim}");
        }
        for claim in [
            "metrics",
            "pings",
            "v1/metrics",
            "v2",
            "predict",
            "x/y",
            "x/predict/y",
        ] {
            assert!(!own(claim), "{claim}");
        }
    }
}
