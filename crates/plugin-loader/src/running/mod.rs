//! A created plugin in service: threads of its own, a queue, deadlines, a breaker, counters.
//!
//! [`Running`] is one generation of one plugin. A call returns a [`Ticket`] at once; the caller waits
//! for it or expires it, in whatever way it waits for things. Nothing here knows an async runtime.

mod breaker;
mod call_state;
mod clock;
mod counters;
mod deadline;
mod instance;
mod permit;
mod pool;
mod reply;
mod state;
mod supervisor;
mod ticket;

pub use breaker::{Admission, Breaker, BreakerSettings, BreakerState};
pub use call_state::{Ended, Hook, Lane};
pub use clock::{Clock, Monotonic};
pub use counters::{CallCounters, Counts, RejectReason};
pub use deadline::call_deadline;
pub use instance::{Running, Settings};
pub use permit::Reject;
pub use pool::PoolSettings;
pub use state::{Isolation, State};
pub use supervisor::{Outage, Supervisor};
pub use ticket::Ticket;
