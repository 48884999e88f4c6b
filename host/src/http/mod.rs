//! HTTP: from accepted connections to operations and back.
//!
//! The way of a request, one file per station: `bind` opens the sockets, `accept` takes
//! connections, `conn` times them, `wire` lets only checked bytes through to hyper (the rules are
//! `meterbox_http_wire`'s), `service` makes a [`Request`] of it,
//! `router` finds its [`Route`], `guard` asks whether it may, an operation of `crate::api` or an
//! `endpoint` of a plugin answers with a [`Reply`] or an [`ApiError`], `respond` sends it, and
//! `account` counts it.
//!
//! `client` is the other direction: it sends what exporters push.
//!
//! hyper is known nowhere else. What an operation does is not known here.

mod accept;
mod access_log;
mod account;
mod bind;
mod body;
mod client;
mod conn;
mod endpoint;
mod error;
mod front;
mod guard;
mod holder;
mod link;
mod listener;
mod query;
mod reply;
mod request;
mod respond;
mod route;
mod router;
mod server;
mod service;
mod socket;
mod stream;
mod tokens;
mod wire;

pub use access_log::AccessLog;
pub use bind::{BindError, Bound, Place, bind};
pub(crate) use client::{Client, Outgoing, OwnPlaces, Received};
pub use error::{ApiError, Class};
pub use listener::{Listener, Listeners};
pub use query::Query;
pub use reply::{Body, Reply};
pub use request::{Peer, Request, RequestId};
pub use route::{Answer, Effect, Guard, Methods, Operation, Outcome, Params, Route};
pub use server::Server;
pub use stream::{BodyStream, BodyWriter, BrokenOff, Closed, PIECES_MAX, body_stream};
pub use tokens::{KeyKind, Tokens};
