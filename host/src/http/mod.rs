//! HTTP: from accepted connections to operations and back.
//!
//! The way of a request, one file per station: `bind` opens the sockets, `accept` takes
//! connections, `conn` times them, `wire` lets only checked bytes through to hyper (`head` and
//! `framing` are the pure rules), `service` makes a [`Request`] of it, `router` finds its [`Route`],
//! `guard` asks whether it may, an operation of `crate::api` answers with a [`Reply`] or an
//! [`ApiError`], and `respond` sends it.
//!
//! hyper is known nowhere else. What an operation does is not known here.

mod error;
mod listener;
mod query;
mod reply;
mod request;
mod route;
mod stream;

pub use error::{ApiError, Class};
pub use listener::{Listener, Listeners};
pub use query::Query;
pub use reply::{Body, Reply};
pub use request::{Peer, Request, RequestId};
pub use route::{Answer, Effect, Guard, Methods, Operation, Outcome, Params, Route};
pub use stream::{BodyStream, BodyWriter, BrokenOff, Closed, PIECES_MAX, body_stream};
