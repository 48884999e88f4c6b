//! What the server says about itself: its log and its metrics.

pub mod docs;
pub mod log;
pub mod names;
