//! What a child writes to a stream, as lines of bounded length.

use std::collections::VecDeque;

/// Longer lines are cut, in bytes.
pub(super) const LINE_BYTES_MAX: usize = 4096;
/// How many of the last lines are remembered.
const LAST_MAX: usize = 8;

/// One stream of a child.
#[derive(Debug, Default)]
pub(super) struct Lines {
    partial: Vec<u8>,
    /// The rest of a line that was cut is thrown away.
    skipping: bool,
    last: VecDeque<String>,
}

impl Lines {
    /// Takes what was read and tells `line` each line that is complete.
    pub(super) fn feed(&mut self, mut bytes: &[u8], mut line: impl FnMut(&str)) {
        while let Some(at) = bytes.iter().position(|&byte| byte == b'\n') {
            self.push(&bytes[..at], &mut line);
            self.end(&mut line);
            bytes = &bytes[at + 1..];
        }
        self.push(bytes, &mut line);
    }

    /// The stream has ended.
    pub(super) fn finish(&mut self, mut line: impl FnMut(&str)) {
        self.end(&mut line);
    }

    /// The last lines, the last one first.
    pub(super) fn last(&self) -> impl Iterator<Item = &str> {
        self.last.iter().rev().map(String::as_str)
    }

    fn push(&mut self, bytes: &[u8], line: &mut impl FnMut(&str)) {
        if self.skipping {
            return;
        }
        let room = LINE_BYTES_MAX - self.partial.len();
        self.partial
            .extend_from_slice(&bytes[..bytes.len().min(room)]);
        if bytes.len() > room {
            self.emit("…", line);
            self.skipping = true;
        }
    }

    fn end(&mut self, line: &mut impl FnMut(&str)) {
        if !std::mem::take(&mut self.skipping) {
            self.emit("", line);
        }
    }

    fn emit(&mut self, ending: &str, line: &mut impl FnMut(&str)) {
        let bytes = std::mem::take(&mut self.partial);
        let text = String::from_utf8_lossy(&bytes);
        let text: String = text
            .trim_end()
            .chars()
            .map(|c| if c.is_control() && c != '\t' { '?' } else { c })
            .chain(ending.chars())
            .collect();
        if text.is_empty() {
            return;
        }
        line(&text);
        if self.last.len() == LAST_MAX {
            self.last.pop_front();
        }
        self.last.push_back(text);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_come_whole_however_they_were_cut_up_and_long_ones_end_early() {
        let long = "x".repeat(LINE_BYTES_MAX + 50);
        let text = format!("one\ntw\u{1b}o\r\n\n{long}\nlast");
        for step in [1, 7, 4096, 1 << 20] {
            let mut lines = Lines::default();
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
