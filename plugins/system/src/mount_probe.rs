//! `statvfs` with a time limit, because a file system whose server is gone never answers.
//!
//! Where it may be so, the call is made on a thread of its own. A mount that does not answer in time is remembered
//! with its thread and not asked again until that thread comes back; the others go on with a
//! fresh one. At most [`STUCK_MAX`] threads can be lost that way, then unknown mounts are skipped.

use std::path::{Path, PathBuf};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender, TryRecvError};
use std::thread;
use std::time::Duration;

use crate::error::CollectError;

/// Threads that may hang in a dead file system at once.
const STUCK_MAX: usize = 8;
/// What each mount gets even when those before it used up the scrape's time.
const WAIT_MIN: Duration = Duration::from_millis(20);

/// The room on a file system.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Room {
    /// All of it, in bytes.
    pub(crate) size: u64,
    /// What is free, root's reserve included, in bytes.
    pub(crate) free: u64,
    /// What programs without root rights can get, in bytes.
    pub(crate) available: u64,
    /// File nodes.
    pub(crate) files: u64,
    /// Free file nodes.
    pub(crate) files_free: u64,
}

impl Room {
    /// What is not free, in bytes.
    pub(crate) fn used(&self) -> u64 {
        self.size.saturating_sub(self.free)
    }

    fn of(path: &Path) -> Answer {
        let stat = rustix::fs::statvfs(path)?;
        let bytes = |blocks: u64| blocks.saturating_mul(stat.f_frsize);
        Ok(Self {
            size: bytes(stat.f_blocks),
            free: bytes(stat.f_bfree),
            available: bytes(stat.f_bavail),
            files: stat.f_files,
            files_free: stat.f_ffree,
        })
    }
}

type Answer = Result<Room, rustix::io::Errno>;
type Call = Box<dyn FnOnce() -> Answer + Send>;

/// Asks file systems how much room they have.
pub(crate) struct MountProbe {
    timeout: Duration,
    left: Duration,
    thread: Option<ProbeThread>,
    stuck: Vec<(String, ProbeThread)>,
}

struct ProbeThread {
    calls: Sender<Call>,
    answers: Receiver<Answer>,
}

impl ProbeThread {
    fn start() -> std::io::Result<Self> {
        let (calls, to_do) = mpsc::channel::<Call>();
        let (done, answers) = mpsc::channel();
        thread::Builder::new()
            .name(String::from("system-mounts"))
            .spawn(move || {
                // Ends when the probe is dropped: nobody sends calls, or nobody wants answers.
                while let Ok(call) = to_do.recv() {
                    if done.send(call()).is_err() {
                        break;
                    }
                }
            })?;
        Ok(Self { calls, answers })
    }
}

impl MountProbe {
    /// A probe that waits at most `timeout` for one mount, and twice that in one scrape.
    pub(crate) fn new(timeout: Duration) -> Self {
        Self {
            timeout,
            left: timeout * 2,
            thread: None,
            stuck: Vec::new(),
        }
    }

    /// Begins a scrape: its time is whole again, and mounts that came back are asked again.
    pub(crate) fn begin(&mut self) {
        self.left = self.timeout * 2;
        let hangs =
            |thread: &ProbeThread| matches!(thread.answers.try_recv(), Err(TryRecvError::Empty));
        self.stuck.retain(|(_, thread)| hangs(thread));
    }

    /// The room on the file system mounted at `path`, which errors call `mount`. One that always
    /// `answers` is asked right here.
    ///
    /// # Errors
    /// What the kernel said, or that it said nothing in time.
    pub(crate) fn room(
        &mut self,
        mount: &str,
        path: PathBuf,
        answers: bool,
    ) -> Result<Room, CollectError> {
        if answers {
            return Room::of(&path).map_err(|errno| failed(mount, &errno));
        }
        self.ask(mount, Box::new(move || Room::of(&path)))
    }

    fn ask(&mut self, mount: &str, call: Call) -> Result<Room, CollectError> {
        let stuck = || CollectError::Stuck {
            mount: mount.into(),
        };
        if self.stuck.len() >= STUCK_MAX || self.stuck.iter().any(|(known, _)| known == mount) {
            return Err(stuck());
        }
        let thread = match self.thread.take() {
            Some(thread) => thread,
            None => ProbeThread::start().map_err(|error| failed(mount, &error))?,
        };
        let gone = || failed(mount, &"the thread that asks it ended");
        thread.calls.send(call).map_err(|_| gone())?;
        let wait = self.timeout.min(self.left).max(WAIT_MIN);
        match thread.answers.recv_timeout(wait) {
            Ok(answer) => {
                self.thread = Some(thread);
                answer.map_err(|errno| failed(mount, &errno))
            }
            Err(RecvTimeoutError::Timeout) => {
                self.left = self.left.saturating_sub(wait);
                self.stuck.push((mount.into(), thread));
                Err(stuck())
            }
            Err(RecvTimeoutError::Disconnected) => Err(gone()),
        }
    }
}

fn failed(mount: &str, why: &dyn std::fmt::Display) -> CollectError {
    CollectError::Call {
        what: format!("statvfs of {mount}"),
        text: why.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Instant;

    fn room_of_root() -> Answer {
        Room::of(Path::new("/"))
    }

    #[test]
    fn a_dead_mount_costs_its_timeout_once_and_comes_back() {
        let mut probe = MountProbe::new(Duration::from_millis(50));
        let (release, held) = mpsc::channel::<()>();
        let dead = Box::new(move || {
            let _released = held.recv();
            room_of_root()
        });
        let error = probe.ask("/dead", dead).expect_err("it is held");
        assert!(matches!(error, CollectError::Stuck { .. }));
        assert!(
            probe.ask("/", Box::new(room_of_root)).is_ok(),
            "another mount is not affected"
        );

        // While it hangs it is not even asked.
        probe.begin();
        let error = probe.ask("/dead", Box::new(|| unreachable!("must not be asked")));
        assert!(matches!(error, Err(CollectError::Stuck { .. })));

        release.send(()).unwrap();
        let deadline = Instant::now() + Duration::from_secs(10);
        while probe.ask("/dead", Box::new(room_of_root)).is_err() {
            assert!(
                Instant::now() < deadline,
                "the mount came back but is not asked again"
            );
            thread::yield_now();
            probe.begin();
        }
    }

    #[test]
    fn dead_mounts_are_bounded_in_threads() {
        let mut probe = MountProbe::new(Duration::from_millis(1));
        let mut holds = Vec::new();
        for number in 0..STUCK_MAX + 3 {
            let (hold, held) = mpsc::channel::<()>();
            holds.push(hold);
            let call = Box::new(move || {
                let _released = held.recv();
                room_of_root()
            });
            assert!(probe.ask(&format!("/dead{number}"), call).is_err());
        }
        assert_eq!(probe.stuck.len(), STUCK_MAX);
    }

    #[test]
    fn a_missing_folder_is_told_with_the_mount() {
        let mut probe = MountProbe::new(Duration::from_secs(5));
        for answers in [false, true] {
            let answer = probe.room("/gone", "/nonexistent/gone".into(), answers);
            assert_eq!(
                answer.unwrap_err().to_string(),
                "statvfs of /gone: No such file or directory (os error 2)"
            );
        }
    }
}
