//! Operations of the management listener.

pub(super) mod plugins;
