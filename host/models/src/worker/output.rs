//! What a worker prints: metric lines, signs of life, and lines for the model's log.

use super::launch::Assignment;
use meterbox_processes::{Line, LineBudget, Lines};
use parking_lot::Mutex;
use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Instant;
use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::sync::oneshot;

/// Lines that one process may log in one second.
const LINES_PER_SECOND_MAX: u64 = 1_000;
/// Longest line, in bytes; what follows is cut off.
const LINE_BYTES_MAX: usize = 64 << 10;
const READ_BYTES: usize = 8 << 10;
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
    last_lines: Mutex<VecDeque<String>>,
    budget: LineBudget,
    begin: Instant,
}

impl Output {
    /// Of a process that is about to start, and a sign of when it can be connected to.
    pub(super) fn new(assignment: &Assignment) -> (Arc<Self>, oneshot::Receiver<()>) {
        let (started, receiver) = oneshot::channel();
        let output = Self {
            assignment: assignment.clone(),
            started: Mutex::new(Some(started)),
            last_lines: Mutex::default(),
            budget: LineBudget::new(LINES_PER_SECOND_MAX),
            begin: Instant::now(),
        };
        (Arc::new(output), receiver)
    }

    /// Reads a stream to its end; one that fails has ended.
    pub(super) async fn read(self: Arc<Self>, mut stream: impl AsyncRead + Unpin) {
        let mut lines = Lines::new(LINE_BYTES_MAX);
        let mut bytes = vec![0; READ_BYTES];
        while let Ok(read @ 1..) = stream.read(&mut bytes).await {
            lines.feed(&bytes[..read], |line| self.take(&line));
        }
        lines.finish(|line| self.take(&line));
    }

    fn take(&self, line: &Line<'_>) {
        let (line, cut) = (&*line.text, line.cut);
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
        let mut last = self.last_lines.lock();
        if last.len() == KEPT_LINES_MAX {
            last.pop_front();
        }
        last.push_back(line.chars().take(1_000).collect());
        drop(last);
        match self.budget.take(self.begin.elapsed()) {
            None => return,
            Some(0) => {}
            Some(dropped) => {
                tracing::warn!(target: "model", worker, "{dropped} lines were dropped: too many in one second");
            }
        }
        let mark = if cut { " ... (cut)" } else { "" };
        tracing::info!(target: "model", worker, "{line}{mark}");
    }

    /// The last lines, for whoever asks why it ended.
    pub(super) fn last_lines(&self) -> Vec<String> {
        self.last_lines.lock().iter().cloned().collect()
    }
}
