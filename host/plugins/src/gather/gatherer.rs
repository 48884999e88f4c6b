//! One gather: collectors run, what is counted elsewhere is brought up to date, and all of it is shown.

use super::collectors::Collectors;
use super::page::{self, NameSets};
use arc_swap::ArcSwap;
use meterbox_metrics::Registry;
use meterbox_plugin_abi::gather::{Filter, Visitor};
use meterbox_telemetry::modes::Page;
use std::sync::Arc;

/// Brings metrics up to date that are copied from elsewhere.
pub(crate) trait Refresh: Send + Sync + 'static {
    /// Called at each gather, after the collectors ran.
    fn refresh(&self);
}

/// All metrics of the host.
pub(crate) struct Gatherer {
    registry: Registry,
    collectors: Collectors,
    sets: ArcSwap<NameSets>,
    page: Page,
    copied: Box<dyn Refresh>,
}

impl Gatherer {
    /// `page` is what `metrics_mode` leaves on a page.
    pub(crate) fn new(
        registry: Registry,
        collectors: Collectors,
        sets: NameSets,
        page: Page,
        copied: Box<dyn Refresh>,
    ) -> Self {
        Self {
            registry,
            collectors,
            sets: ArcSwap::from_pointee(sets),
            page,
            copied,
        }
    }

    pub(crate) fn registry(&self) -> &Registry {
        &self.registry
    }

    pub(crate) fn collectors(&self) -> &Collectors {
        &self.collectors
    }

    /// The chosen name sets.
    pub(crate) fn sets(&self) -> Arc<NameSets> {
        self.sets.load_full()
    }

    /// From now on these sets are chosen.
    pub(crate) fn choose(&self, sets: NameSets) {
        self.registry.set_name_sets(sets.names());
        self.sets.store(Arc::new(sets));
    }

    /// Shows everything: what the store holds and what collectors add.
    pub(crate) fn gather(&self, filter: &Filter<'_>, visitor: &mut dyn Visitor) {
        self.gather_as(Page::Everything, filter, visitor);
    }

    /// Shows what `metrics_mode` leaves on a page.
    pub(crate) fn gather_page(&self, filter: &Filter<'_>, visitor: &mut dyn Visitor) {
        self.gather_as(self.page, filter, visitor);
    }

    fn gather_as(&self, shown: Page, filter: &Filter<'_>, visitor: &mut dyn Visitor) {
        if shown == Page::Nothing {
            return;
        }
        let collected = self.collectors.collect(filter);
        self.copied.refresh();
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
}
