//! Which plugins there are: found, installed, in service, watched, taken out.

pub(in crate::plugins) mod exporters;
pub(in crate::plugins) mod folders;
pub(in crate::plugins) mod in_service;
pub(in crate::plugins) mod install;
pub(in crate::plugins) mod plugins;
pub(in crate::plugins) mod readings;
pub(in crate::plugins) mod slot;
pub(in crate::plugins) mod status;
pub(in crate::plugins) mod watch;
