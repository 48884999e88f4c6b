//! The exporters in service, as those who deliver for them need to know them.

use super::plugins::Catalog;
use meterbox_config::ExportLimits;
use meterbox_plugin_abi::Roles;
use meterbox_plugin_loader::running::Running;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;

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

/// Tells who follows it which exporters are in service.
pub(in crate::plugins) type Exporters = watch::Sender<Arc<Vec<Exporter>>>;

impl Catalog {
    /// The exporters in service, now and after each change.
    #[must_use]
    pub fn exporters(&self) -> watch::Receiver<Arc<Vec<Exporter>>> {
        self.exporters.subscribe()
    }

    /// Tells whoever delivers for exporters which ones are in service now.
    pub(in crate::plugins) fn publish_exporters(&self) {
        let options = self.options();
        let serving: Vec<(String, bool, Arc<Running>)> = self.with_slots(|slots| {
            let serving = slots.iter().filter_map(|slot| {
                let running = slot.running.clone()?;
                let exports = running.roles().has(Roles::EXPORTER);
                exports.then(|| (slot.name(), slot.bundled, running))
            });
            serving.collect()
        });
        let exporter = |(name, bundled, running): (String, bool, Arc<Running>)| Exporter {
            granted: self.grants(&name, bundled).has("export"),
            interval: options.exports.interval_of(&name),
            limit: options
                .plugin(&name)
                .deadline
                .unwrap_or(options.request_limit),
            limits: options.exports.limits,
            name,
            running,
        };
        let list = serving.into_iter().map(exporter).collect();
        // Kept for who follows later, too.
        self.exporters.send_replace(Arc::new(list));
    }
}
