//! Requests that a child has not finished answering.
//!
//! A child names a call by its number, from any thread and long after the entry has returned. The rules
//! of an answer are those of the border's own `Reply`, which stands behind every responder in here.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use meterbox_plugin_abi::{Failure, Request, Responder, Status};
use parking_lot::Mutex;

use crate::wire::Reply;

/// Most bytes of a body that are read for a child at once.
const BODY_BYTES_MAX: usize = 1 << 20;

/// One call that is not over.
struct OpenCall {
    request: Request,
    /// Gone while somebody writes, and once the answer is over.
    responder: Mutex<Option<Responder>>,
    /// Set when the child ended while somebody was writing.
    lost: Mutex<Option<String>>,
}

impl OpenCall {
    /// The child is gone. Who writes at this moment fails the answer afterwards.
    fn fail(&self, sentence: &str) {
        let responder = self.responder.try_lock();
        if let Some(responder) = responder.and_then(|mut place| place.take()) {
            // An answer that is over already needs no failure.
            let _ = responder.fail(Status::CRASHED.http(), sentence);
        }
    }
}

/// All calls of one child that are not over.
pub(super) struct Calls {
    next: AtomicU64,
    open: Mutex<HashMap<u64, Arc<OpenCall>>>,
    open_max: usize,
}

fn closed() -> Failure {
    Failure::new(
        Status::CLOSED,
        "the answer is over: the client left or the host answered",
    )
}

impl Calls {
    pub(super) fn new(open_max: usize) -> Self {
        Self {
            next: AtomicU64::new(1),
            open: Mutex::default(),
            open_max,
        }
    }

    /// Notes a call; its number.
    pub(super) fn add(&self, request: Request, responder: Responder) -> Result<u64, Failure> {
        let mut open = self.open.lock();
        if open.len() >= self.open_max {
            let text = format!("the plugin has {} answers open already", open.len());
            return Err(Failure::new(Status::UNAVAILABLE, text));
        }
        let call = self.next.fetch_add(1, Ordering::Relaxed);
        let responder = Mutex::new(Some(responder));
        let lost = Mutex::default();
        let open_call = OpenCall {
            request,
            responder,
            lost,
        };
        open.insert(call, Arc::new(open_call));
        Ok(call)
    }

    fn find(&self, call: u64) -> Option<Arc<OpenCall>> {
        self.open.lock().get(&call).cloned()
    }

    fn forget(&self, call: u64) {
        let forgotten = self.open.lock().remove(&call);
        // Dropped outside of the lock: it may end an answer.
        drop(forgotten);
    }

    /// A part of an answer. Waits while the client is slow.
    pub(super) fn reply(&self, call: u64, reply: &Reply<'_>) -> Result<(), Failure> {
        let open = self.find(call).ok_or_else(closed)?;
        let mut place = open.responder.lock();
        let mut responder = place.take().ok_or_else(closed)?;
        let written = match reply {
            Reply::Fail { status, message } => {
                drop(place);
                self.forget(call);
                return responder.fail(*status, message);
            }
            Reply::Part { head, bytes, end } => {
                let begun = head.as_ref().map_or(Ok(()), |(status, headers)| {
                    responder.status(*status)?;
                    let mut headers = headers.iter();
                    headers.try_for_each(|(name, value)| responder.header(name, value))
                });
                if *end {
                    drop(place);
                    self.forget(call);
                    return match begun {
                        Ok(()) => responder.finish(bytes),
                        // Nobody hears of it in the child, so that the client has to.
                        Err(failure) => responder.fail(500, &failure.message),
                    };
                }
                begun.and_then(|()| responder.write(bytes))
            }
        };
        *place = Some(responder);
        drop(place);
        // Looked at after the place is free: who sets it finds the place either free or about to be.
        if let Some(sentence) = open.lost.lock().clone() {
            open.fail(&sentence);
        }
        written
    }

    /// The child let go of an answer.
    pub(super) fn drop_answer(&self, call: u64) {
        self.forget(call);
    }

    /// Whether nobody waits for an answer any more.
    pub(super) fn is_closed(&self, call: u64) -> bool {
        let Some(open) = self.find(call) else {
            return true;
        };
        // Somebody who writes at this moment finds out for himself.
        let place = open.responder.try_lock();
        place.is_some_and(|place| place.as_ref().is_none_or(Responder::is_closed))
    }

    /// The next bytes of a body; none at its end.
    pub(super) fn body(&self, call: u64, bytes_max: usize) -> Result<Vec<u8>, Failure> {
        let open = self.find(call).ok_or_else(closed)?;
        let mut bytes = vec![0; bytes_max.min(BODY_BYTES_MAX)];
        let read = open.request.read_body(&mut bytes)?;
        bytes.truncate(read);
        Ok(bytes)
    }

    /// The child has ended: every answer that is not over fails with this sentence.
    pub(super) fn lose(&self, sentence: &str) {
        let all: Vec<_> = self.open.lock().drain().map(|(_, open)| open).collect();
        for open in all {
            *open.lost.lock() = Some(sentence.to_owned());
            open.fail(sentence);
        }
    }

    pub(super) fn count(&self) -> usize {
        self.open.lock().len()
    }
}
