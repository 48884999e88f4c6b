//! Workers: the processes that run model code, and what keeps them alive.
//!
//! `supervisor` runs one worker from its first process to the last; `launch` says what it needs of a
//! process, `process` starts real ones, `output` reads what they print, `link` speaks with them,
//! `session` gives them batches, `meterbox-restarts` says when to try again, and `status` is what others see of
//! all this.

mod alarm;
mod launch;
mod link;
mod output;
mod pipe;
mod process;
mod session;
mod status;
mod stop;
mod supervisor;

pub(super) use launch::{Assignment, Launcher};
pub(super) use process::{ProcessLauncher, ProcessOptions};
pub(super) use status::WorkerStatus;
pub use status::{Stage, WorkerReport};
pub(super) use stop::Stop;
pub(super) use supervisor::Supervisor;

#[cfg(test)]
pub(super) use launch::{Exit, LaunchError, Launched, Process};
