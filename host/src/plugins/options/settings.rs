//! What the configuration says about plugins, as plain data.

use super::grants::Grants;
use crate::plugins::gather::page::NameSets;
use crate::plugins::process::python::Python;
use meterbox_config::{ExportSettings, Isolation as Choice};
use meterbox_plugin_loader::file::Policy;
use meterbox_plugin_loader::probe::{PROBE_LIMIT, ProbeCommand};
use meterbox_plugin_loader::running::{Isolation, Settings};
use meterbox_telemetry::modes::Page;
use std::collections::HashMap;
use std::path::PathBuf;
use std::time::Duration;

/// The whole plugin side of the host.
#[derive(Debug, Clone)]
pub struct Options {
    /// Folders of the user's plugins, in order.
    pub folders: Vec<PathBuf>,
    /// The folder of the plugins shipped with the host, searched last.
    pub bundled_folder: Option<PathBuf>,
    /// How files are judged, but for their pins, which are read from lock files.
    pub policy: Policy,
    /// The user's lock file (`plugins_lock`).
    pub lock: Option<PathBuf>,
    /// How probe processes are started; none: files are opened without a probe.
    pub probe: Option<ProbeCommand>,
    /// How long a probe may take.
    pub probe_limit: Duration,
    /// How plugins are supervised unless their own options say otherwise.
    pub settings: Settings,
    /// A request to a plugin is answered in its place after this long.
    pub request_limit: Duration,
    /// A scrape likewise.
    pub scrape_limit: Duration,
    /// All collectors together may take this long.
    pub collect_limit: Duration,
    /// Options of single plugins, by name.
    pub plugins: HashMap<String, PluginOptions>,
    /// So often may one file be loaded in one process.
    pub generations_max: u64,
    /// The chosen name sets, in order.
    pub sets: NameSets,
    /// Whether endpoints on the metrics listener are routed (`enable_metrics_endpoints`).
    pub metrics_endpoints: bool,
    /// Series of one plugin unless its own options say otherwise.
    pub series_max: u32,
    /// Families of one plugin.
    pub families_max: usize,
    /// Lines that one plugin may log in a second.
    pub log_lines_max: u64,
    /// Where plugins run unless their own options say otherwise.
    pub isolation: Choice,
    /// Memory of a plugin's process unless its own options say otherwise, in bytes.
    pub memory_bytes_max: u64,
    /// When a crashing process is quarantined.
    pub crashes: Crashes,
    /// How the processes of plugins are started; none: everything runs on threads of the host.
    pub child: Option<ProbeCommand>,
    /// What runs plugins that are Python files.
    pub python: Python,
    /// Largest answer, in bytes.
    pub reply_bytes_max: u64,
    /// Largest answer of a plugin that reads all metrics, in bytes.
    pub page_bytes_max: u64,
    /// When exporters are asked and how their pushes are delivered.
    pub exports: ExportSettings,
    /// Which families a plugin that reads metrics is shown (`metrics_mode`).
    pub page: Page,
}

impl Options {
    /// The defaults, for these folders under this policy.
    pub fn new(folders: Vec<PathBuf>, policy: Policy) -> Self {
        Self {
            folders,
            bundled_folder: None,
            policy,
            lock: None,
            probe: None,
            probe_limit: PROBE_LIMIT,
            settings: Settings::default(),
            request_limit: Duration::from_secs(10),
            scrape_limit: Duration::from_secs(5),
            collect_limit: Duration::from_secs(4),
            plugins: HashMap::new(),
            generations_max: 64,
            sets: NameSets::default(),
            metrics_endpoints: true,
            series_max: 10_000,
            families_max: 256,
            log_lines_max: 1000,
            isolation: Choice::Auto,
            memory_bytes_max: 256 << 20,
            crashes: Crashes::default(),
            child: None,
            python: Python::new("python3", None),
            reply_bytes_max: 16 << 20,
            page_bytes_max: 256 << 20,
            exports: ExportSettings::default(),
            page: Page::Everything,
        }
    }

    /// The options of one plugin.
    pub(in crate::plugins) fn plugin(&self, name: &str) -> PluginOptions {
        self.plugins.get(name).cloned().unwrap_or_default()
    }

    /// Where one plugin runs; `trusted` was shipped with the host and pinned.
    pub(in crate::plugins) fn isolation_of(
        &self,
        plugin: &PluginOptions,
        trusted: bool,
    ) -> Isolation {
        match plugin.isolation.unwrap_or(self.isolation) {
            Choice::Thread => Isolation::Thread,
            Choice::Auto if trusted => Isolation::Thread,
            Choice::Auto | Choice::Process => Isolation::Process,
        }
    }

    /// Series that one plugin may have.
    pub(in crate::plugins) fn series_max_of(&self, plugin: &PluginOptions) -> u32 {
        plugin.series_max.unwrap_or(self.series_max)
    }

    /// How one plugin is supervised.
    pub(in crate::plugins) fn settings_of(&self, plugin: &PluginOptions) -> Settings {
        let mut settings = self.settings;
        if let Some(threads) = plugin.threads {
            settings.pool.threads_max = threads;
        }
        if let Some(queue) = plugin.queue {
            settings.pool.queue_len_max = queue;
        }
        settings
    }
}

/// When a plugin whose process keeps crashing is quarantined.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Crashes {
    /// So many within the window.
    pub max: usize,
    /// The window.
    pub window: Duration,
    /// How often a quarantined one gets a trial.
    pub trial_interval: Duration,
}

impl Default for Crashes {
    fn default() -> Self {
        Self {
            max: 5,
            window: Duration::from_secs(60),
            trial_interval: Duration::from_secs(60),
        }
    }
}

/// What the host grants one plugin (`plugin.<name>.*`); what is not set follows the defaults.
#[derive(Debug, Clone, Default)]
pub struct PluginOptions {
    /// False keeps it out of service.
    pub enabled: Option<bool>,
    /// Threads, 1 to 4.
    pub threads: Option<usize>,
    /// Calls that may wait.
    pub queue: Option<usize>,
    /// Deadline of a request.
    pub deadline: Option<Duration>,
    /// Deadline of a scrape, if it has one of its own.
    pub scrape_deadline: Option<Duration>,
    /// Series that it may have.
    pub series_max: Option<u32>,
    /// Where it runs.
    pub isolation: Option<Choice>,
    /// Memory of its process, in bytes.
    pub memory_bytes_max: Option<u64>,
    /// Permissions, instead of the default ones.
    pub grants: Option<Grants>,
}
