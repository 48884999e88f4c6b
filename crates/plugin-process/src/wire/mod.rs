//! What goes over a lane: frames, their kinds, and the fields inside a payload.

mod frame;
mod kind;
mod messages;
mod payload_reader;
mod payload_writer;
mod rows;

pub use frame::{ARENA_FLAG, HEADER_BYTES, Header, PAYLOAD_BYTES_MAX};
pub use kind::Kind;
pub use messages::{
    Body, Call, Headers, Hello, NO_DEADLINE, Registration, Reply, parts, take_route,
};
pub use messages::{put_outcome, put_route, take_outcome};
pub use payload_reader::{LIST_ITEMS_MAX, Malformed, PayloadReader};
pub use payload_writer::PayloadWriter;
pub use rows::DecodedRows;

#[cfg(test)]
mod tests;
