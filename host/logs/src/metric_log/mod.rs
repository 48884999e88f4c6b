//! The metric logs: one line for every change of an inherited metric, in files and on standard output.
//!
//! Callers never wait: a line goes into a bounded queue, one thread writes. What does not fit, or
//! cannot be written, is counted as dropped from the source `metric_log`. Which metrics are logged at
//! all follows from `metrics_mode` and is decided by whoever holds a [`MetricLog`].

mod line;
mod number;
mod rotating;

pub use line::{Frame, Log};

use crate::Losses;
use meterbox_calendar::iso8601;
use rotating::Rotating;
use std::io::{self, Write};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::time::Duration;

/// Lines that may wait for the disk.
pub const QUEUE_LINES_MAX: usize = 8_192;
/// Size at which a new file is begun.
const FILE_BYTES_MAX: u64 = 100 << 20;
/// What drops are counted under.
const SOURCE: &str = "metric_log";

/// Says how many seconds have passed since 1970.
pub type Clock = Arc<dyn Fn() -> f64 + Send + Sync>;

/// Where the metric logs go.
pub struct LogTarget {
    /// The folder of `ts_metrics.log` and `model_metrics.log`: `METRICS_LOCATION`, else `logs`.
    pub folder: PathBuf,
    /// Where the same lines are printed, as TorchServe does on standard output.
    pub console: Option<Box<dyn Write + Send>>,
}

/// The way to the metric logs. Clones share one queue and one thread, which ends after the last of them.
#[derive(Clone)]
pub struct MetricLog(Arc<MetricLogState>);

struct MetricLogState {
    queue: SyncSender<Message>,
    clock: Clock,
    losses: Arc<dyn Losses>,
}

enum Message {
    Line { log: Log, time: f64, text: String },
    Flush(SyncSender<()>),
}

impl MetricLog {
    /// Starts the thread that writes. Files and their folder are made with the first line.
    ///
    /// # Errors
    /// No thread could be started.
    pub fn start(target: LogTarget, clock: Clock, losses: Arc<dyn Losses>) -> io::Result<Self> {
        Self::with_queue(target, clock, losses, QUEUE_LINES_MAX)
    }

    fn with_queue(
        target: LogTarget,
        clock: Clock,
        losses: Arc<dyn Losses>,
        lines_max: usize,
    ) -> io::Result<Self> {
        let (queue, lines) = sync_channel(lines_max);
        let writer = Writer {
            files: [Log::Server, Log::Model]
                .map(|log| Rotating::new(target.folder.join(log.file()), FILE_BYTES_MAX)),
            console: target.console,
            losses: Arc::clone(&losses),
        };
        let thread = std::thread::Builder::new().name("metric-log".to_owned());
        thread.spawn(move || writer.run(&lines))?;
        Ok(Self(Arc::new(MetricLogState {
            queue,
            clock,
            losses,
        })))
    }

    /// One change of a server's metric.
    pub fn server(&self, frame: &Frame, value: f64, hostname: &str) {
        let time = (self.0.clock)();
        self.line(Log::Server, time, frame.server(value, hostname, time));
    }

    /// One value that model code wrote.
    pub fn model(&self, frame: &Frame, value: f64, hostname: &str, ids: Option<&str>, stamp: &str) {
        let time = (self.0.clock)();
        self.line(Log::Model, time, frame.model(value, hostname, ids, stamp));
    }

    fn line(&self, log: Log, time: f64, text: String) {
        match self.0.queue.try_send(Message::Line { log, time, text }) {
            Ok(()) => {}
            Err(TrySendError::Full(_)) => {
                if self.0.losses.count(SOURCE, "queue_full", 1) == 1 {
                    tracing::warn!("metric log: the disk is too slow, lines are dropped");
                }
            }
            Err(TrySendError::Disconnected(_)) => {
                self.0.losses.count(SOURCE, "stopped", 1);
            }
        }
    }

    /// Waits until everything sent so far is written, no longer than `limit`. Says whether it is.
    #[must_use]
    pub fn flush(&self, limit: Duration) -> bool {
        let (done, wait) = sync_channel(1);
        // A full queue empties or the limit is over: there is nothing to wait for but that.
        let begin = std::time::Instant::now();
        let mut message = Message::Flush(done);
        while let Err(TrySendError::Full(back)) = self.0.queue.try_send(message) {
            if begin.elapsed() >= limit {
                return false;
            }
            message = back;
            std::thread::park_timeout(Duration::from_millis(1));
        }
        wait.recv_timeout(limit.saturating_sub(begin.elapsed()))
            .is_ok()
    }
}

impl std::fmt::Debug for MetricLog {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str("MetricLog")
    }
}

struct Writer {
    files: [Rotating; 2],
    console: Option<Box<dyn Write + Send>>,
    losses: Arc<dyn Losses>,
}

impl Writer {
    /// Writes what comes, and flushes when nothing more waits.
    fn run(mut self, lines: &Receiver<Message>) {
        while let Ok(first) = lines.recv() {
            self.take(first);
            while let Ok(message) = lines.try_recv() {
                self.take(message);
            }
            self.flush();
        }
    }

    fn take(&mut self, message: Message) {
        match message {
            Message::Line { log, time, text } => self.write(log, &iso8601(time), &clean(text)),
            Message::Flush(done) => {
                self.flush();
                // Whoever asked may have stopped waiting.
                let _ = done.try_send(());
            }
        }
    }

    fn write(&mut self, log: Log, time: &str, text: &str) {
        let file = &mut self.files[log as usize];
        let result = file.write(&format!("{time} - {text}\n"));
        self.note(log, result);
        if let Some(console) = &mut self.console {
            // Standard output is for people: nothing is counted when nobody listens.
            let _ = writeln!(
                console,
                "{time} [INFO ] metric-log {} - {text}",
                log.logger()
            );
        }
    }

    fn flush(&mut self) {
        for log in [Log::Server, Log::Model] {
            let result = self.files[log as usize].flush();
            self.note(log, result);
        }
        if let Some(console) = &mut self.console {
            let _ = console.flush();
        }
    }

    fn note(&mut self, log: Log, result: io::Result<()>) {
        let Err(error) = result else { return };
        self.files[log as usize].reopen();
        if self.losses.count(SOURCE, "write", 1) == 1 {
            tracing::warn!("metric log: {}: {error}; lines are dropped", log.file());
        }
    }
}

/// A line is one line, and steers no terminal: model code chooses part of its text.
fn clean(text: String) -> String {
    if text.contains(|c: char| c.is_control()) {
        return text.replace(|c: char| c.is_control(), "?");
    }
    text
}

#[cfg(test)]
mod tests;
