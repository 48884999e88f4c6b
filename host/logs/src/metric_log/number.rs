//! Numbers as Java prints doubles, which is how TorchServe's metric logs print them.

use std::fmt::Write as _;

/// Appends `x` as `Double.toString` lays it out: `3.0`, `1.2345678E7`, `1.0E-4`.
///
/// Digits are the shortest that read back as `x`. Java before 19 prints one digit too many now and then.
pub(super) fn push(text: &mut String, x: f64) {
    if !x.is_finite() {
        text.push_str(match x {
            f64::INFINITY => "Infinity",
            f64::NEG_INFINITY => "-Infinity",
            _ => "NaN",
        });
        return;
    }
    let magnitude = x.abs();
    let plain = magnitude == 0.0 || (1e-3..1e7).contains(&magnitude);
    let written = if plain {
        // `{:?}` is plain and has a `.0` in this range.
        write!(text, "{x:?}")
    } else {
        let digits = format!("{x:e}");
        let (digits, exponent) = digits.split_once('e').unwrap_or((&digits, "0"));
        let point = if digits.contains('.') { "" } else { ".0" };
        write!(text, "{digits}{point}E{exponent}")
    };
    written.expect("a string takes any text");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_laid_out_as_java_does() {
        for (x, expect) in [
            (0.0, "0.0"),
            (-0.0, "-0.0"),
            (1.0, "1.0"),
            (0.01, "0.01"),
            (0.001, "0.001"),
            (1e-4, "1.0E-4"),
            (-1.5e-5, "-1.5E-5"),
            (9_999_999.0, "9999999.0"),
            (1e7, "1.0E7"),
            (11_433_797.645, "1.1433797645E7"),
            (62.46177291870117, "62.46177291870117"),
            (1e300, "1.0E300"),
            (f64::INFINITY, "Infinity"),
            (f64::NEG_INFINITY, "-Infinity"),
            (f64::NAN, "NaN"),
        ] {
            let mut text = String::new();
            push(&mut text, x);
            assert_eq!(text, expect);
        }
    }
}
