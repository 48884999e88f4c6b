//! What the configuration says about plugins, and the files beside them.

pub(crate) mod config_file;
pub(in crate::plugins) mod from_settings;
pub(in crate::plugins) mod grants;
pub(in crate::plugins) mod locks;
pub(in crate::plugins) mod schema;
pub(in crate::plugins) mod settings;
