//! Good traffic: clients that ask for nothing special, all the time, and accept no failure.
//!
//! One client each for predictions, the page and a healthy plugin, on a connection that is kept open.
//! A client rests as long as its last request took, which makes half of what it could do.

use crate::http::{Answer, Session};
use meterbox_exposition::parse::parse_text;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// Every so many pages one is read strictly.
const STRICT_EVERY: usize = 8;

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
    pub(super) method: &'static str,
    pub(super) path: String,
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
            method: "GET",
            path: path.to_owned(),
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
    let mut kept: Option<Session> = None;
    while !shared.stop.load(Ordering::Relaxed) {
        let under_fault = shared.under_fault.load(Ordering::Relaxed);
        let begin = Instant::now();
        let session = match kept.take() {
            Some(session) => Ok(session),
            None => Session::open(question.address),
        };
        let answer = session.and_then(|mut session| {
            let Question {
                method, path, body, ..
            } = question;
            let answer = session.ask(method, path, &[], body.as_bytes())?;
            Ok((session, answer))
        });
        let took = begin.elapsed();
        match answer.and_then(|(session, answer)| right(question, session, &answer)) {
            Ok(session) => {
                kept = session;
                let times = if under_fault {
                    &mut seen.under
                } else {
                    &mut seen.quiet
                };
                times.push(took);
                shared.answered.fetch_add(1, Ordering::Relaxed);
            }
            Err(complaint) => seen.failures.push(format!(
                "{} {}: {complaint}",
                question.method, question.path
            )),
        }
        // A client's pause, which nothing wakes early.
        std::thread::park_timeout(took.max(rest));
    }
    seen
}

/// The connection, unless the server ends it, after a right answer.
fn right(
    question: &Question,
    session: Session,
    answer: &Answer,
) -> Result<Option<Session>, String> {
    if answer.status != 200 {
        return Err(format!("{} {}", answer.status, answer.text()));
    }
    (question.right)(&answer.text())?;
    Ok((answer.header("connection") != Some("close")).then_some(session))
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
