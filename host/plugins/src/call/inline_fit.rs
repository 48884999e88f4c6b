//! Whether an endpoint may answer on the runtime's own thread, without a hand-over to another one.

use std::sync::atomic::{AtomicBool, Ordering};

/// Longest answer of an endpoint that is called so, in bytes.
const BYTES_MAX: usize = 64 * 1024;

/// Whether an endpoint is called so.
#[derive(Debug, Default)]
pub(super) struct InlineFit {
    allowed: bool,
    /// The last answer was long or late.
    unsuited: AtomicBool,
}

impl InlineFit {
    pub(super) fn new(allowed: bool) -> Self {
        Self {
            allowed,
            unsuited: AtomicBool::new(false),
        }
    }

    pub(super) fn suits(&self) -> bool {
        self.allowed && !self.unsuited.load(Ordering::Relaxed)
    }

    /// An answer of another call had this length.
    pub(super) fn answered(&self, bytes: usize) {
        if self.allowed {
            self.unsuited.store(bytes > BYTES_MAX, Ordering::Relaxed);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_answer_sends_the_next_call_to_another_thread() {
        let inline = InlineFit::new(true);
        assert!(inline.suits());
        inline.answered(BYTES_MAX + 1);
        assert!(!inline.suits());
        inline.answered(BYTES_MAX);
        assert!(inline.suits(), "and a short one brings it back");
        assert!(!InlineFit::new(false).suits());
    }
}
