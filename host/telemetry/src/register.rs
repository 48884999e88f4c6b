//! From rows of the table to families of the store.

use super::declarations::Declarations;
use super::handle::Metric;
use super::inherited::InheritedMetric;
use super::modes;
use super::names::{Row, Set, torchserve};
use meterbox_config::MetricsMode;
use meterbox_logs::MetricLog;
use meterbox_metrics::{Instrument, RegisterError, Source};
use std::sync::Arc;

/// Registers the server's own metrics: those of the chosen sets, and no others.
pub(super) struct Registrar<'a> {
    pub(super) source: &'a Source,
    pub(super) name_sets: &'a [String],
    pub(super) declarations: &'a Declarations,
    pub(super) mode: MetricsMode,
    pub(super) log: Option<&'a MetricLog>,
    pub(super) hostname: &'a Arc<str>,
}

impl Registrar<'_> {
    pub(super) fn chosen(&self, set: Set) -> bool {
        self.name_sets.iter().any(|name| name == set.word())
    }

    /// The family of a row.
    pub(super) fn metric<I: Instrument>(&self, row: &Row) -> Result<Metric<I>, RegisterError> {
        debug_assert_eq!(row.kind, I::KIND, "{}", row.name);
        if !self.chosen(row.set) {
            return Ok(Metric::new(None));
        }
        self.source
            .family(&row.descriptor())
            .map(|family| Metric::new(Some(family)))
    }

    /// A metric of TorchServe's, as it is declared.
    pub(super) fn inherited(&self, row: &Row) -> Result<InheritedMetric, RegisterError> {
        let Some(declared) = self.declarations.server(row.name) else {
            return Ok(InheritedMetric::default());
        };
        if declared.labels.len() != row.labels.len() {
            let (name, has, gives) = (row.name, declared.labels.len(), row.labels.len());
            tracing::warn!(
                "metrics.yaml: {name} has {has} dimensions, but the server gives {gives} ({}): it is left out",
                row.labels.join(", ")
            );
            return Ok(InheritedMetric::default());
        }
        let family = if self.chosen(Set::TorchServe) {
            Some(self.source.register(&declared.descriptor())?)
        } else {
            None
        };
        let log = self.log.filter(|_| modes::logs_metric(self.mode, row.name));
        let hostname = Arc::clone(self.hostname);
        Ok(InheritedMetric::new(
            declared.clone(),
            family,
            log.cloned(),
            hostname,
        ))
    }

    /// Registers what is declared for model code, so that a page names it before a model writes it.
    pub(super) fn declared_for_models(&self) -> Result<(), RegisterError> {
        for declared in &self.declarations.model {
            if self.chosen(Set::TorchServe) || !torchserve::has(&declared.name) {
                self.source.register(&declared.descriptor().shared())?;
            }
        }
        Ok(())
    }
}
