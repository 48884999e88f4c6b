//! Bytes of a stream, however they come, as lines of bounded length.

use std::borrow::Cow;

/// One stream. A longer line than the bound is told when it reaches it, and the rest of it is skipped.
#[derive(Debug)]
pub struct Lines {
    bytes_max: usize,
    /// What has no end yet.
    partial: Vec<u8>,
    /// The rest of a line that was cut is being skipped.
    skipping: bool,
}

/// A line without its end.
#[derive(Debug, PartialEq, Eq)]
pub struct Line<'a> {
    /// What is no UTF-8 is replaced.
    pub text: Cow<'a, str>,
    /// Whether something was cut off.
    pub cut: bool,
}

impl Lines {
    /// Lines of at most `bytes_max` bytes.
    #[must_use]
    pub fn new(bytes_max: usize) -> Self {
        Self {
            bytes_max,
            partial: Vec::new(),
            skipping: false,
        }
    }

    /// Takes what was read and tells `line` each line that is complete.
    pub fn feed(&mut self, mut bytes: &[u8], mut line: impl FnMut(Line<'_>)) {
        while let Some(at) = bytes.iter().position(|&byte| byte == b'\n') {
            self.push(&bytes[..at], &mut line);
            self.end(&mut line);
            bytes = &bytes[at + 1..];
        }
        self.push(bytes, &mut line);
    }

    /// The stream has ended; a last line needs no end.
    pub fn finish(&mut self, mut line: impl FnMut(Line<'_>)) {
        if self.skipping || !self.partial.is_empty() {
            self.end(&mut line);
        }
    }

    fn push(&mut self, bytes: &[u8], line: &mut impl FnMut(Line<'_>)) {
        if self.skipping {
            return;
        }
        let room = self.bytes_max - self.partial.len();
        self.partial
            .extend_from_slice(&bytes[..bytes.len().min(room)]);
        if bytes.len() > room {
            self.tell(true, line);
            self.skipping = true;
        }
    }

    fn end(&mut self, line: &mut impl FnMut(Line<'_>)) {
        if !std::mem::take(&mut self.skipping) {
            self.tell(false, line);
        }
    }

    fn tell(&mut self, cut: bool, line: &mut impl FnMut(Line<'_>)) {
        let bytes = self.partial.strip_suffix(b"\r").unwrap_or(&self.partial);
        let text = String::from_utf8_lossy(bytes);
        line(Line { text, cut });
        self.partial.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BYTES_MAX: usize = 100;

    fn all(bytes: &[u8], step: usize) -> Vec<(String, bool)> {
        let mut lines = Lines::new(BYTES_MAX);
        let mut seen = Vec::new();
        for piece in bytes.chunks(step) {
            lines.feed(piece, |line| seen.push((line.text.into_owned(), line.cut)));
        }
        lines.finish(|line| seen.push((line.text.into_owned(), line.cut)));
        seen
    }

    #[test]
    fn lines_come_whole_however_they_were_cut_up_and_the_last_needs_no_end() {
        for step in [1, 3, 1 << 20] {
            let expect = ["a", "", "b \u{fffd}", "last"].map(|text| (text.to_owned(), false));
            assert_eq!(all(b"a\r\n\nb \xff\nlast", step), expect, "step {step}");
        }
        assert_eq!(all(b"", 1), []);
        assert_eq!(all(b"one\n", 1).len(), 1);
    }

    #[test]
    fn a_long_line_is_cut_and_the_next_one_is_whole() {
        let long = "x".repeat(BYTES_MAX * 3);
        let cut = ("x".repeat(BYTES_MAX), true);
        for step in [1, 7, BYTES_MAX, 1 << 20] {
            let text = format!("{long}\nnext\n");
            let expect = [cut.clone(), ("next".to_owned(), false)];
            assert_eq!(all(text.as_bytes(), step), expect, "step {step}");
            assert_eq!(all(long.as_bytes(), step), &expect[..1]);
        }
        let fits = "y".repeat(BYTES_MAX);
        assert_eq!(all(format!("{fits}\n").as_bytes(), 9), [(fits, false)]);
    }
}
