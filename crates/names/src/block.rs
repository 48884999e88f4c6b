//! Label blocks: the text of a series' labels, escaped once when the series is made.
//!
//! A block is `a="b",c="d"`: no braces, so that an encoder may add them, `le`, or a comma. Escaping is
//! that of the text format 0.0.4 (backslash, quote, line feed), which OpenMetrics 1.0 shares; other
//! control characters stay as they are, both formats allow them.

use std::borrow::Cow;

use crate::VALUE_BYTES_MAX;
use crate::error::LabelError;
use crate::name::LabelNames;

/// Appends a label to a block that begins at `start` of `out`.
pub fn push_label(out: &mut String, start: usize, name: &str, value: &str) {
    if out.len() > start {
        out.push(',');
    }
    out.push_str(name);
    out.push_str("=\"");
    escape(value, out);
    out.push('"');
}

/// Appends `value` with backslashes, quotes and line feeds escaped.
pub fn escape(value: &str, out: &mut String) {
    let mut rest = value;
    while let Some(at) = rest
        .bytes()
        .position(|byte| matches!(byte, b'\\' | b'"' | b'\n'))
    {
        out.push_str(&rest[..at]);
        out.push_str(match rest.as_bytes()[at] {
            b'\\' => "\\\\",
            b'"' => "\\\"",
            _ => "\\n",
        });
        rest = &rest[at + 1..];
    }
    out.push_str(rest);
}

/// A value as it was before it was escaped.
#[must_use]
pub fn unescape(value: &str) -> Cow<'_, str> {
    if !value.contains('\\') {
        return Cow::Borrowed(value);
    }
    let mut text = String::with_capacity(value.len());
    let mut chars = value.chars();
    while let Some(first) = chars.next() {
        match first {
            '\\' => match chars.next() {
                Some('n') => text.push('\n'),
                Some(other) => text.push(other),
                None => text.push('\\'),
            },
            other => text.push(other),
        }
    }
    Cow::Owned(text)
}

/// The labels of a block, each a name and a value that is still escaped. It ends with an error where the
/// block is torn.
pub fn labels(block: &str) -> impl Iterator<Item = Result<(&str, &str), LabelError>> {
    let mut rest = Some(block).filter(|block| !block.is_empty());
    std::iter::from_fn(move || {
        let label = split(rest.take()?);
        rest = label.and_then(|(.., rest)| rest);
        let label = label.map(|(name, value, _)| (name, value));
        Some(label.ok_or(LabelError::Torn))
    })
}

/// The first label of a block, and what follows its comma.
fn split(block: &str) -> Option<(&str, &str, Option<&str>)> {
    let (name, after) = block.split_once("=\"")?;
    let end = closing_quote(after.as_bytes())?;
    let (value, rest) = (&after[..end], &after[end + 1..]);
    if rest.is_empty() {
        return Some((name, value, None));
    }
    let rest = rest.strip_prefix(',').filter(|rest| !rest.is_empty())?;
    Some((name, value, Some(rest)))
}

/// Where an escaped value ends; none when it does not, or is not escaped as it must be.
fn closing_quote(value: &[u8]) -> Option<usize> {
    let mut at = 0;
    loop {
        match value.get(at)? {
            b'"' => return Some(at),
            b'\n' => return None,
            b'\\' if !matches!(value.get(at + 1)?, b'\\' | b'"' | b'n') => return None,
            b'\\' => at += 2,
            _ => at += 1,
        }
    }
}

/// Checks a value before it is escaped.
///
/// # Errors
/// Longer than [`VALUE_BYTES_MAX`].
pub fn check_value(value: &str) -> Result<(), LabelError> {
    if value.len() > VALUE_BYTES_MAX {
        return Err(LabelError::ValueTooLong(value.len()));
    }
    Ok(())
}

/// Checks the block of a series whose family is of the kind that this word names. Allocates nothing.
///
/// # Errors
/// A torn block, a name that may not be, a value that is too long.
pub fn check_block(kind: &str, block: &str) -> Result<(), LabelError> {
    let mut names = LabelNames::of_kind(kind);
    for label in labels(block) {
        let (name, value) = label?;
        names.next(name)?;
        // Short values, which most are, need not be unescaped for that.
        if value.len() > VALUE_BYTES_MAX {
            check_value(&unescape(value))?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn block(labels: &[(&str, &str)]) -> String {
        let mut out = "before".to_owned();
        for (name, value) in labels {
            push_label(&mut out, 6, name, value);
        }
        out.split_off(6)
    }

    #[test]
    fn blocks_are_escaped_once_and_carry_no_braces() {
        for (given, written) in [
            (&[][..], ""),
            (&[("a", "b"), ("c", "")], r#"a="b",c="""#),
            (&[("path", r"C:\x")], r#"path="C:\\x""#),
            (&[("q", "say \"hi\"\n")], r#"q="say \"hi\"\n""#),
            (&[("u", "ä\u{2028}\r\t")], "u=\"ä\u{2028}\r\t\""),
            (
                &[("a", "a\"b\\n\n,c=\"d\"\\")],
                r#"a="a\"b\\n\n,c=\"d\"\\""#,
            ),
        ] {
            assert_eq!(block(given), written);
            let back: Vec<(&str, Cow<'_, str>)> = labels(written)
                .map(|label| label.map(|(name, value)| (name, unescape(value))).unwrap())
                .collect();
            let given: Vec<(&str, Cow<'_, str>)> = given
                .iter()
                .map(|(name, value)| (*name, Cow::Borrowed(*value)))
                .collect();
            assert_eq!(back, given, "read again");
            assert_eq!(check_block("gauge", written), Ok(()), "{written}");
        }
    }

    #[test]
    fn different_values_never_look_alike() {
        let values = [
            ["\n", ""],
            ["\\n", ""],
            ["x\",b=\"", ""],
            ["x", "\",b=\""],
            ["", "\n"],
            ["\\", "n"],
        ];
        let mut seen = std::collections::HashSet::new();
        for [a, b] in values {
            assert!(seen.insert(block(&[("a", a), ("b", b)])));
        }
    }

    #[test]
    fn blocks_that_would_break_a_page_are_refused() {
        let torn = [
            "a",
            "a=b",
            r#"a="b"#,
            r#"a="b","#,
            r#"a="b"c="d""#,
            r#"a="\x""#,
            "a=\"b\nc\"",
            "a=\"b\"} 1\nevil{a=\"c\"",
        ];
        for block in torn {
            assert_eq!(
                check_block("gauge", block),
                Err(LabelError::Torn),
                "{block}"
            );
        }
        let refused = |kind, block: &str| check_block(kind, block).unwrap_err();
        let twice = LabelError::Twice("a".to_owned());
        assert_eq!(refused("gauge", r#"a="b",a="c""#), twice);
        assert!(matches!(refused("gauge", r#"1a="b""#), LabelError::Name(_)));
        assert_eq!(check_block("gauge", r#"le="1""#), Ok(()));
        let taken = LabelError::Taken("le".to_owned());
        assert_eq!(refused("histogram", r#"le="1""#), taken);
        let many: Vec<String> = (0..33).map(|at| format!("a{at}=\"\"")).collect();
        assert_eq!(refused("gauge", &many.join(",")), LabelError::TooMany(33));
    }

    #[test]
    fn a_value_is_measured_before_it_is_escaped() {
        let most = block(&[("a", &"\n".repeat(VALUE_BYTES_MAX))]);
        assert_eq!(check_block("gauge", &most), Ok(()));
        let more = block(&[("a", &"x".repeat(VALUE_BYTES_MAX + 1))]);
        let too_long = LabelError::ValueTooLong(VALUE_BYTES_MAX + 1);
        assert_eq!(check_block("gauge", &more), Err(too_long));
    }
}
