//! The configuration: from `config.properties`, environment and command line to typed settings.

mod environment;

pub use environment::Environment;
