//! A child with its threads, one for each call lane.

use std::io;
use std::sync::Arc;
use std::thread::{self, JoinHandle};

use super::entries::{Create, Entries};
use super::flusher::AnswerFlusher;
use super::greeting::Greeting;
use super::host::RemoteHost;
use super::link::{self, Link, Lost};
use crate::lane::{Lane, LaneError};
use crate::wire::Kind;

/// Stack of a thread that runs the plugin, in bytes.
const STACK_BYTES: usize = 2 << 20;

/// A plugin that answers the host.
#[derive(Debug)]
pub struct Child {
    flusher: Arc<AnswerFlusher>,
    threads: Vec<JoinHandle<()>>,
}

impl Child {
    /// Starts a thread for every call lane. The plugin is made by `create` when the host asks for it.
    ///
    /// # Errors
    /// A thread cannot be started.
    pub fn start(greeting: Greeting, create: Create, lost: Lost) -> io::Result<Self> {
        let flusher = AnswerFlusher::start(greeting.calls.iter().map(Lane::flusher).collect())?;
        let link = Link::new(greeting.short, greeting.long, flusher.clone(), lost);
        let link = Arc::new(link);
        let host = RemoteHost::new(link.clone(), greeting.cells, greeting.log_level);
        let entries = Arc::new(Entries::new(create, Arc::new(host), link.clone()));
        let threads = greeting
            .calls
            .into_iter()
            .enumerate()
            .map(|(number, lane)| {
                let (entries, link) = (entries.clone(), link.clone());
                thread::Builder::new()
                    .name(format!("plg-{number}"))
                    .stack_size(STACK_BYTES)
                    .spawn(move || {
                        let error = serve(lane, &entries);
                        link.lost(&error);
                    })
            });
        Ok(Self {
            flusher,
            threads: threads.collect::<Result<_, _>>()?,
        })
    }

    /// Waits until every call lane is closed.
    pub fn join(self) {
        for thread in self.threads {
            // A thread that panicked has ended as well.
            let _ = thread.join();
        }
        self.flusher.close();
    }
}

/// Runs one entry after the other until the lane ends.
fn serve(lane: Lane, entries: &Entries) -> LaneError {
    link::own(lane);
    loop {
        if let Err(error) = serve_one(entries) {
            return error;
        }
    }
}

fn serve_one(entries: &Entries) -> Result<(), LaneError> {
    let received = link::with_own(Lane::receive).ok_or(LaneError::Closed)?;
    let (kind, payload) = received?;
    // The plugin may make requests, whose answers would take the place of what is in the arena.
    let done = entries.run(kind, payload.into_owned())?;
    let sent = link::with_own(|lane| lane.send(Kind::DONE, done.as_bytes()));
    sent.ok_or(LaneError::Closed)?
}
