//! The plugin's keys.

use meterbox_plugin::prelude::*;

/// What `prometheus.toml` says, or the defaults.
pub(crate) struct Settings {
    /// Whether OpenMetrics pages carry `_created` samples.
    pub(crate) created: bool,
    /// Whether pages are compressed for who accepts it.
    pub(crate) gzip: bool,
}

impl Settings {
    /// # Errors
    /// For an unknown key or a value of another type.
    pub(crate) fn read(config: &Config) -> Result<Self> {
        config.allow_only(&["created", "gzip"])?;
        Ok(Self {
            created: config.bool_or("created", true)?,
            gzip: config.bool_or("gzip", true)?,
        })
    }
}
