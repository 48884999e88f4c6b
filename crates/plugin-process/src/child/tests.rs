//! A child half in this process, driven by a host that follows a script.

mod metrics;
mod plugin;
mod replies;
mod rig;
mod services;
