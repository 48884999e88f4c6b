//! Values of series in a shared memory file: a change is a store into memory and outlives the child.

mod child;
mod layout;
mod parent;
mod series;
mod stripe;

pub use child::ChildCells;
pub use layout::{CellShape, FIRST_CELL, MISFITS, STRIPES_USED, UNSET};
pub use parent::{CellChange, ParentCells, SeriesWatch};
pub use series::Series;

#[cfg(test)]
mod tests;
