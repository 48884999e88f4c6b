//! HTTP: from accepted connections to operations and back.
//!
//! The way of a request, one file per station: `bind` opens the sockets of the listeners (accepting is
//! `meterbox_net`'s), `conn` times a connection, `wire` lets only checked bytes through to hyper (the
//! rules are `meterbox_http_wire`'s), `service` makes a [`Request`] of them, `router` finds its
//! [`Route`], `guard` asks whether it may, an operation or an [`Endpoint`] answers with a [`Reply`]
//! or an [`ApiError`], `respond` sends it, and `account` counts it.
//!
//! What operations do and use is not known here: the table of routes is generic over the
//! [`Services`], which the program implements, as it does what counts and logs requests.
//!
//! [`client`] is the other direction: it sends what exporters push and the command line asks. hyper and
//! TLS are known nowhere else.

#![forbid(unsafe_code)]

mod account;
mod bind;
mod body;
pub mod client;
mod conn;
mod error;
mod front;
mod guard;
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
mod services;
mod stream;
mod tokens;
mod wire;

pub use bind::{BindError, Bound, bind};
pub use error::{ApiError, Class};
pub use listener::{Listener, Listeners};
pub use meterbox_net::{Peer, Place};
pub use query::Query;
pub use reply::{Body, Reply};
pub use request::{Request, RequestId};
pub use route::{Answer, Effect, Guard, Methods, Operation, Outcome, Params, Route};
pub use server::Server;
pub use services::{Access, AccessLog, Counters, Endpoint, MakeCounters, RouteCounters, Services};
pub use stream::{BodySource, BodyStream, BrokenOff};
pub use tokens::{KeyKind, Tokens};
