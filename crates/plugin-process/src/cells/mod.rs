//! Values of series in a shared memory file: a change is a store into memory and outlives the child.

mod child;
mod layout;
mod parent;
mod series;
mod stripe;

pub use child::ChildCells;
pub use layout::{FIRST_CELL, MISFITS, STRIPES_USED, Shape, UNSET};
pub use parent::{Change, ParentCells, Watch};
pub use series::Series;

#[cfg(test)]
mod tests;
