//! The lock file: digests that named libraries must have.
//!
//! Lines of `sha256  name`, as `sha256sum` writes them; `#` starts a comment. A listed file with
//! another digest is refused; whether an unlisted one is, the policy says.

use crate::{Reason, Refusal};
use std::collections::HashMap;

const DIGEST_CHARS: usize = 64;

/// Pinned digests by file name.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Pins {
    digests: HashMap<String, String>,
}

impl Pins {
    /// Reads the text of a lock file.
    ///
    /// # Errors
    /// Every line that is no pin, with its number.
    pub fn parse(text: &str) -> Result<Self, Vec<String>> {
        let mut pins = Self::default();
        let mut faults = Vec::new();
        for (number, line) in (1..).zip(text.lines()) {
            let line = line.trim();
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            let (digest, name) = line.split_once(char::is_whitespace).unwrap_or((line, ""));
            let name = name.trim_start().trim_start_matches('*');
            let hex = digest.bytes().all(|byte| byte.is_ascii_hexdigit());
            if digest.len() != DIGEST_CHARS || !hex || name.is_empty() {
                faults.push(format!(
                    "line {number} is not a sha256, two blanks and a file name"
                ));
                continue;
            }
            pins.digests
                .insert(name.to_owned(), digest.to_ascii_lowercase());
        }
        if faults.is_empty() {
            Ok(pins)
        } else {
            Err(faults)
        }
    }

    /// Whether it has a digest for this file name.
    pub fn lists(&self, file_name: &str) -> bool {
        self.digests.contains_key(file_name)
    }

    /// Whether the file is pinned, with the right digest.
    ///
    /// # Errors
    /// [`Reason::Digest`] for another digest.
    pub(crate) fn judge(&self, file_name: &str, sha256: &str) -> Result<bool, Refusal> {
        match self.digests.get(file_name) {
            None => Ok(false),
            Some(pinned) if pinned == sha256 => Ok(true),
            Some(pinned) => {
                let text = format!(
                    "its sha256 {sha256} is not the pinned {pinned}; restore the file or change \
                     the lock file"
                );
                Err(Refusal::new(Reason::Digest, text))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_sha256sum_writes_is_read_and_another_digest_is_refused() {
        let (a, b) = ("a".repeat(64), "B".repeat(64));
        let pins = Pins::parse(&format!("# pins\n{a}  one.so\n\n{b} *two.so\n")).unwrap();
        assert_eq!(pins.judge("one.so", &a), Ok(true));
        assert_eq!(pins.judge("two.so", &"b".repeat(64)), Ok(true));
        assert_eq!(pins.judge("three.so", &a), Ok(false));
        let refusal = pins.judge("one.so", &"c".repeat(64)).unwrap_err();
        assert_eq!(refusal.reason, Reason::Digest);
    }

    #[test]
    fn every_line_that_is_no_pin_is_named() {
        let faults = Pins::parse("abc  one.so\n# fine\nzz\n").unwrap_err();
        assert_eq!(faults.len(), 2);
        assert!(faults[1].starts_with("line 3 "), "{faults:?}");
    }
}
