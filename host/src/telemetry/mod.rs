//! What the server says about itself: its log and its metrics.

pub mod custom;
pub mod docs;
mod drops;
pub mod log;
pub mod names;

pub use drops::Drops;
