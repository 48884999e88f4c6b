//! Until when the call that a thread is in has to be answered.
//!
//! A service of the host that is asked from inside a call can then spend less than the whole time on
//! its answer, without the plugin having to pass the deadline on.

use std::cell::Cell;
use std::time::Instant;

thread_local! {
    static UNTIL: Cell<Option<Instant>> = const { Cell::new(None) };
}

/// The deadline of the plugin call that this thread is in; none outside of one.
pub fn call_deadline() -> Option<Instant> {
    UNTIL.get()
}

/// Runs `work` as a call with this deadline.
pub(super) fn within<T>(until: Option<Instant>, work: impl FnOnce() -> T) -> T {
    /// Puts the outer deadline back even when the work unwinds.
    struct Restore(Option<Instant>);
    impl Drop for Restore {
        fn drop(&mut self) {
            UNTIL.set(self.0);
        }
    }
    let _restore = Restore(UNTIL.replace(until));
    work()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_deadline_holds_inside_its_call_only() {
        let until = Some(Instant::now());
        assert_eq!(within(until, call_deadline), until);
        assert_eq!(call_deadline(), None);
        let panicked = std::panic::catch_unwind(|| within(until, || panic!("out")));
        assert!(panicked.is_err());
        assert_eq!(call_deadline(), None);
    }
}
