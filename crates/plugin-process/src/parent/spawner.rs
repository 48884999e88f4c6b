//! The one thread that starts children.
//!
//! A child asks the kernel to end it together with its parent, and to the kernel a parent is the thread
//! that started it. So it is this thread, which lives as long as its owner.

use std::io;
use std::process::{Child, Command};
use std::sync::Arc;
use std::sync::mpsc::{SyncSender, sync_channel};

/// Starts that may wait for the thread.
const WAITING_MAX: usize = 16;

struct Job {
    command: Command,
    started: SyncSender<io::Result<Child>>,
}

/// A thread that starts children for all plugins. When the last owner lets go of it, its children end.
#[derive(Debug)]
pub struct Spawner {
    jobs: SyncSender<Job>,
}

impl Spawner {
    /// Starts the thread.
    ///
    /// # Errors
    /// No thread could be started.
    pub fn start() -> io::Result<Arc<Self>> {
        let (jobs, work) = sync_channel::<Job>(WAITING_MAX);
        let thread = std::thread::Builder::new().name("plugin-spawner".to_owned());
        thread.spawn(move || {
            for mut job in work {
                let started = job.command.spawn();
                // Descriptors that were the child's are closed here.
                drop(job.command);
                if let Err(lost) = job.started.send(started)
                    && let Ok(mut child) = lost.0
                {
                    let _ = child.kill();
                    let _ = child.wait();
                }
            }
        })?;
        Ok(Arc::new(Self { jobs }))
    }

    /// Starts a child; blocks until that is done.
    pub(super) fn spawn(&self, command: Command) -> io::Result<Child> {
        let gone = || io::Error::other("the thread that starts plugins has ended");
        let (started, answer) = sync_channel(1);
        self.jobs
            .send(Job { command, started })
            .map_err(|_| gone())?;
        answer.recv().map_err(|_| gone())?
    }
}
