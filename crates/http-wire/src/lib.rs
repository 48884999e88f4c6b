//! The strict look at HTTP/1 requests, before a parser sees them: bytes in, steps out.
//!
//! [`Messages`] is fed the bytes of a connection as they come and says which of them may pass:
//! whole heads that broke no rule ([`HeadLimits`] caps them), and the bodies behind them. The first
//! broken rule is a [`Refusal`]; [`Refusal::ALL`] is the table of rules.
//!
//! Pure: no socket, no clock, no memory of what has passed. It keeps nothing of what it read.

#![forbid(unsafe_code)]

mod chunks;
mod framing;
mod head;
mod refusal;

pub use framing::{Messages, Taken};
pub use head::HeadLimits;
pub use refusal::Refusal;
