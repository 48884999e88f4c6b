//! How a worker is told to end.

use tokio::sync::watch;

/// What a worker is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Stop {
    /// Go on.
    No,
    /// Finish the batch, then end.
    AfterBatch,
    /// End.
    Now,
}

/// The worker's end of the wire by which it is told.
pub(super) struct StopSignal(watch::Receiver<Stop>);

impl StopSignal {
    pub(super) fn new(told: watch::Receiver<Stop>) -> Self {
        Self(told)
    }

    /// Waits until told at least `stop`. If the other end is gone, nobody wants this worker any more, but
    /// its batch may be finished.
    pub(super) async fn wait(&mut self, stop: Stop) {
        if self.0.wait_for(|told| *told >= stop).await.is_err() && stop == Stop::Now {
            std::future::pending::<()>().await;
        }
    }

    pub(super) fn is_urgent(&self) -> bool {
        *self.0.borrow() == Stop::Now
    }
}
