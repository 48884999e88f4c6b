//! The configuration, typed and checked: what the program runs on.
//!
//! Each component receives only its own part. The parts are plain data; nothing here opens a file
//! or a socket.

mod exports;
mod http;
mod listeners;
mod log;
mod metrics;
mod models;
mod plugins;
mod process;
mod tokens;

pub use exports::{ExportLimits, ExportSettings};
pub use http::HttpSettings;
pub use listeners::ListenerSettings;
pub use log::{LogFormat, LogLevel, LogSettings};
pub use metrics::{MetricSettings, MetricsDetail, MetricsMode};
pub use models::{LoadModels, ModelArchive, ModelPreset, ModelSettings};
pub use plugins::{Isolation, PluginGrants, PluginSettings};
pub use process::ProcessSettings;
pub use process::temp_folder;
pub use tokens::TokenSettings;

use super::address::Address;
use super::check;
use super::environment::Environment;
use super::error::{ConfigError, Warning};
use super::raw::{RawConfig, Sources};
use super::values::{Property, Values};

/// All settings of the server.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The three listeners.
    pub listeners: ListenerSettings,
    /// Who needs a token.
    pub tokens: TokenSettings,
    /// Plugins and what they are granted.
    pub plugins: PluginSettings,
    /// When exporters are asked and how their pushes are delivered.
    pub exports: ExportSettings,
    /// Metric names, modes and limits.
    pub metrics: MetricSettings,
    /// Models and workers.
    pub models: ModelSettings,
    /// Timers and caps of connections.
    pub http: HttpSettings,
    /// The log.
    pub log: LogSettings,
    /// Folders of the process.
    pub process: ProcessSettings,
    /// Every value as text with its origin, unknown keys included, secrets masked.
    pub properties: Vec<Property>,
    /// What is odd; to be logged at start.
    pub warnings: Vec<Warning>,
}

impl Settings {
    /// Settings from texts: collected, typed, checked against each other.
    ///
    /// # Errors
    /// All that is wrong, in the order of the lines.
    pub fn from_sources(sources: &Sources<'_>) -> Result<Self, Vec<ConfigError>> {
        let folder = sources
            .file
            .as_ref()
            .map_or(sources.working_folder, |file| file.folder.as_path());
        let mut values = Values::of(RawConfig::collect(sources), folder);
        check::all(&mut values);
        let models = ModelSettings::of(&mut values);
        let plugins = PluginSettings::of(&mut values);
        let listeners = ListenerSettings::of(&values);
        let tokens = TokenSettings::of(&mut values, &listeners, sources.working_folder);
        values.errors.sort_by_key(|error| error.origin.place());
        values
            .warnings
            .sort_by_key(|warning| warning.origin.place());
        let settings = Self {
            models,
            plugins,
            tokens,
            exports: ExportSettings::of(&values),
            metrics: MetricSettings::of(&values),
            http: HttpSettings::of(&values),
            log: LogSettings::of(&values, sources.environment),
            process: ProcessSettings::of(sources.environment, sources.working_folder),
            listeners,
            properties: std::mem::take(&mut values.properties),
            warnings: std::mem::take(&mut values.warnings),
        };
        if values.errors.is_empty() {
            Ok(settings)
        } else {
            Err(values.errors)
        }
    }

    /// Whether the metrics listener is bound. Switched off, it keeps its share of a socket that is open
    /// anyway, since no second one could be bound there later; nothing of it is served.
    #[must_use]
    pub fn metrics_are_bound(&self) -> bool {
        let ListenerSettings {
            inference,
            management,
            metrics,
            ..
        } = &self.listeners;
        let any_port = matches!(metrics, Address::Tcp { port: 0, .. });
        let shared = [inference, management].contains(&metrics) && !any_port;
        self.metrics.endpoints_enabled || shared
    }

    /// The settings when nobody says anything, for tests and tools.
    #[must_use]
    pub fn defaults() -> Self {
        let sources = Sources {
            file: None,
            overrides: &[],
            environment: &Environment::default(),
            working_folder: std::path::Path::new("."),
        };
        Self::from_sources(&sources).expect("a test reads every default")
    }
}
