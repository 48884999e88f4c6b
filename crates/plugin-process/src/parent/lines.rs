//! What a child writes to a stream, as lines for the log, and the last of them to tell why it ended.

use std::collections::VecDeque;

use meterbox_processes::{Line, Lines};

/// Longer lines are cut, in bytes.
const LINE_BYTES_MAX: usize = 4096;
/// How many of the last lines are remembered.
const LAST_MAX: usize = 8;

/// One stream of a child: lines without control characters, and no empty ones.
#[derive(Debug)]
pub(super) struct LogLines {
    lines: Lines,
    last: VecDeque<String>,
}

impl Default for LogLines {
    fn default() -> Self {
        Self {
            lines: Lines::new(LINE_BYTES_MAX),
            last: VecDeque::new(),
        }
    }
}

impl LogLines {
    /// Takes what was read and tells `line` each line that is complete.
    pub(super) fn feed(&mut self, bytes: &[u8], mut line: impl FnMut(&str)) {
        let last = &mut self.last;
        self.lines
            .feed(bytes, |found| tell(last, &found, &mut line));
    }

    /// The stream has ended.
    pub(super) fn finish(&mut self, mut line: impl FnMut(&str)) {
        let last = &mut self.last;
        self.lines.finish(|found| tell(last, &found, &mut line));
    }

    /// The last lines, the last one first.
    pub(super) fn last(&self) -> impl Iterator<Item = &str> {
        self.last.iter().rev().map(String::as_str)
    }
}

fn tell(last: &mut VecDeque<String>, found: &Line<'_>, line: &mut impl FnMut(&str)) {
    let printable = |c: char| if c.is_control() && c != '\t' { '?' } else { c };
    let mut text: String = found.text.trim_end().chars().map(printable).collect();
    if found.cut {
        text.push('…');
    }
    if text.is_empty() {
        return;
    }
    line(&text);
    if last.len() == LAST_MAX {
        last.pop_front();
    }
    last.push_back(text);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_printable_and_long_ones_end_early() {
        let long = "x".repeat(LINE_BYTES_MAX + 50);
        let text = format!("one\ntw\u{1b}o\r\n\n{long}\nlast");
        for step in [1, 7, 4096, 1 << 20] {
            let mut lines = LogLines::default();
            let mut seen: Vec<String> = Vec::new();
            for piece in text.as_bytes().chunks(step) {
                lines.feed(piece, |line| seen.push(line.to_owned()));
            }
            lines.finish(|line| seen.push(line.to_owned()));
            let cut = format!("{}…", &long[..LINE_BYTES_MAX]);
            assert_eq!(seen, ["one", "tw?o", &cut, "last"], "step {step}");
            assert_eq!(lines.last().next(), Some("last"));
        }
    }
}
