//! Who is told what happens to a plugin's process.

use std::time::Duration;

use super::cause::Cause;

/// Which of a child's two streams a line was written to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stream {
    /// Standard output.
    Out,
    /// Standard error.
    Err,
}

/// Told what happens to one plugin's process, from any thread; must not block.
pub trait Observer: Send + Sync + 'static {
    /// A process is up after `took`; `again` says that it takes the place of one that ended.
    fn started(&self, pid: u32, took: Duration, again: bool);

    /// A process ended that was not asked to, or could not be started again. `sentence` goes on after
    /// "its process" and says what comes next.
    fn crashed(&self, cause: &Cause, sentence: &str);

    /// It crashed too often; it is tried again after `retry`.
    fn quarantined(&self, retry: Duration);

    /// A process that was started on trial has lasted.
    fn recovered(&self);

    /// The process wrote a line; a very long one is cut.
    fn line(&self, stream: Stream, text: &str);
}
