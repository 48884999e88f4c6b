//! What goes over a lane: frames, their kinds, and the fields inside a payload.

mod frame;
mod kind;
mod messages;
mod put;
mod rows;
mod take;

pub use frame::{ARENA_FLAG, HEADER_BYTES, Header, PAYLOAD_BYTES_MAX};
pub use kind::Kind;
pub use messages::{
    Body, Call, Headers, Hello, NO_DEADLINE, Registration, Reply, parts, take_route,
};
pub use messages::{put_outcome, put_route, take_outcome};
pub use put::Put;
pub use rows::DecodedRows;
pub use take::{Broken, LIST_ITEMS_MAX, Take};

#[cfg(test)]
mod tests;
