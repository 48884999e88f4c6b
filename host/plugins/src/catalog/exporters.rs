//! The exporters in service, as those who deliver for them need to know them.

use super::slot::PluginSlot;
use crate::options::settings::Options;
use meterbox_config::ExportLimits;
use meterbox_plugin_abi::Roles;
use meterbox_plugin_loader::running::Running;
use std::sync::Arc;
use std::time::Duration;

/// One exporter plugin in service.
#[derive(Clone)]
pub struct Exporter {
    /// The plugin's name.
    pub name: String,
    /// Its generation in service.
    pub running: Arc<Running>,
    /// Whether it has the permission `export`.
    pub granted: bool,
    /// How often it is asked.
    pub interval: Duration,
    /// How long one call of it may take.
    pub limit: Duration,
    /// How its deliveries are bound.
    pub limits: ExportLimits,
}

/// The exporters among these plugins.
pub(super) fn among(slots: &[Arc<PluginSlot>], options: &Options) -> Vec<Exporter> {
    let exporter = |slot: &Arc<PluginSlot>| {
        let running = slot.running()?;
        let name = slot.name();
        let exports = &options.settings.exports;
        running.roles().has(Roles::EXPORTER).then(|| Exporter {
            running: running.clone(),
            granted: options.permissions(&name, slot.bundled).has("export"),
            interval: exports.interval_of(&name),
            limit: options.plugin(&name).deadline,
            limits: exports.limits,
            name,
        })
    };
    slots.iter().filter_map(exporter).collect()
}
