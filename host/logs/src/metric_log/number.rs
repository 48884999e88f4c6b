//! Numbers as Java prints doubles, which is how TorchServe's metric logs print them.

use meterbox_numbers::{NUMBER_BYTES, java};

/// Appends `x` as `Double.toString` lays it out: `3.0`, `1.2345678E7`, `1.0E-4`, `Infinity`.
///
/// Digits are the shortest that read back as `x`. Java before 19 prints one digit too many now and then.
pub(super) fn push(text: &mut String, x: f64) {
    if x.is_infinite() {
        text.push_str(if x > 0.0 { "Infinity" } else { "-Infinity" });
        return;
    }
    let mut slot = [0; NUMBER_BYTES];
    let length = java(x, &mut slot);
    text.extend(slot[..length].iter().map(|&byte| char::from(byte)));
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
