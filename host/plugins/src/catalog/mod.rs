//! Which plugins there are: found, installed, in service, watched, taken out.

pub(crate) mod drain;
pub(crate) mod examine;
pub(crate) mod exporters;
pub(crate) mod fingerprint;
pub(crate) mod folders;
pub(crate) mod in_service;
pub(crate) mod install;
pub(crate) mod plugins;
pub(crate) mod readings;
pub(crate) mod record;
pub(crate) mod scan;
pub(crate) mod slot;
pub(crate) mod slots;
pub(crate) mod start;
pub(crate) mod status;
pub(crate) mod watch;
