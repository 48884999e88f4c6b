//! What the server says about itself: its metrics.
//!
//! `names` is the table of all metrics; [`Telemetry`] registers those of the chosen name sets and hands
//! out typed handles: `http`, `serving` and `workers`, `plugins`, `exports`, `server`. `declarations` says which
//! of TorchServe's metrics there are, `modes` are TorchServe's log modes. Nothing here measures time or
//! knows a format; callers say what happened and how long it took.

mod alive;
mod clock;
pub mod declarations;
pub mod docs;
mod drops;
pub mod exports;
mod handle;
pub mod http;
mod inherited;
pub mod modes;
pub mod names;
pub mod plugins;
mod register;
pub mod server;
pub mod serving;
pub mod workers;

pub use clock::unix_seconds;
pub use drops::Drops;

use declarations::Declarations;
use exports::ExportsMetrics;
use http::HttpMetrics;
use meterbox_config::{MetricsDetail, MetricsMode};
use meterbox_logs::MetricLog;
use meterbox_metrics::{RegisterError, Registry, SourceOptions};
use modes::Page;
use plugins::PluginsMetrics;
use register::Registrar;
use server::{Build, ServerMetrics};
use serving::ServingMetrics;
use std::sync::Arc;
use workers::WorkersMetrics;

/// The source under which the server registers its own metrics.
const SOURCE: &str = "host";

/// What the server's metrics depend on.
pub struct Options {
    /// The machine's name, for `hostname` and `Hostname`.
    pub hostname: String,
    /// The random id of this run, for `uuid`.
    pub uuid: String,
    /// Which build this is.
    pub build: Build,
    /// The chosen name sets (`metrics_names`).
    pub name_sets: Vec<String>,
    /// How far histograms of predictions are split (`metrics_detail`).
    pub detail: MetricsDetail,
    /// Where metrics go (`metrics_mode`).
    pub mode: MetricsMode,
    /// The metric logs; needed if [`modes::logs`] says so for the mode.
    pub log: Option<MetricLog>,
    /// What is declared (`metrics_config`).
    pub declarations: Declarations,
    /// The ledger that all parts count what they drop in.
    pub drops: Drops,
}

/// All metrics of the server.
pub struct Telemetry {
    registry: Registry,
    drops: Drops,
    page: Page,
    http: HttpMetrics,
    serving: ServingMetrics,
    plugins: PluginsMetrics,
    exports: ExportsMetrics,
    server: ServerMetrics,
}

impl Telemetry {
    /// Registers the metrics of the chosen sets.
    ///
    /// # Errors
    /// A declared metric has the name of another one with a different shape, or the registry is full.
    pub fn new(registry: &Registry, options: Options) -> Result<Self, RegisterError> {
        let source = registry.source(SOURCE, &SourceOptions::own()).ok_or(
            RegisterError::TooManyFamilies {
                metric: SOURCE.to_owned(),
                limit: 0,
            },
        )?;
        let hostname: Arc<str> = options.hostname.into();
        let registrar = Registrar {
            source: &source,
            name_sets: &options.name_sets,
            declarations: &options.declarations,
            mode: options.mode,
            log: options.log.as_ref(),
            hostname: &hostname,
        };
        let workers = WorkersMetrics::new(&registrar)?;
        let serving = ServingMetrics::new(&registrar, workers, &options.uuid, options.detail)?;
        let http = HttpMetrics::new(&registrar)?;
        let plugins = PluginsMetrics::new(&registrar)?;
        let exports = ExportsMetrics::new(&registrar)?;
        let server = ServerMetrics::new(&registrar, &options.build)?;
        // Declared metrics of model code print their help and type before any model wrote one.
        registrar.declared_for_models()?;
        Ok(Self {
            registry: registry.clone(),
            drops: options.drops,
            page: Page::of(options.mode),
            http,
            serving,
            plugins,
            exports,
            server,
        })
    }

    /// Requests and connections.
    #[must_use]
    pub fn http(&self) -> &HttpMetrics {
        &self.http
    }

    /// Predictions, models and workers.
    #[must_use]
    pub fn serving(&self) -> &ServingMetrics {
        &self.serving
    }

    /// Plugins.
    #[must_use]
    pub fn plugins(&self) -> &PluginsMetrics {
        &self.plugins
    }

    /// Exports.
    #[must_use]
    pub fn exports(&self) -> &ExportsMetrics {
        &self.exports
    }

    /// The server as a whole.
    #[must_use]
    pub fn server(&self) -> &ServerMetrics {
        &self.server
    }

    /// Where all parts count what they drop.
    #[must_use]
    pub fn drops(&self) -> &Drops {
        &self.drops
    }

    /// What a page of metrics shows in this mode.
    #[must_use]
    pub fn page(&self) -> Page {
        self.page
    }

    /// Brings up to date what is counted elsewhere: to be called before metrics are gathered.
    pub fn refresh(&self) {
        self.server.refresh(&self.registry, &self.drops);
    }
}

#[cfg(any(test, feature = "testing"))]
pub mod testing;
#[cfg(test)]
mod tests;
