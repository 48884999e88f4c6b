//! How a catalog is built: every part gets what it needs, in one order.

use super::folders::Folders;
use super::in_service::InService;
use super::install::Installer;
use super::plugins::Catalog;
use super::readings::Readings;
use super::slots::PluginSlots;
use super::start::Starter;
use crate::gather::collectors::Collectors;
use crate::gather::gatherer::Gatherer;
use crate::gather::page::NameSets;
use crate::options::settings::Options;
use crate::process::launcher::Launcher;
use crate::process::python::Python;
use crate::served::shared::{HostFacts, ModelList, SharedHost};
use crate::served::subscribers::Subscribers;
use crate::served::timers::Timers;
use arc_swap::ArcSwap;
use meterbox_metrics::{RegisterError, Registry, Source};
use meterbox_telemetry::Telemetry;
use parking_lot::Mutex;
use std::sync::Arc;

/// What a catalog is built from.
pub struct CatalogParts {
    /// What the settings say.
    pub options: Options,
    /// All metrics of the host.
    pub registry: Registry,
    /// The host's own source in `registry`.
    pub source: Source,
    /// The server's metrics, which show what plugins do.
    pub telemetry: Arc<Telemetry>,
    /// What plugins may know about this run.
    pub facts: HostFacts,
    /// Which models there are.
    pub models: Arc<dyn ModelList>,
    /// Are told which plugins listen.
    pub subscribers: Subscribers,
}

impl Catalog {
    /// An empty catalog; [`Catalog::scan`] fills it.
    ///
    /// # Errors
    /// When the host's own metrics about collectors cannot be registered.
    pub fn new(parts: CatalogParts) -> Result<Arc<Self>, RegisterError> {
        let CatalogParts {
            options,
            registry,
            source,
            telemetry,
            facts,
            models,
            subscribers,
        } = parts;
        let settings = &options.settings;
        let slots: Arc<PluginSlots> = Arc::default();
        let readings = Readings {
            telemetry: telemetry.clone(),
            models: models.clone(),
            slots: Arc::downgrade(&slots),
        };
        let python = Python::new(&settings.plugins.python, settings.models.home.as_deref());
        let launcher = Launcher::new(python, &facts.version);
        let shared = Arc::new(SharedHost {
            gatherer: Gatherer::new(
                registry,
                Collectors::new(&source, options.collect_limit())?,
                NameSets::new(&settings.metrics.name_sets),
                telemetry.page(),
                Box::new(readings),
            ),
            facts,
            models,
            timers: Timers::new(),
        });
        let metrics = telemetry.plugins().clone();
        let in_service = Arc::new(InService::new(shared.clone(), subscribers, metrics));
        let starter = Starter::new(shared.clone(), launcher);
        Ok(Arc::new(Self {
            options: ArcSwap::from_pointee(options),
            change: Mutex::new(()),
            folders: Folders::new(telemetry.server().faults().clone()),
            installer: Installer::new(slots.clone(), in_service.clone(), starter, telemetry),
            slots,
            in_service,
            shared,
        }))
    }
}
