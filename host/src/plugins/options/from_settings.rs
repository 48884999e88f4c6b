//! The plugin side's options from the server's configuration.

use super::grants::Grants;
use super::locks::pins;
use super::settings::{Crashes, Options, PluginOptions};
use crate::plugins::gather::page::NameSets;
use crate::plugins::process::python::Python;
use meterbox_config::{PluginGrants, Settings};
use meterbox_plugin_abi::API_VERSION;
use meterbox_plugin_loader::file::{ApiVersion, Policy};
use meterbox_plugin_loader::probe::ProbeCommand;
use meterbox_plugin_loader::{Reason, Refusal};
use meterbox_telemetry::modes::Page;
use std::path::PathBuf;
use std::time::Duration;

/// A scrape keeps this much of its time for what comes after the collectors.
const AFTER_COLLECTORS: Duration = Duration::from_millis(500);

impl Options {
    /// What `settings` say, with the folder of bundled plugins and the way to start a probe.
    ///
    /// # Errors
    /// The lock file that they name is not there or cannot be used.
    pub fn from_settings(
        settings: &Settings,
        bundled_folder: Option<PathBuf>,
        probe: Option<ProbeCommand>,
    ) -> Result<Self, Refusal> {
        let plugins = &settings.plugins;
        let api = ApiVersion::parse(API_VERSION).expect("a package version is a version");
        let policy = Policy {
            needed_extra: plugins.needed_extra.clone(),
            insecure_permissions: plugins.insecure_permissions,
            require_pins: plugins.require_pins,
            ..Policy::new(api)
        };
        if let Some(lock) = &plugins.lock
            && pins(lock, plugins.insecure_permissions)?.is_none()
        {
            let text = "the lock file is not there; write it with meterbox plugins pin";
            return Err(Refusal::new(Reason::NotFound, text).at(lock));
        }
        let mut options = Self::new(plugins.folders.clone(), policy);
        options.bundled_folder = bundled_folder;
        options.lock.clone_from(&plugins.lock);
        options.probe = probe;
        options.python = Python::new(&plugins.python, settings.models.home.as_deref());
        options.settings.pool.threads_max = plugins.default_grants.threads;
        options.settings.pool.queue_len_max = plugins.default_grants.queue;
        options.settings.start_limit = plugins.start_deadline;
        options.settings.stop_limit = plugins.stop_deadline;
        options.request_limit = plugins.default_grants.deadline;
        options.scrape_limit = plugins.scrape_deadline;
        options.collect_limit = plugins.scrape_deadline.saturating_sub(AFTER_COLLECTORS);
        options.generations_max = plugins.generations_max as u64;
        options.series_max = series(plugins.default_grants.max_series);
        options.families_max = plugins.families_max;
        options.log_lines_max = plugins.log_lines_max;
        options.isolation = plugins.default_grants.isolation;
        options.memory_bytes_max = plugins.default_grants.memory_bytes_max;
        options.crashes = Crashes {
            max: plugins.crashes_max,
            window: plugins.crash_window,
            trial_interval: plugins.trial_interval,
        };
        options.reply_bytes_max = plugins.reply_bytes_max;
        options.page_bytes_max = plugins.page_bytes_max;
        options.sets = NameSets::new(&settings.metrics.name_sets);
        options.metrics_endpoints = settings.metrics.endpoints_enabled;
        options.exports.clone_from(&settings.exports);
        options.page = Page::of(settings.metrics.mode);
        let own = plugins.grants.keys().chain(&plugins.disabled);
        options.plugins = own
            .map(|name| (name.clone(), plugin(&plugins.grants(name))))
            .collect();
        Ok(options)
    }
}

fn plugin(grants: &PluginGrants) -> PluginOptions {
    PluginOptions {
        enabled: Some(grants.enabled),
        threads: Some(grants.threads),
        queue: Some(grants.queue),
        deadline: Some(grants.deadline),
        scrape_deadline: grants.scrape_deadline,
        series_max: Some(series(grants.max_series)),
        isolation: Some(grants.isolation),
        memory_bytes_max: Some(grants.memory_bytes_max),
        grants: grants.permissions.as_deref().map(Grants::only),
    }
}

fn series(max: u64) -> u32 {
    u32::try_from(max).unwrap_or(u32::MAX)
}
