//! The access log: one line per request, told where the request ends and printed in batches.
//!
//! `/127.0.0.1:59732 "GET /ping HTTP/1.1" 200 21`, the last number in milliseconds. To print each line by
//! itself would cost a request a system call and a switch of threads. Lines gather in one buffer instead,
//! and a thread that sleeps meanwhile prints them all at once.
//!
//! **Source:** the line is that of TorchServe 0.12.

use crate::Losses;
use crate::log::Log;
use parking_lot::{Condvar, Mutex};
use std::fmt::Write as _;
use std::io::{self, Write};
use std::net::SocketAddr;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, SystemTime};
use tracing::Level;

/// What may wait to be printed: some 40,000 lines. More are dropped and counted.
const BYTES_MAX: usize = 4 << 20;
/// The longest that a line waits.
const PERIOD: Duration = Duration::from_millis(50);
/// The target of its lines in the log.
const TARGET: &str = "access";
/// What drops are counted under.
const SOURCE: &str = "access_log";

/// One request and what came of it.
#[derive(Debug, Clone, Copy)]
pub struct Request<'a> {
    /// The client; none if it came over a Unix socket.
    pub peer: Option<SocketAddr>,
    /// The method.
    pub method: &'a str,
    /// Path and query.
    pub target: &'a str,
    /// `HTTP/1.1`.
    pub version: &'a str,
    /// The status of the answer.
    pub status: u16,
    /// How long it took.
    pub took: Duration,
}

/// Takes requests; the last lines are printed when it is dropped.
pub struct AccessLog(Arc<AccessLogState>);

struct AccessLogState {
    gathered: Mutex<Gathered>,
    /// Wakes the thread for the first line after a silence, and for the end.
    first: Condvar,
    printer: Mutex<Printer>,
    losses: Arc<dyn Losses>,
}

#[derive(Default)]
struct Gathered {
    lines: Lines,
    lost: u64,
    /// The thread sleeps until there is a line.
    silent: bool,
    ended: bool,
}

/// Lines behind each other in one buffer, each with its time and its length.
#[derive(Default)]
struct Lines {
    text: String,
    /// When a line was said, and where it ends in the text.
    ends: Vec<(SystemTime, usize)>,
}

struct Printer {
    log: Log,
    sink: Box<dyn Write + Send>,
    lines: Lines,
    printed: String,
}

impl AccessLog {
    /// Starts the thread that prints to `sink` what `log` lets through.
    ///
    /// # Errors
    /// The system gives no thread.
    pub fn start(
        log: Log,
        sink: Box<dyn Write + Send>,
        losses: Arc<dyn Losses>,
    ) -> io::Result<Self> {
        let inner = Arc::new(AccessLogState {
            gathered: Mutex::default(),
            first: Condvar::new(),
            printer: Mutex::new(Printer {
                log,
                sink,
                lines: Lines::default(),
                printed: String::new(),
            }),
            losses,
        });
        let printing = Arc::clone(&inner);
        let thread = thread::Builder::new().name("access-log".to_owned());
        thread.spawn(move || printing.run())?;
        Ok(Self(inner))
    }

    /// Takes a request. Never waits for the log.
    pub fn write(&self, request: &Request<'_>) {
        let mut gathered = self.0.gathered.lock();
        if gathered.lines.text.len() >= BYTES_MAX {
            gathered.lost += 1;
            return;
        }
        gathered.lines.push(SystemTime::now(), request);
        if std::mem::take(&mut gathered.silent) {
            drop(gathered);
            self.0.first.notify_one();
        }
    }

    /// Prints what was taken so far.
    pub fn flush(&self) {
        self.0.print();
    }
}

impl Drop for AccessLog {
    fn drop(&mut self) {
        self.0.gathered.lock().ended = true;
        self.0.first.notify_one();
        self.flush();
    }
}

impl AccessLogState {
    fn run(&self) {
        loop {
            let mut gathered = self.gathered.lock();
            while gathered.lines.ends.is_empty() && !gathered.ended {
                gathered.silent = true;
                self.first.wait(&mut gathered);
            }
            if gathered.ended {
                return;
            }
            // More lines gather. The end need not be waited for any longer.
            self.first.wait_for(&mut gathered, PERIOD);
            drop(gathered);
            self.print();
        }
    }

    fn print(&self) {
        let mut printer = self.printer.lock();
        let lost = {
            let mut gathered = self.gathered.lock();
            std::mem::swap(&mut gathered.lines, &mut printer.lines);
            std::mem::take(&mut gathered.lost)
        };
        if lost > 0 {
            self.losses.count(SOURCE, "queue_full", lost);
        }
        let lines = printer.lines.ends.len() as u64;
        if lines > 0 && printer.print().is_err() {
            self.losses.count(SOURCE, "write", lines);
        }
    }
}

impl Lines {
    fn push(&mut self, now: SystemTime, request: &Request<'_>) {
        let text = &mut self.text;
        match request.peer {
            Some(SocketAddr::V4(peer)) => {
                let mut before = '/';
                for octet in peer.ip().octets() {
                    text.push(before);
                    number(text, octet.into());
                    before = '.';
                }
                text.push(':');
                number(text, peer.port().into());
            }
            Some(SocketAddr::V6(peer)) => {
                write!(text, "/{peer}").expect("a String takes any text");
            }
            None => text.push_str("unix:"),
        }
        text.push_str(" \"");
        for part in [request.method, request.target] {
            text.push_str(part);
            text.push(' ');
        }
        text.push_str(request.version);
        text.push_str("\" ");
        number(text, request.status.into());
        text.push(' ');
        let millis = request.took.as_millis();
        number(text, u64::try_from(millis).unwrap_or(u64::MAX));
        self.ends.push((now, text.len()));
    }

    fn clear(&mut self) {
        self.text.clear();
        self.ends.clear();
    }
}

impl Printer {
    /// Prints its lines at once, which keeps them together.
    fn print(&mut self) -> io::Result<()> {
        if self.log.allows(TARGET, Level::INFO) {
            let mut begin = 0;
            for (time, end) in &self.lines.ends {
                let message = &self.lines.text[begin..*end];
                self.log.push(*time, TARGET, message, &mut self.printed);
                begin = *end;
            }
        }
        let done = self.sink.write_all(self.printed.as_bytes());
        self.printed.clear();
        self.lines.clear();
        done
    }
}

fn number(text: &mut String, number: u64) {
    text.push_str(itoa::Buffer::new().format(number));
}

#[cfg(test)]
mod tests;
