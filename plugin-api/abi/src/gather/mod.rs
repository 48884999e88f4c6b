//! Gathered metrics as they cross the border: families, and their series in segments of columns.
//!
//! The side that owns metrics implements [`FamilyColumns`], [`SegmentColumns`] and
//! [`GatherSource`]; the side that reads them implements [`Visitor`] and sees [`Family`] and
//! [`Segment`], which have the same methods. One segment of up to [`SEGMENT_SERIES_MAX`] series
//! crosses at a time, borrowed for the call; no tree of owned samples ever does.
//!
//! There is no format in here, and nothing that changes a metric.

mod family;
mod filter;
mod segment;
mod source;
mod visitor;

pub use family::{
    FAMILY_FRACTIONS, FAMILY_INHERITED_NAME, FAMILY_SHOW_EMPTY, Family, FamilyColumns, Kind,
};
pub use filter::Filter;
pub use segment::{SEGMENT_SERIES_MAX, Segment, SegmentColumns};
pub use source::{GatherHandle, GatherSource};
pub(crate) use source::{gather_from, gather_over};
pub use visitor::{Flow, Visitor, VisitorHandle};

#[cfg(test)]
mod tests;
