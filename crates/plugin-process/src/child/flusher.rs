//! Sends answers whose entry does not come to its end.
//!
//! A short answer waits for the end of its entry, so that both leave in one write. Most entries end at
//! once; the client of one that goes on working must not wait for that. A thread looks every few
//! milliseconds while answers are given, and sleeps otherwise.

use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::thread::{self, Thread};
use std::time::Duration;

use crate::lane::LaneFlusher;

/// An answer leaves after two looks at the latest.
const LOOK: Duration = Duration::from_millis(5);
/// Looks without any answer until the thread sleeps.
const QUIET_LOOKS: u32 = 20;
/// The thread calls nothing of the plugin.
const STACK_BYTES: usize = 64 << 10;

/// Tells the thread when to look.
#[derive(Debug, Default)]
pub(super) struct AnswerFlusher {
    /// An answer was queued since the last look.
    queued: AtomicBool,
    awake: AtomicBool,
    closed: AtomicBool,
    thread: OnceLock<Thread>,
}

impl AnswerFlusher {
    /// Starts the thread for these lanes.
    pub(super) fn start(lanes: Vec<LaneFlusher>) -> io::Result<Arc<Self>> {
        let flusher = Arc::new(Self::default());
        let looking = flusher.clone();
        let thread = thread::Builder::new()
            .name("plg-late".to_owned())
            .stack_size(STACK_BYTES)
            .spawn(move || looking.run(&lanes))?;
        // Set once, here.
        let _ = flusher.thread.set(thread.thread().clone());
        Ok(flusher)
    }

    /// An answer was queued. All but one of many in a row cost two loads.
    pub(super) fn queued(&self) {
        if !self.queued.load(Ordering::SeqCst) {
            self.queued.store(true, Ordering::SeqCst);
        }
        if !self.awake.load(Ordering::SeqCst) {
            self.wake();
        }
    }

    #[cold]
    fn wake(&self) {
        if !self.awake.swap(true, Ordering::SeqCst) {
            self.unpark();
        }
    }

    /// Ends the thread.
    pub(super) fn close(&self) {
        self.closed.store(true, Ordering::SeqCst);
        self.unpark();
    }

    fn unpark(&self) {
        if let Some(thread) = self.thread.get() {
            thread.unpark();
        }
    }

    fn run(&self, lanes: &[LaneFlusher]) {
        let mut quiet = 0;
        while !self.closed.load(Ordering::SeqCst) {
            if !self.awake.load(Ordering::SeqCst) {
                thread::park();
                continue;
            }
            thread::park_timeout(LOOK);
            let queued = self.queued.swap(false, Ordering::SeqCst);
            let waits = lanes.iter().filter(|lane| lane.look()).count() > 0;
            quiet = if queued || waits { 0 } else { quiet + 1 };
            if quiet >= QUIET_LOOKS {
                quiet = 0;
                self.awake.store(false, Ordering::SeqCst);
                // One may have come in between, when it was not yet seen that nobody looks.
                if self.queued.load(Ordering::SeqCst) {
                    self.awake.store(true, Ordering::SeqCst);
                }
            }
        }
    }
}
