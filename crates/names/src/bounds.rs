//! The bounds of a histogram's buckets.

/// Most bounds of a histogram.
pub const BOUNDS_MAX: usize = 512;

/// Checks bounds: finite, rising, not too many, and only where `kind`, a word, is `histogram`.
///
/// # Errors
/// What is wrong and what to do.
pub fn check_bounds(kind: &str, bounds: &[f64]) -> Result<(), String> {
    if bounds.is_empty() {
        return Ok(());
    }
    if kind != "histogram" {
        return Err(format!("a {kind} has no buckets: leave its bounds out"));
    }
    if bounds.len() > BOUNDS_MAX {
        return Err(format!(
            "{} bucket bounds are too many (at most {BOUNDS_MAX})",
            bounds.len()
        ));
    }
    if let Some(bad) = bounds.iter().find(|bound| !bound.is_finite()) {
        return Err(format!(
            "bucket bound {bad} is not a finite number: leave it out"
        ));
    }
    match bounds.windows(2).find(|pair| pair[0] >= pair[1]) {
        None => Ok(()),
        Some(pair) => Err(format!(
            "bucket bound {} comes before {}: sort them",
            pair[0], pair[1]
        )),
    }
}
