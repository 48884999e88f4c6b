//! Gathered metrics as bytes: families and segments as records whose columns are read in place.

mod read;
mod write;

pub use read::BatchReader;
pub use write::BatchWriter;

/// First field of a family's record.
const FAMILY: u64 = 1;
/// First field of a segment's record.
const SEGMENT: u64 = 2;

#[cfg(test)]
mod tests;
