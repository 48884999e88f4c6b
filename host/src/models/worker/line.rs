//! Lines of a worker's output, of bounded length.

use tokio::io::{AsyncRead, AsyncReadExt};

/// Longest line, in bytes; what follows is cut off.
const LINE_BYTES_MAX: usize = 64 << 10;
const CHUNK_BYTES: usize = 8 << 10;

/// Reads lines.
pub(super) struct Lines<R> {
    source: R,
    bytes: Vec<u8>,
    /// How much of `bytes` was searched for a line end.
    searched: usize,
    /// The rest of a line that was cut off is being skipped.
    skipping: bool,
    ended: bool,
}

/// A line without its end.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Line {
    pub(super) text: String,
    /// Whether something was cut off.
    pub(super) cut: bool,
}

impl<R: AsyncRead + Unpin> Lines<R> {
    pub(super) fn new(source: R) -> Self {
        Self {
            source,
            bytes: Vec::new(),
            searched: 0,
            skipping: false,
            ended: false,
        }
    }

    /// The next line; none after the last. A source that fails ends.
    pub(super) async fn next(&mut self) -> Option<Line> {
        loop {
            if let Some(line) = self.buffered() {
                return Some(line);
            }
            if self.ended {
                let rest = std::mem::take(&mut self.bytes);
                self.searched = 0;
                return (!rest.is_empty() && !self.skipping).then(|| line(&rest, false));
            }
            let len = self.bytes.len();
            self.bytes.resize(len + CHUNK_BYTES, 0);
            let got = self.source.read(&mut self.bytes[len..]).await.unwrap_or(0);
            self.bytes.truncate(len + got);
            self.ended = got == 0;
        }
    }

    fn buffered(&mut self) -> Option<Line> {
        loop {
            let end = self.bytes[self.searched..]
                .iter()
                .position(|byte| *byte == b'\n');
            let Some(end) = end.map(|end| self.searched + end) else {
                self.searched = self.bytes.len();
                if self.skipping {
                    self.bytes.clear();
                    self.searched = 0;
                } else if self.bytes.len() > LINE_BYTES_MAX {
                    let text = line(&self.bytes[..LINE_BYTES_MAX], true);
                    self.bytes.clear();
                    self.searched = 0;
                    self.skipping = true;
                    return Some(text);
                }
                return None;
            };
            let found = line(&self.bytes[..end.min(LINE_BYTES_MAX)], end > LINE_BYTES_MAX);
            self.bytes.drain(..=end);
            self.searched = 0;
            if !std::mem::take(&mut self.skipping) {
                return Some(found);
            }
        }
    }
}

fn line(bytes: &[u8], cut: bool) -> Line {
    let bytes = bytes.strip_suffix(b"\r").unwrap_or(bytes);
    Line {
        text: String::from_utf8_lossy(bytes).into_owned(),
        cut,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn all(bytes: &[u8]) -> Vec<Line> {
        let mut lines = Lines::new(bytes);
        let mut all = Vec::new();
        while let Some(line) = lines.next().await {
            all.push(line);
        }
        all
    }

    #[tokio::test]
    async fn lines_come_without_their_ends_and_the_last_needs_none() {
        let lines = all(b"a\r\n\nb \xff\nlast").await;
        let texts: Vec<&str> = lines.iter().map(|line| line.text.as_str()).collect();
        assert_eq!(texts, ["a", "", "b \u{fffd}", "last"]);
    }

    #[tokio::test]
    async fn a_long_line_is_cut_and_the_next_one_is_whole() {
        let long = "x".repeat(LINE_BYTES_MAX * 3);
        let lines = all(format!("{long}\nnext\n").as_bytes()).await;
        assert_eq!(lines.len(), 2);
        assert_eq!((lines[0].text.len(), lines[0].cut), (LINE_BYTES_MAX, true));
        assert_eq!(
            lines[1],
            Line {
                text: "next".to_owned(),
                cut: false
            }
        );
        assert_eq!(all(long.as_bytes()).await.len(), 1);
    }
}
