//! What all plugins share of the host: metrics, facts, timers, the list of models.

use super::timers::Timers;
use crate::gather::gatherer::Gatherer;
use meterbox_plugin_abi::Row;
use std::sync::Arc;

/// Facts about this run of the host.
#[derive(Debug, Clone)]
pub struct HostFacts {
    /// The machine's name.
    pub hostname: String,
    /// The random id of this run.
    pub uuid: String,
    /// The host's version.
    pub version: String,
}

/// Where the list of registered models comes from.
pub trait ModelList: Send + Sync + 'static {
    /// One row per version; fields in `meterbox_plugin_abi::models`.
    fn rows(&self) -> Vec<Row>;

    /// Brings up to date what is read when metrics are gathered, such as the memory of workers.
    fn refresh_metrics(&self) {}
}

/// The host as all plugins see it.
pub(crate) struct SharedHost {
    pub(crate) gatherer: Gatherer,
    pub(crate) facts: HostFacts,
    pub(crate) models: Arc<dyn ModelList>,
    pub(crate) timers: Timers,
}
