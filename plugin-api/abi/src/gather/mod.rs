//! Gathered metrics as they cross the border: families, and their series in segments of columns.
//!
//! The side that owns metrics implements [`GatherSource`] and shows each family as a [`Head`] and its
//! series as [`Segment`]s to the other side's [`Visitor`]. One segment of up to [`SEGMENT_SERIES_MAX`]
//! series crosses at a time, borrowed for the call; no tree of owned samples ever does. Both structs
//! state their size, so that a column more is no new border.
//!
//! There is no format in here, and nothing that changes a metric.

pub mod check;
mod filter;
mod head;
mod rows;
mod segment;
mod source;
pub(crate) mod spec;
mod visitor;
mod writer;

pub use crate::column::{Column, Text};
pub use filter::Filter;
pub use head::{FAMILY_FRACTIONS, FAMILY_INHERITED_NAME, FAMILY_SHOW_EMPTY, Head, Kind, OwnedHead};
pub use meterbox_names as names;
pub use rows::Sample;
pub use segment::{OwnedSegment, SEGMENT_SERIES_MAX, Segment};
pub use source::{GatherHandle, GatherSource};
pub(crate) use source::{gather_from, gather_over};
pub use visitor::{Flow, Visitor, VisitorHandle};
pub use writer::FamilyWriter;

#[cfg(test)]
mod tests;
