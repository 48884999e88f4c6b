//! Which stripe a thread writes.
//!
//! A thread takes a stripe of its own at its first change and gives it back when it ends; the values stay
//! in it, and the next owner adds to them. When all are taken a thread shares stripe 0.

use std::cell::{Cell, RefCell};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use parking_lot::Mutex;

use super::layout::StripeLayout;

/// The stripe that all threads share.
const SHARED: u32 = 0;
/// Where [`SHARED`] begins.
pub(super) const SHARED_START: usize = 0;

/// The stripes that no thread owns.
#[derive(Debug)]
pub(super) struct Stripes {
    /// Tells files of cells apart for as long as the process lives.
    pub(super) id: u64,
    plan: StripeLayout,
    free: Mutex<Free>,
}

#[derive(Debug)]
struct Free {
    given_back: Vec<u32>,
    /// Lowest number that was never taken.
    next: u32,
}

/// What a thread wrote to last; no destructor, so that looking at it is one load.
#[derive(Clone, Copy)]
struct Last {
    id: u64,
    /// Number of the first cell of the thread's stripe.
    start: usize,
}

thread_local! {
    static LAST: Cell<Last> = const { Cell::new(Last { id: 0, start: SHARED_START }) };
    static LEASES: RefCell<Vec<OwnedStripe>> = const { RefCell::new(Vec::new()) };
}

/// A stripe that this thread owns, or its knowledge that there was none.
struct OwnedStripe {
    of: Arc<Stripes>,
    stripe: u32,
}

impl Drop for OwnedStripe {
    fn drop(&mut self) {
        // The thread ends; whatever changes a series after this shares stripe 0.
        LAST.set(Last {
            id: self.of.id,
            start: SHARED_START,
        });
        if self.stripe != SHARED {
            self.of.free.lock().given_back.push(self.stripe);
        }
    }
}

/// The first cell of this thread's stripe, if the thread wrote to the file with this id last.
#[inline]
pub(super) fn last(id: u64) -> Option<usize> {
    let last = LAST.get();
    (last.id == id).then_some(last.start)
}

impl Stripes {
    pub(super) fn new(plan: StripeLayout) -> Arc<Self> {
        static NEXT: AtomicU64 = AtomicU64::new(1);
        Arc::new(Self {
            id: NEXT.fetch_add(1, Ordering::Relaxed),
            plan,
            free: Mutex::new(Free {
                given_back: Vec::new(),
                next: 1,
            }),
        })
    }

    /// The first cell of this thread's stripe, for a thread that wrote elsewhere last. `taken` is told of
    /// a stripe that the thread takes now.
    #[cold]
    #[inline(never)]
    pub(super) fn find(self: &Arc<Self>, taken: impl FnOnce(u32)) -> usize {
        let stripe = LEASES.try_with(|leases| {
            let mut leases = leases.borrow_mut();
            if let Some(lease) = leases.iter().find(|lease| lease.of.id == self.id) {
                return lease.stripe;
            }
            let stripe = self.take();
            taken(stripe);
            leases.push(OwnedStripe {
                of: self.clone(),
                stripe,
            });
            stripe
        });
        // The thread's own values are gone already while it ends.
        let start = self.plan.index(stripe.unwrap_or(SHARED), 0);
        let id = self.id;
        LAST.set(Last { id, start });
        start
    }

    fn take(&self) -> u32 {
        let mut free = self.free.lock();
        if let Some(stripe) = free.given_back.pop() {
            return stripe;
        }
        if free.next >= self.plan.stripes {
            return SHARED;
        }
        free.next += 1;
        free.next - 1
    }
}
