//! Doubles and counts as text, in the two layouts that pages and logs of metrics have, and the short
//! copies that put such text into a buffer.
//!
//! ```
//! use meterbox_numbers::{NUMBER_BYTES, java};
//!
//! let mut slot = [0; NUMBER_BYTES];
//! let length = java(1e7, &mut slot);
//! assert_eq!(&slot[..length], b"1.0E7");
//! ```

#![forbid(unsafe_code)]

mod copy;
mod number;

pub use copy::{put, put_padded};
pub use number::{NUMBER_BYTES, Slot, canonical, canonical_count, java, java_count, seconds};
