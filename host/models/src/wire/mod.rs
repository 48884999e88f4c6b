//! TorchServe's worker protocol: bytes of requests to a worker, and of its replies.
//!
//! Big endian; a number is 32 bits with a sign, a text its length and its bytes. Pure: nothing here
//! reads or writes a socket. A reply is read from whatever has come so far; no length field makes
//! anything be allocated.
//!
//! ```text
//! LOAD   'L' model name | model folder | batch size | handler | GPU or -1 | envelope | byte: limit of image pixels
//! INFER  'I' { request id | { header | value } | -1 | { name | content type | length, bytes } | -1 } | -1
//! REPLY  code | message | { request id | content type | status | phrase | count { header, value } | length, bytes } | -1
//! ```
//!
//! **Source:** TorchServe 0.12, `ts/protocol/otf_message_handler.py`.

mod decode;
mod encode;

pub use decode::{Decoded, Prediction, Reply, WireError, decode};
pub use encode::{Load, RequestsFrame, load};

/// Ends a list.
const END: i32 = -1;
