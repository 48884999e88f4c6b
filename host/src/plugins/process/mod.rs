//! Plugins in processes of their own.

pub(in crate::plugins) mod isolate;
pub(in crate::plugins) mod processes;
pub(crate) mod python;
