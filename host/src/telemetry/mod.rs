//! What the server says about itself: its log and its metrics.

pub mod log;
