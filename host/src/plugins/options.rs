//! What the configuration says about plugins, as plain data.

use super::grants::Grants;
use super::page::NameSets;
use crate::telemetry::modes::Page;
use meterbox_plugin_loader::file::{Pins, Policy};
use meterbox_plugin_loader::probe::{PROBE_LIMIT, ProbeCommand};
use meterbox_plugin_loader::running::Settings;
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
    /// How the user's files are judged.
    pub policy: Policy,
    /// The lock file of the bundled folder: what it lists needs no probe.
    pub bundled_pins: Pins,
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
    /// Largest answer, in bytes.
    pub reply_bytes_max: u64,
    /// Largest answer of a plugin that reads all metrics, in bytes.
    pub page_bytes_max: u64,
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
            bundled_pins: Pins::default(),
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
            reply_bytes_max: 16 << 20,
            page_bytes_max: 256 << 20,
            page: Page::Everything,
        }
    }

    /// The options of one plugin.
    pub(super) fn plugin(&self, name: &str) -> PluginOptions {
        self.plugins.get(name).cloned().unwrap_or_default()
    }

    /// How a file is judged: a bundled one by the lock file beside it.
    pub(super) fn policy_for(&self, bundled: bool) -> Policy {
        if !bundled {
            return self.policy.clone();
        }
        // The host's own folder came with the host; whether users' files must be pinned is another matter.
        Policy {
            pins: self.bundled_pins.clone(),
            require_pins: false,
            ..self.policy.clone()
        }
    }

    /// How one plugin is supervised.
    pub(super) fn settings_of(&self, plugin: &PluginOptions) -> Settings {
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
    /// Permissions, instead of the default ones.
    pub grants: Option<Grants>,
}
