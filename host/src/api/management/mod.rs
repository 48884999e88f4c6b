//! Operations of the management listener.

mod default_version;
mod describe;
mod fields;
mod list;
pub(super) mod models;
pub(super) mod plugins;
mod ready;
mod register;
mod scale;
mod unregister;
mod workflows;
