//! The settings as the plugin side asks them: each value where it is used, none of them kept twice.

use super::locks::pins;
use super::permissions::Permissions;
use crate::call::host_paths::HostPaths;
use meterbox_config::{Isolation as Choice, PluginGrants, PluginSettings, Settings};
use meterbox_plugin_files::{Language, Metadata, Reason, Refusal, Verified};
use meterbox_plugin_loader::probe::ProbeCommand;
use meterbox_plugin_loader::running::{self, BreakerSettings, Isolation};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

/// A scrape keeps this much of its time for what comes after the collectors.
const AFTER_COLLECTORS: Duration = Duration::from_millis(500);

/// What belongs to this program and to no key.
#[derive(Debug, Clone, Default)]
pub struct Program {
    /// The folder of the plugins shipped with the host, searched last.
    pub bundled_folder: Option<PathBuf>,
    /// How probe processes are started; none: files are opened without a probe.
    pub probe: Option<ProbeCommand>,
    /// How the processes of plugins are started; none: everything runs on threads of the host.
    pub child: Option<ProbeCommand>,
    /// When failing plugins are left alone.
    pub breaker: BreakerSettings,
    /// What no plugin can claim.
    pub host_paths: HostPaths,
}

/// The settings of the server, and what its program brings along.
#[derive(Debug, Clone)]
pub struct Options {
    pub(crate) settings: Arc<Settings>,
    pub(crate) program: Program,
}

impl Options {
    /// Options after these settings.
    ///
    /// # Errors
    /// The lock file that they name is not there or cannot be used.
    pub fn new(settings: Arc<Settings>, program: Program) -> Result<Self, Refusal> {
        let plugins = &settings.plugins;
        if let Some(lock) = &plugins.lock
            && pins(lock, plugins.insecure_permissions)?.is_none()
        {
            let text = "the lock file is not there; write it with meterbox plugins pin";
            return Err(Refusal::new(Reason::NotFound, text).at(lock));
        }
        Ok(Self { settings, program })
    }

    pub(crate) fn plugins(&self) -> &PluginSettings {
        &self.settings.plugins
    }

    /// What the host grants one plugin.
    pub(crate) fn plugin(&self, name: &str) -> PluginGrants {
        self.plugins().grants(name)
    }

    /// Whether one plugin is kept out of service.
    pub(crate) fn is_off(&self, name: &str) -> bool {
        !self.plugin(name).enabled
    }

    /// The permissions of one plugin.
    pub(crate) fn permissions(&self, name: &str, bundled: bool) -> Permissions {
        match self.plugin(name).permissions {
            Some(listed) => Permissions::only(&listed),
            None if bundled => Permissions::bundled(),
            None => Permissions::by_default(),
        }
    }

    /// Where one plugin runs; `trusted` was shipped with the host and pinned.
    fn isolation_of(&self, plugin: &PluginGrants, trusted: bool) -> Isolation {
        match plugin.isolation {
            Choice::Thread => Isolation::Thread,
            Choice::Auto if trusted => Isolation::Thread,
            _ => Isolation::Process,
        }
    }

    /// How its processes are started, if a plugin is to have them.
    pub(crate) fn child_of(&self, verified: &Verified, trusted: bool) -> Option<ProbeCommand> {
        let child = self.program.child.clone()?;
        // An interpreter is never loaded into the host, however much its plugin is trusted.
        let trusted = trusted && verified.language == Language::Library;
        let plugin = self.plugin(&verified.metadata.name);
        (self.isolation_of(&plugin, trusted) == Isolation::Process).then_some(child)
    }

    /// How one plugin is supervised.
    pub(crate) fn supervision_of(&self, plugin: &PluginGrants) -> running::Settings {
        let plugins = self.plugins();
        running::Settings {
            breaker: self.program.breaker,
            ..running::Settings::new(
                plugin.threads,
                plugin.queue,
                plugins.start_deadline,
                plugins.stop_deadline,
            )
        }
    }

    /// A scrape of one plugin is answered in its place after this long.
    pub(crate) fn scrape_limit_of(&self, plugin: &PluginGrants) -> Duration {
        let own = plugin.scrape_deadline;
        own.unwrap_or(self.plugins().scrape_deadline)
    }

    /// All collectors together may take this long.
    pub(crate) fn collect_limit(&self) -> Duration {
        let scrape = self.plugins().scrape_deadline;
        scrape.saturating_sub(AFTER_COLLECTORS)
    }

    /// Largest answer in bytes: who may read all metrics may send them all.
    pub(crate) fn reply_bytes_max(&self, metadata: &Metadata, bundled: bool) -> u64 {
        const READ: &str = "metrics.read";
        let asks = bundled || metadata.permissions.iter().any(|name| name == READ);
        if asks && self.permissions(&metadata.name, bundled).has(READ) {
            self.plugins().page_bytes_max
        } else {
            self.plugins().reply_bytes_max
        }
    }
}

/// Series that one plugin may have.
pub(crate) fn series_max(plugin: &PluginGrants) -> u32 {
    u32::try_from(plugin.max_series).unwrap_or(u32::MAX)
}
