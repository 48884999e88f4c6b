//! Which plugins there are: found, installed, in service, watched, taken out.

pub(crate) mod build;
mod drain;
mod examine;
pub(crate) mod exporters;
mod fingerprint;
mod folders;
mod in_service;
mod install;
pub(crate) mod plugins;
mod readings;
mod record;
pub(crate) mod scan;
mod slot;
mod slots;
mod start;
pub(crate) mod status;
pub(crate) mod watch;
