//! Plugins in processes of their own.

pub(crate) mod launcher;
pub(crate) mod lines;
pub(crate) mod processes;
pub(crate) mod python;
