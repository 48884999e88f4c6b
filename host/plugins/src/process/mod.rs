//! Plugins in processes of their own.

pub(crate) mod launcher;
mod lines;
pub(crate) mod processes;
pub(crate) mod python;
