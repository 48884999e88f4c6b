//! Good traffic: clients that ask for nothing special, all the time, and accept no failure.
//!
//! One client each for predictions, the page and a healthy plugin, on a connection that is kept open.
//! A client rests as long as its last request took, which makes half of what it could do.

use meterbox_exposition::parse::parse_text;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// Every so many pages one is read strictly.
const STRICT_EVERY: usize = 8;
const PATIENCE: Duration = Duration::from_secs(60);

/// How long good requests took.
#[derive(Debug, Default, Clone, Copy)]
pub struct Load {
    /// How many.
    pub requests: usize,
    /// The middle one.
    pub p50: Duration,
    /// All but one in a hundred were at least this fast.
    pub p99: Duration,
}

impl Load {
    fn of(mut times: Vec<Duration>) -> Self {
        times.sort_unstable();
        let at = |percent: usize| {
            let index = (times.len() * percent / 100).min(times.len().saturating_sub(1));
            times.get(index).copied().unwrap_or_default()
        };
        Self {
            requests: times.len(),
            p50: at(50),
            p99: at(99),
        }
    }
}

/// What one client asks and which answers are right.
#[derive(Debug, Clone)]
pub(super) struct Question {
    pub(super) address: SocketAddr,
    pub(super) request: String,
    pub(super) body: &'static str,
    pub(super) right: fn(&str) -> Result<(), String>,
}

impl Question {
    pub(super) fn get(
        address: SocketAddr,
        path: &str,
        right: fn(&str) -> Result<(), String>,
    ) -> Self {
        Self {
            address,
            request: format!("GET {path}"),
            body: "",
            right,
        }
    }
}

/// What all clients share.
#[derive(Debug, Default)]
struct Shared {
    stop: AtomicBool,
    under_fault: AtomicBool,
    answered: AtomicUsize,
}

/// What one client saw.
#[derive(Debug, Default)]
struct Seen {
    quiet: Vec<Duration>,
    under: Vec<Duration>,
    failures: Vec<String>,
}

/// Clients at work.
#[derive(Debug)]
pub(super) struct Traffic {
    shared: Arc<Shared>,
    clients: Vec<JoinHandle<Seen>>,
}

/// What all clients saw together.
#[derive(Debug)]
pub(super) struct Traveled {
    pub(super) quiet: Load,
    pub(super) under: Load,
    pub(super) failures: Vec<String>,
}

impl Traffic {
    pub(super) fn start(questions: Vec<Question>, rest: Duration) -> Self {
        let shared = Arc::new(Shared::default());
        let clients = questions
            .into_iter()
            .map(|question| {
                let shared = Arc::clone(&shared);
                std::thread::spawn(move || ask(&question, rest, &shared))
            })
            .collect();
        Self { shared, clients }
    }

    /// Good answers so far.
    pub(super) fn answered(&self) -> usize {
        self.shared.answered.load(Ordering::Relaxed)
    }

    /// From now on requests count as sent during a fault.
    pub(super) fn fault_begins(&self) {
        self.shared.under_fault.store(true, Ordering::Relaxed);
    }

    pub(super) fn end(mut self) -> Traveled {
        self.shared.stop.store(true, Ordering::Relaxed);
        let mut all = Seen::default();
        for client in std::mem::take(&mut self.clients) {
            let seen = client.join().expect("a client does not panic");
            all.quiet.extend(seen.quiet);
            all.under.extend(seen.under);
            all.failures.extend(seen.failures);
        }
        Traveled {
            quiet: Load::of(all.quiet),
            under: Load::of(all.under),
            failures: all.failures,
        }
    }
}

impl Drop for Traffic {
    fn drop(&mut self) {
        self.shared.stop.store(true, Ordering::Relaxed);
    }
}

fn ask(question: &Question, rest: Duration, shared: &Shared) -> Seen {
    let mut seen = Seen::default();
    let mut kept: Option<Connection> = None;
    while !shared.stop.load(Ordering::Relaxed) {
        let under_fault = shared.under_fault.load(Ordering::Relaxed);
        let begin = Instant::now();
        let answer = match kept.take() {
            Some(connection) => Ok(connection),
            None => Connection::open(question.address),
        };
        let answer = answer.and_then(|mut connection| {
            let body = connection.exchange(question)?;
            Ok((connection, body))
        });
        let took = begin.elapsed();
        match answer.and_then(|(connection, body)| (question.right)(&body).map(|()| connection)) {
            Ok(connection) => {
                kept = (!connection.closing).then_some(connection);
                let times = if under_fault {
                    &mut seen.under
                } else {
                    &mut seen.quiet
                };
                times.push(took);
                shared.answered.fetch_add(1, Ordering::Relaxed);
            }
            Err(complaint) => seen
                .failures
                .push(format!("{}: {complaint}", question.request)),
        }
        // A client's pause, which nothing wakes early.
        std::thread::park_timeout(took.max(rest));
    }
    seen
}

/// A kept connection.
struct Connection {
    stream: BufReader<TcpStream>,
    closing: bool,
}

impl Connection {
    fn open(address: SocketAddr) -> Result<Self, String> {
        let stream = TcpStream::connect(address).map_err(|error| format!("connect: {error}"))?;
        let set = stream
            .set_nodelay(true)
            .and_then(|()| stream.set_read_timeout(Some(PATIENCE)));
        set.map_err(|error| error.to_string())?;
        Ok(Self {
            stream: BufReader::new(stream),
            closing: false,
        })
    }

    /// Asks and gives the body of a 200; everything else is a complaint.
    fn exchange(&mut self, question: &Question) -> Result<String, String> {
        let Question {
            address,
            request,
            body,
            ..
        } = question;
        let length = body.len();
        let head = format!(
            "{request} HTTP/1.1\r\nHost: {address}\r\nContent-Length: {length}\r\n\r\n{body}"
        );
        let io = |error: std::io::Error| format!("connection: {error}");
        self.stream
            .get_mut()
            .write_all(head.as_bytes())
            .map_err(io)?;
        let mut status = String::new();
        self.stream.read_line(&mut status).map_err(io)?;
        let (mut length, mut chunked) = (0, false);
        loop {
            let mut line = String::new();
            if self.stream.read_line(&mut line).map_err(io)? == 0 {
                return Err(format!("closed after {status:?}"));
            }
            let line = line.trim_end().to_ascii_lowercase();
            match line.split_once(": ") {
                None if line.is_empty() => break,
                Some(("content-length", value)) => {
                    length = value.parse().map_err(|_| format!("length {value}"))?;
                }
                Some(("transfer-encoding", "chunked")) => chunked = true,
                Some(("connection", "close")) => self.closing = true,
                _ => {}
            }
        }
        let mut body = Vec::new();
        if chunked {
            self.chunks(&mut body)?;
        } else {
            body.resize(length, 0);
            self.stream.read_exact(&mut body).map_err(io)?;
        }
        let body = String::from_utf8_lossy(&body).into_owned();
        if status.split(' ').nth(1) == Some("200") {
            Ok(body)
        } else {
            Err(format!("{} {body}", status.trim_end()))
        }
    }

    fn chunks(&mut self, body: &mut Vec<u8>) -> Result<(), String> {
        loop {
            let mut line = String::new();
            let read = self.stream.read_line(&mut line);
            read.map_err(|error| format!("chunk: {error}"))?;
            let size = usize::from_str_radix(line.trim_end(), 16)
                .map_err(|_| format!("chunk size {line:?}"))?;
            let from = body.len();
            body.resize(from + size + 2, 0);
            let read = self.stream.read_exact(&mut body[from..]);
            read.map_err(|error| format!("chunk: {error}"))?;
            body.truncate(from + size);
            if size == 0 {
                return Ok(());
            }
        }
    }
}

/// A page is right when it has the host's own families; now and then it is read strictly.
pub(super) fn right_page(text: &str) -> Result<(), String> {
    static PAGES: AtomicUsize = AtomicUsize::new(0);
    if !text.contains("\nmeterbox_build_info{") {
        return Err(format!(
            "a page of {} bytes without the host's families",
            text.len()
        ));
    }
    if PAGES
        .fetch_add(1, Ordering::Relaxed)
        .is_multiple_of(STRICT_EVERY)
    {
        parse_text(text).map_err(|error| format!("line {}: {}", error.line, error.reason))?;
    }
    Ok(())
}
