//! What all plugins share of the host: metrics, facts, clocks, timers, the list of models.

use super::collectors::Collectors;
use super::page::{self, NameSets};
use super::readings::Readings;
use super::timers::Timers;
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
pub(super) struct House {
    pub(super) registry: Registry,
    pub(super) facts: Facts,
    pub(super) models: Arc<dyn ModelList>,
    pub(super) collectors: Collectors,
    pub(super) timers: Timers,
    pub(super) sets: ArcSwap<NameSets>,
    pub(super) page: Page,
    /// The plugins in processes of their own.
    pub(super) isolated: ArcSwap<Vec<Arc<Isolated>>>,
    /// Set once the server's metrics exist.
    pub(super) readings: OnceLock<Readings>,
}

impl House {
    /// Shows everything: what the store holds and what collectors add.
    pub(super) fn gather(&self, filter: &Filter<'_>, visitor: &mut dyn Visitor) {
        self.gather_as(Page::Everything, filter, visitor);
    }

    /// Shows what `metrics_mode` leaves on a page.
    pub(super) fn gather_page(&self, filter: &Filter<'_>, visitor: &mut dyn Visitor) {
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
    pub(super) fn faults(&self, kind: &'static str, times: u64) {
        if let Some(readings) = self.readings.get().filter(|_| times > 0) {
            readings.telemetry.server().faults(kind, times);
        }
    }

    pub(super) fn models(&self) -> Table {
        Table::of(Arc::new(self.models.rows()))
    }
}
