//! Natural lines to logical lines: blanks, comments and continuations.
//!
//! It leaves every escape but the backslash before a line end as it stands.

/// One logical line: without leading blanks, its continuations joined.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct LogicalLine {
    pub(crate) text: String,
    /// The natural line on which it starts, counted from 1.
    pub(crate) line: usize,
}

/// The logical lines of `text`; blank lines and comments are left out.
///
/// A comment line is never continued, a line that continues another is never a comment, and a
/// blank line ends a continuation.
pub(crate) fn logical_lines(text: &str) -> Vec<LogicalLine> {
    let mut logical = Vec::new();
    let mut open: Option<LogicalLine> = None;
    for (index, natural) in natural_lines(text).enumerate() {
        let trimmed = natural.trim_start_matches(is_blank);
        let mut current = match open.take() {
            Some(begun) => begun,
            None if trimmed.is_empty() || trimmed.starts_with(['#', '!']) => continue,
            None => LogicalLine {
                text: String::new(),
                line: index + 1,
            },
        };
        if let Some(begun) = continued(trimmed) {
            current.text.push_str(begun);
            open = Some(current);
        } else {
            current.text.push_str(trimmed);
            logical.push(current);
        }
    }
    // Like Java, a backslash that ends the file is dropped.
    logical.extend(open);
    logical
}

/// The white space of the format; a vertical tab or a no-break space is an ordinary character.
pub(crate) fn is_blank(c: char) -> bool {
    matches!(c, ' ' | '\t' | '\u{c}')
}

/// Lines ended by `\n`, `\r` or `\r\n`.
fn natural_lines(text: &str) -> impl Iterator<Item = &str> {
    let mut rest = Some(text);
    std::iter::from_fn(move || {
        let text = rest?;
        let Some(end) = text.find(['\n', '\r']) else {
            rest = None;
            return Some(text);
        };
        let width = if text[end..].starts_with("\r\n") {
            2
        } else {
            1
        };
        rest = Some(&text[end + width..]);
        Some(&text[..end])
    })
}

/// The line without its last backslash, if an odd number of them ends it.
fn continued(line: &str) -> Option<&str> {
    let backslashes = line.len() - line.trim_end_matches('\\').len();
    (backslashes % 2 == 1).then(|| &line[..line.len() - 1])
}
