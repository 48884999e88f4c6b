//! What all plugins share of the host: metrics, facts, clocks, timers, the list of models.

use super::timers::Timers;
use crate::plugins::catalog::readings::Readings;
use crate::plugins::gather::collectors::Collectors;
use crate::plugins::gather::page::{self, NameSets};
use arc_swap::ArcSwap;
use meterbox_metrics::Registry;
use meterbox_plugin_abi::gather::{Filter, Visitor};
use meterbox_plugin_abi::{Row, Table};
use meterbox_plugin_process::parent::Isolated;
use meterbox_telemetry::modes::Page;
use std::sync::{Arc, OnceLock};

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

    /// Brings up to date what is read when metrics are gathered, such as the memory of workers.
    fn refresh_metrics(&self) {}
}

/// No models at all.
pub struct NoModels;

impl ModelList for NoModels {
    fn rows(&self) -> Vec<Row> {
        Vec::new()
    }
}

/// The host as the plugin side of it sees it.
pub(in crate::plugins) struct House {
    pub(in crate::plugins) registry: Registry,
    pub(in crate::plugins) facts: Facts,
    pub(in crate::plugins) models: Arc<dyn ModelList>,
    pub(in crate::plugins) collectors: Collectors,
    pub(in crate::plugins) timers: Timers,
    pub(in crate::plugins) sets: ArcSwap<NameSets>,
    pub(in crate::plugins) page: Page,
    /// The plugins in processes of their own.
    pub(in crate::plugins) isolated: ArcSwap<Vec<Arc<Isolated>>>,
    /// Set once the server's metrics exist.
    pub(in crate::plugins) readings: OnceLock<Readings>,
}

impl House {
    /// Shows everything: what the store holds and what collectors add.
    pub(in crate::plugins) fn gather(&self, filter: &Filter<'_>, visitor: &mut dyn Visitor) {
        self.gather_as(Page::Everything, filter, visitor);
    }

    /// Shows what `metrics_mode` leaves on a page.
    pub(in crate::plugins) fn gather_page(&self, filter: &Filter<'_>, visitor: &mut dyn Visitor) {
        self.gather_as(self.page, filter, visitor);
    }

    fn gather_as(&self, shown: Page, filter: &Filter<'_>, visitor: &mut dyn Visitor) {
        if shown == Page::Nothing {
            return;
        }
        let collected = self.collectors.collect(filter);
        self.models.refresh_metrics();
        for isolated in self.isolated.load().iter() {
            isolated.harvest();
        }
        if let Some(readings) = self.readings.get() {
            readings.refresh(&self.registry.drops());
        }
        let store = self.registry.gather();
        page::show(
            &store,
            &collected,
            &self.sets.load(),
            shown,
            filter,
            visitor,
        );
    }

    /// The server survived faults of this kind.
    pub(in crate::plugins) fn faults(&self, kind: &'static str, times: u64) {
        if let Some(readings) = self.readings.get().filter(|_| times > 0) {
            readings.telemetry.server().faults(kind, times);
        }
    }

    pub(in crate::plugins) fn models(&self) -> Table {
        Table::of(Arc::new(self.models.rows()))
    }
}
