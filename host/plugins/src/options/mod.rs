//! What the configuration says about plugins, and the files beside them.

pub mod config_file;
pub(crate) mod locks;
pub(crate) mod permissions;
mod schema;
pub(crate) mod settings;
