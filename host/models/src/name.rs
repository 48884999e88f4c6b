//! Names of models and versions: what may stand in a URL, a label and a file name.
//!
//! Stricter than TorchServe 0.12, which takes newlines, quotes and `../` in a model's name.

/// Longest name, in bytes.
const BYTES_MAX: usize = 128;

/// Whether `name` may name a model or a version: 1 to 128 letters, digits, `.`, `_` and `-`, the
/// first a letter or digit.
#[must_use]
pub fn is_valid(name: &str) -> bool {
    let bytes = name.as_bytes();
    let Some(first) = bytes.first() else {
        return false;
    };
    let plain = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-');
    first.is_ascii_alphanumeric() && bytes.len() <= BYTES_MAX && bytes.iter().all(plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_real_models_are_taken() {
        for name in [
            "noop",
            "1.0",
            "1.11",
            "densenet161-v2",
            "a_b.c",
            "7",
            &"x".repeat(128),
        ] {
            assert!(is_valid(name), "{name}");
        }
    }

    #[test]
    fn what_could_leave_a_folder_a_line_or_a_label_is_not() {
        let long = "x".repeat(129);
        for name in [
            "",
            ".",
            "..",
            "../e",
            "a/b",
            "a\\b",
            "a b",
            "a\nb",
            "a\"b",
            "a\0b",
            "-a",
            "_a",
            ".a",
            "a%2e",
            "ä",
            "a;b",
            "bad name!",
            &long,
        ] {
            assert!(!is_valid(name), "{name:?}");
        }
    }
}
