//! Names by themselves, and the names of one family's labels together.

use crate::error::{LabelError, NameError};
use crate::{LABELS_MAX, NAME_BYTES_MAX};

/// Checks the name of a metric: `[a-zA-Z_:][a-zA-Z0-9_:]*`, at most 128 bytes.
///
/// # Errors
/// Empty, too long, or a character that no metric name has.
pub fn check_metric(name: &str) -> Result<(), NameError> {
    check(name, |byte| byte == b':')
}

/// Checks the name of a label: `[a-zA-Z_][a-zA-Z0-9_]*`, at most 128 bytes, not starting with `__`.
///
/// # Errors
/// Empty, too long, a character that no label name has, or the reserved start `__`.
pub fn check_label(name: &str) -> Result<(), NameError> {
    check(name, |_| false)?;
    if name.starts_with("__") {
        return Err(NameError::Reserved {
            name: name.to_owned(),
        });
    }
    Ok(())
}

fn check(name: &str, also: impl Fn(u8) -> bool) -> Result<(), NameError> {
    if name.is_empty() {
        return Err(NameError::Empty);
    }
    if name.len() > NAME_BYTES_MAX {
        return Err(NameError::TooLong { bytes: name.len() });
    }
    let good = |at: usize, byte: u8| {
        byte.is_ascii_alphabetic()
            || byte == b'_'
            || also(byte)
            || (at > 0 && byte.is_ascii_digit())
    };
    match name
        .bytes()
        .enumerate()
        .position(|(at, byte)| !good(at, byte))
    {
        None => Ok(()),
        Some(at) => Err(NameError::BadCharacter {
            name: name.to_owned(),
            // The first byte that is not good starts a character: those before it are ASCII.
            character: name[at..].chars().next().unwrap_or('?'),
            at,
        }),
    }
}

/// The label names of one family, checked one after the other and against each other.
#[derive(Debug)]
pub struct LabelNames<'a> {
    seen: [&'a str; LABELS_MAX],
    len: usize,
    taken: &'static str,
}

impl<'a> LabelNames<'a> {
    /// Before the first one. `kind` is the word for the family's kind: a histogram's lines have `le`
    /// and a summary's `quantile` already.
    #[must_use]
    pub fn of_kind(kind: &str) -> Self {
        let taken = match kind {
            "histogram" => "le",
            "summary" => "quantile",
            _ => "",
        };
        Self {
            seen: [""; LABELS_MAX],
            len: 0,
            taken,
        }
    }

    /// The next one.
    ///
    /// # Errors
    /// A name that is none, was there, is the format's own, or is one too many.
    pub fn next(&mut self, name: &'a str) -> Result<(), LabelError> {
        check_label(name).map_err(LabelError::Name)?;
        if name == self.taken {
            return Err(LabelError::Taken(name.to_owned()));
        }
        if self.seen[..self.len].contains(&name) {
            return Err(LabelError::Twice(name.to_owned()));
        }
        let place = self.seen.get_mut(self.len);
        *place.ok_or(LabelError::TooMany(LABELS_MAX + 1))? = name;
        self.len += 1;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_those_of_the_table_that_every_side_is_tested_with() {
        let table = include_str!("../names.txt").lines().skip(1);
        for line in table {
            let mut words = line.splitn(3, ' ');
            let mut word = || words.next().unwrap();
            let (what, answer, name) = (word(), word(), word());
            let checked = match what {
                "metric" => check_metric(name),
                _ => check_label(name),
            };
            assert_eq!(checked.is_ok(), answer == "yes", "{line}");
        }
        assert!(check_metric("").is_err() && check_label("").is_err());
        assert!(check_metric("a\n").is_err() && check_label("a\n").is_err());
    }

    #[test]
    fn the_error_names_the_character_and_its_place() {
        let error = check_metric("ab-c").unwrap_err().to_string();
        assert!(
            error.contains("'-'") && error.contains("ab-c") && error.contains('2'),
            "{error}"
        );
        let error = check_metric("7up").unwrap_err().to_string();
        assert!(error.contains("'7'"), "{error}");
    }
}
