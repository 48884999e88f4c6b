//! What a worker prints: metric lines, signs of life, and lines for the model's log.

use super::launch::Assignment;
use super::line::Lines;
use parking_lot::Mutex;
use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::io::AsyncRead;
use tokio::sync::oneshot;

/// Lines that one process may log in one second.
const LINES_PER_SECOND_MAX: u32 = 1_000;
/// Last lines that are kept to explain an end.
const KEPT_LINES_MAX: usize = 20;
/// A worker that can be connected to prints a line that ends so.
const STARTED: &str = "Torch worker started.";
const PID: &str = "[PID]";
/// What the logger of TorchServe's C++ worker puts in front of a line.
const LOG_PREFIX: &str = "INFO > ";

/// The output of one process: both of its streams together.
pub(super) struct Output {
    assignment: Assignment,
    started: Mutex<Option<oneshot::Sender<()>>>,
    kept: Mutex<Kept>,
}

struct Kept {
    lines: VecDeque<String>,
    begin: Instant,
    second: u64,
    lines_in_second: u32,
    dropped: u64,
}

impl Output {
    /// Of a process that is about to start, and a sign of when it can be connected to.
    pub(super) fn new(assignment: &Assignment) -> (Arc<Self>, oneshot::Receiver<()>) {
        let (started, receiver) = oneshot::channel();
        let kept = Kept {
            lines: VecDeque::new(),
            begin: Instant::now(),
            second: 0,
            lines_in_second: 0,
            dropped: 0,
        };
        let output = Self {
            assignment: assignment.clone(),
            started: Mutex::new(Some(started)),
            kept: Mutex::new(kept),
        };
        (Arc::new(output), receiver)
    }

    /// Reads a stream to its end.
    pub(super) async fn read(self: Arc<Self>, stream: impl AsyncRead + Unpin) {
        let mut lines = Lines::new(stream);
        while let Some(line) = lines.next().await {
            self.take(&line.text, line.cut);
        }
    }

    fn take(&self, line: &str, cut: bool) {
        if self.assignment.lines.take(line) {
            return;
        }
        let plain = line.strip_prefix(LOG_PREFIX).unwrap_or(line);
        if let Some(pid) = plain
            .strip_prefix(PID)
            .and_then(|digits| digits.parse().ok())
        {
            self.assignment.status.set_pid(pid);
            return;
        }
        if line.ends_with(STARTED)
            && let Some(started) = self.started.lock().take()
        {
            // Nobody waits any more if the start has timed out.
            let _ = started.send(());
            return;
        }
        self.log(line, cut);
    }

    fn log(&self, line: &str, cut: bool) {
        let worker = self.assignment.name.as_str();
        let mut kept = self.kept.lock();
        if kept.lines.len() == KEPT_LINES_MAX {
            kept.lines.pop_front();
        }
        kept.lines.push_back(line.chars().take(1_000).collect());
        let now = kept.begin.elapsed();
        match kept.budget(now) {
            None => return,
            Some(0) => {}
            Some(dropped) => {
                tracing::warn!(target: "model", worker, "{dropped} lines were dropped: too many in one second");
            }
        }
        drop(kept);
        let mark = if cut { " ... (cut)" } else { "" };
        tracing::info!(target: "model", worker, "{line}{mark}");
    }

    /// The last lines, for whoever asks why it ended.
    pub(super) fn last_lines(&self) -> Vec<String> {
        self.kept.lock().lines.iter().cloned().collect()
    }
}

impl Kept {
    /// How many lines were dropped before this one, or nothing if this one is dropped too.
    fn budget(&mut self, now: Duration) -> Option<u64> {
        if self.second != now.as_secs() {
            self.second = now.as_secs();
            self.lines_in_second = 0;
        }
        if self.lines_in_second >= LINES_PER_SECOND_MAX {
            self.dropped += 1;
            return None;
        }
        self.lines_in_second += 1;
        Some(std::mem::take(&mut self.dropped))
    }
}
