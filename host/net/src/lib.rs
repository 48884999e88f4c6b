//! Sockets: where they are, how they are opened, and how connections are taken from them.
//!
//! [`open`] binds one address, [`Serving`] takes its connections for a [`Handler`] until the drain.
//! No protocol is known here: `scheme` of a [`Place`] is only its name, so that a second way to
//! speak (TLS) comes in where sockets are made and nowhere else.

#![forbid(unsafe_code)]

mod accept;
mod bind;
mod holder;
mod place;
mod socket;

pub use accept::{Draining, Handler, Serving};
pub use bind::{Bound, OpenError, open};
pub use place::{At, Peer, Place};
pub use socket::Socket;
