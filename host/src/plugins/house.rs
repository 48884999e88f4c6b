//! What all plugins share of the host: metrics, facts, clocks, timers, the list of models.

use super::collectors::Collectors;
use super::page::{self, NameSets};
use super::timers::Timers;
use arc_swap::ArcSwap;
use meterbox_metrics::Registry;
use meterbox_plugin_abi::gather::{Filter, Visitor};
use meterbox_plugin_abi::{Row, Table};
use std::sync::Arc;

/// Facts about this run of the host.
#[derive(Debug, Clone)]
pub struct Facts {
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
}

/// No models at all.
pub struct NoModels;

impl ModelList for NoModels {
    fn rows(&self) -> Vec<Row> {
        Vec::new()
    }
}

/// The host as the plugin side of it sees it.
pub(super) struct House {
    pub(super) registry: Registry,
    pub(super) facts: Facts,
    pub(super) models: Arc<dyn ModelList>,
    pub(super) collectors: Collectors,
    pub(super) timers: Timers,
    pub(super) sets: ArcSwap<NameSets>,
}

impl House {
    /// Shows everything: what the store holds and what collectors add.
    pub(super) fn gather(&self, filter: &Filter<'_>, visitor: &mut dyn Visitor) {
        let collected = self.collectors.collect(filter);
        let store = self.registry.gather();
        page::show(&store, &collected, &self.sets.load(), filter, visitor);
    }

    pub(super) fn models(&self) -> Table {
        Table::of(Arc::new(self.models.rows()))
    }
}
