//! Exports: exporter plugins say what to send, this delivers it.
//!
//! Each exporter in service has a pipeline of two tasks. `schedule` asks the plugin on its interval;
//! what it pushes is checked (`push`) and waits in a bounded `queue`. `deliver` sends one push after
//! another, lets the plugin `judge` each answer, and tries again, splits or drops. Every push ends as
//! delivered or as dropped with a reason, and is counted either way.
//!
//! Connections are `meterbox_http`'s; what is on the wire, and in which format, the plugin's. Nothing is
//! kept over a restart.
#![forbid(unsafe_code)]

mod deliver;
mod engine;
mod health;
mod judge;
mod pipeline;
mod push;
mod queue;
mod schedule;
mod split;

pub use engine::{ExportParts, Exports};
pub use pipeline::GatheredMetrics;
