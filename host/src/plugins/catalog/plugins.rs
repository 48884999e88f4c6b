//! Every plugin file of the host, its generations, and the table of their routes.
//!
//! Changes (a scan, a reload, a disable) happen one at a time; readers of routes and states never
//! wait for them. A change that fails leaves the generation before it in service.

use super::exporters::Exporters;
use super::in_service::{drain, drain_apart, retire};
use super::install;
use super::readings::Readings;
use super::slot::{History, Slot, Standing};
use super::status::{self, PluginStatus};
use crate::plugins::call::routes::Routes;
use crate::plugins::gather::collectors::Collectors;
use crate::plugins::options::grants::Grants;
use crate::plugins::options::settings::Options;
use crate::plugins::served::house::{Facts, House, ModelList};
use crate::plugins::served::subscribers::Subscribers;
use crate::plugins::served::timers::Timers;
use arc_swap::ArcSwap;
use meterbox_config::Settings;
use meterbox_metrics::{RegisterError, Registry, Source};
use meterbox_plugin_abi::gather::{Filter, Visitor};
use meterbox_plugin_loader::file::Verified;
use meterbox_plugin_loader::running::{Clock, Monotonic, Running};
use meterbox_plugin_loader::{Reason, Refusal};
use meterbox_plugin_process::parent::Spawner;
use meterbox_telemetry::Telemetry;
use meterbox_telemetry::plugins::PluginsMetrics;
use parking_lot::Mutex;
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

/// All plugins.
pub struct Catalog {
    options: ArcSwap<Options>,
    pub(in crate::plugins) house: Arc<House>,
    pub(in crate::plugins) clock: Arc<dyn Clock>,
    /// Starts the processes of plugins; none before the first of them.
    pub(in crate::plugins) spawner: Mutex<Option<Arc<Spawner>>>,
    /// Held for the whole of a change, which may take seconds.
    pub(in crate::plugins) change: Mutex<()>,
    /// Held for moments only.
    pub(in crate::plugins) slots: Mutex<Vec<Slot>>,
    pub(in crate::plugins) routes: Arc<ArcSwap<Routes>>,
    /// What outlives the removal of a file, by plugin name.
    pub(in crate::plugins) histories: Mutex<HashMap<String, History>>,
    /// The last lines about routes that a user's plugin took over, to say each once.
    pub(in crate::plugins) superseded: Mutex<Vec<String>>,
    /// The folders that could not be listed at the last look, to say each once.
    pub(in crate::plugins) unlisted: Mutex<Vec<Refusal>>,
    /// Folders with files that are no plugins, and how many, as the log was told last.
    pub(in crate::plugins) ignored: Mutex<Vec<(PathBuf, usize)>>,
    /// The plugins that may have subscribed to events.
    pub(in crate::plugins) subscribers: Subscribers,
    /// The plugins that export.
    pub(in crate::plugins) exporters: Exporters,
}

/// What a scan did, for the log and for people who asked for it.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Scan {
    /// Plugins whose generation went into service, by name.
    pub started: Vec<String>,
    /// Plugins that went out of service because their file is gone, by name.
    pub removed: Vec<String>,
    /// What was refused.
    pub refused: Vec<Refusal>,
    /// Folders with files that are no plugin candidates, and how many.
    pub ignored: Vec<(PathBuf, usize)>,
}

impl Catalog {
    /// An empty catalog; [`Catalog::scan`] fills it.
    ///
    /// `source` is the host's own source in `registry`; `subscribers` are told who listens.
    ///
    /// # Errors
    /// When the host's own metrics about collectors cannot be registered.
    pub fn new(
        options: Options,
        registry: Registry,
        source: &Source,
        facts: Facts,
        models: Arc<dyn ModelList>,
        subscribers: Subscribers,
    ) -> Result<Arc<Self>, RegisterError> {
        let collectors = Collectors::new(source, options.collect_limit)?;
        let sets = ArcSwap::from_pointee(options.sets.clone());
        let house = House {
            registry,
            facts,
            models,
            collectors,
            timers: Timers::new(),
            sets,
            page: options.page,
            isolated: ArcSwap::default(),
            readings: OnceLock::new(),
        };
        Ok(Arc::new(Self {
            options: ArcSwap::from_pointee(options),
            house: Arc::new(house),
            clock: Arc::new(Monotonic::default()),
            spawner: Mutex::default(),
            change: Mutex::new(()),
            slots: Mutex::default(),
            routes: Arc::default(),
            histories: Mutex::default(),
            superseded: Mutex::default(),
            unlisted: Mutex::default(),
            ignored: Mutex::default(),
            subscribers,
            exporters: Exporters::default(),
        }))
    }

    /// The options in force.
    pub(in crate::plugins) fn options(&self) -> Arc<Options> {
        self.options.load_full()
    }

    /// Puts new options in force: limits and metric endpoints at once, plugins that were switched on
    /// or off after a scan, everything else at the next load of a plugin. Folders of private copies and
    /// what the collectors may take stay as they were.
    pub fn reconfigure(&self, options: Options) -> Scan {
        let before = self.options.swap(Arc::new(options));
        let options = self.options();
        self.house.sets.store(Arc::new(options.sets.clone()));
        self.house.registry.set_name_sets(options.sets.names());
        let retired: Vec<Arc<Running>> = {
            let _one_at_a_time = self.change.lock();
            let retired = self.with_slots(|slots| switch(slots, &before, &options));
            self.publish();
            retired
        };
        retired
            .into_iter()
            .for_each(|running| drain_apart(Some(running)));
        self.scan()
    }

    /// As [`Catalog::reconfigure`], from the server's settings. Blocks while plugins start.
    ///
    /// # Errors
    /// A lock file that cannot be read; then nothing has changed.
    pub fn apply(&self, settings: &Settings) -> Result<Scan, Refusal> {
        let now = self.options();
        let (bundled, probe) = (now.bundled_folder.clone(), now.probe.clone());
        let options = Options::from_settings(settings, bundled, probe)?;
        let child = now.child.clone();
        Ok(self.reconfigure(Options { child, ..options }))
    }

    /// From now on the server's metrics show what plugins do. Once per catalog.
    pub fn attach(self: &Arc<Self>, telemetry: Arc<Telemetry>) {
        let catalog = Arc::downgrade(self);
        // A second call changes nothing.
        let _ = self.house.readings.set(Readings { telemetry, catalog });
    }

    pub(in crate::plugins) fn plugins_metrics(&self) -> Option<&PluginsMetrics> {
        self.house
            .readings
            .get()
            .map(|readings| readings.telemetry.plugins())
    }

    /// The routes as they are now.
    pub fn routes(&self) -> Arc<Routes> {
        self.routes.load_full()
    }

    /// Shows all metrics to `visitor`, collectors' included. Blocks; not for an async thread.
    pub fn gather(&self, filter: &Filter<'_>, visitor: &mut dyn Visitor) {
        self.house.gather(filter, visitor);
    }

    /// Every plugin, in load order.
    pub fn plugins(&self) -> Vec<PluginStatus> {
        let slots = self.slots.lock();
        slots.iter().map(|slot| status::of(slot, self)).collect()
    }

    /// One plugin by its name.
    pub fn plugin(&self, name: &str) -> Option<PluginStatus> {
        self.find(name).ok().map(|index| self.status(index))
    }

    /// Looks through all folders: loads what is new or changed, drains what is gone.
    ///
    /// Blocks for as long as the plugins take to start.
    pub fn scan(&self) -> Scan {
        self.scan_where(|_| true)
    }

    /// As [`Catalog::scan`], for these files alone.
    pub(in crate::plugins) fn scan_files(&self, files: &[PathBuf]) -> Scan {
        self.scan_where(|path| files.iter().any(|file| file == path))
    }

    fn scan_where(&self, wanted: impl Fn(&Path) -> bool) -> Scan {
        let _one_at_a_time = self.change.lock();
        let mut scan = Scan::default();
        let present = self.present(&mut scan);
        self.remove_absent(&present, &wanted, &mut scan);
        let due: Vec<usize> = present
            .iter()
            .filter(|(candidate, _)| wanted(&candidate.path()))
            .filter_map(|(candidate, bundled)| self.changed(candidate, *bundled))
            .collect();
        // As many at a time as there are processors: each holds a copy of its file.
        let at_once = std::thread::available_parallelism().map_or(1, |count| count.get());
        for indices in due.chunks(at_once) {
            for (index, examined) in indices.iter().zip(install::examine_all(self, indices)) {
                self.install_examined(*index, examined, false, &mut scan);
            }
        }
        scan
    }

    /// Loads a plugin's file again, changed or not.
    ///
    /// # Errors
    /// What was refused; the generation before stays in service.
    pub fn reload(&self, name: &str) -> Result<PluginStatus, Refusal> {
        let _one_at_a_time = self.change.lock();
        let index = self.find(name)?;
        let (path, standing) = self.with_slot(index, |slot| (slot.path(), slot.standing));
        if standing == Standing::Disabled {
            let text = format!("plugin {name} is disabled; enable it, which loads its file again");
            return Err(Refusal::new(Reason::Disabled, text));
        }
        if !path.exists() {
            return Err(Refusal::new(Reason::NotFound, "the file is gone; put it back").at(&path));
        }
        self.install_now(index)
    }

    /// Takes a plugin out of service until it is enabled again.
    ///
    /// # Errors
    /// [`Reason::NotFound`].
    pub fn disable(&self, name: &str) -> Result<PluginStatus, Refusal> {
        let _one_at_a_time = self.change.lock();
        let index = self.find(name)?;
        let retired = {
            let mut slots = self.slots.lock();
            let slot = &mut slots[index];
            slot.stand(Standing::Disabled);
            retire(slot)
        };
        self.publish();
        drain_apart(retired);
        self.reconsider(&mut Scan::default());
        Ok(self.status(index))
    }

    /// Puts a disabled plugin back into service.
    ///
    /// # Errors
    /// What was refused.
    pub fn enable(&self, name: &str) -> Result<PluginStatus, Refusal> {
        let _one_at_a_time = self.change.lock();
        let index = self.find(name)?;
        let serves = self.slots.lock()[index].running.is_some();
        if serves {
            Ok(self.status(index))
        } else {
            self.install_now(index)
        }
    }

    /// As [`Catalog::stop_within`], each plugin within its own limit.
    pub fn stop(&self) {
        self.stop_within(Duration::MAX);
    }

    /// Drains and stops every plugin; blocks until the last one is done. What is under way may take
    /// `limit`, or a plugin's own limit if that is less; stop hooks have theirs after it.
    pub fn stop_within(&self, limit: Duration) {
        let _one_at_a_time = self.change.lock();
        let retired: Vec<Arc<Running>> = {
            let mut slots = self.slots.lock();
            slots.iter_mut().filter_map(retire).collect()
        };
        self.routes.store(Arc::default());
        self.house.collectors.set(Vec::new());
        self.house.isolated.store(Arc::default());
        self.subscribers.set(Vec::new());
        self.exporters.send_replace(Arc::default());
        std::thread::scope(|scope| {
            for running in &retired {
                scope.spawn(|| drain(running, limit));
            }
        });
    }

    /// Tries again what stood back behind a plugin that may be gone now.
    pub(in crate::plugins) fn reconsider(&self, scan: &mut Scan) {
        let stood_back = |slot: &Slot| {
            let reason = slot.last_refusal.as_ref().map(|refusal| refusal.reason);
            slot.running.is_none()
                && (slot.standing == Standing::Superseded
                    || slot.standing == Standing::Rejected
                        && matches!(reason, Some(Reason::DuplicateName | Reason::Claim)))
        };
        let again: Vec<usize> = {
            let slots = self.slots.lock();
            // A name that was switched off stays off, whichever other file carries it.
            let is_off = |slot: &&Slot| slot.standing == Standing::Disabled;
            let off: Vec<String> = slots.iter().filter(is_off).map(Slot::name).collect();
            (0..slots.len())
                .filter(|&index| stood_back(&slots[index]) && !off.contains(&slots[index].name()))
                .collect()
        };
        again
            .into_iter()
            .for_each(|index| self.install(index, false, scan));
    }

    /// The slot of a plugin; of several files with its name the one in service.
    fn find(&self, name: &str) -> Result<usize, Refusal> {
        let slots = self.slots.lock();
        let named = (0..slots.len()).filter(|&index| slots[index].is_called(name));
        let found = named.max_by_key(|&index| slots[index].running.is_some());
        found.ok_or_else(|| {
            Refusal::new(Reason::NotFound, format!("there is no plugin named {name}"))
        })
    }

    fn status(&self, index: usize) -> PluginStatus {
        status::of(&self.slots.lock()[index], self)
    }

    fn install_now(&self, index: usize) -> Result<PluginStatus, Refusal> {
        let mut scan = Scan::default();
        self.install(index, true, &mut scan);
        match scan.refused.into_iter().next() {
            Some(refusal) => Err(refusal),
            None => Ok(self.status(index)),
        }
    }

    /// Brings one file into service; `again` even if it has not changed.
    fn install(&self, index: usize, again: bool, scan: &mut Scan) {
        self.install_examined(index, install::examine(self, index), again, scan);
    }

    fn install_examined(
        &self,
        index: usize,
        examined: Result<Verified, Refusal>,
        again: bool,
        scan: &mut Scan,
    ) {
        match install::install(self, index, examined, again) {
            Ok(install::Installed::Started { name, retired }) => {
                tracing::info!(target: "plugin", plugin = name, "in service");
                scan.started.push(name);
                retired
                    .into_iter()
                    .for_each(|running| drain_apart(Some(running)));
            }
            Ok(install::Installed::Unchanged) => {}
            Err(refusal) => {
                tracing::warn!(target: "plugin", reason = refusal.reason.code(), "{refusal}");
                self.slots.lock()[index].reject(refusal.clone());
                self.house.faults("plugin_refused", 1);
                if let Some(plugins) = self.plugins_metrics() {
                    let name = self.slots.lock()[index].name();
                    plugins.load_error(&name, refusal.reason.code());
                }
                scan.refused.push(refusal);
            }
        }
    }

    /// Works with one slot for a moment.
    pub(in crate::plugins) fn with_slot<R>(
        &self,
        index: usize,
        look: impl FnOnce(&mut Slot) -> R,
    ) -> R {
        look(&mut self.slots.lock()[index])
    }

    /// Works with all slots for a moment.
    pub(in crate::plugins) fn with_slots<R>(&self, look: impl FnOnce(&mut Vec<Slot>) -> R) -> R {
        look(&mut self.slots.lock())
    }

    /// What a plugin may ask for.
    pub(in crate::plugins) fn grants(&self, name: &str, bundled: bool) -> Grants {
        let own = self.options().plugin(name).grants;
        own.unwrap_or_else(|| {
            if bundled {
                Grants::bundled()
            } else {
                Grants::by_default()
            }
        })
    }
}

/// Takes out what the new options switch off; lets a scan find what they switch on.
fn switch(slots: &mut [Slot], before: &Options, now: &Options) -> Vec<Arc<Running>> {
    let mut retired = Vec::new();
    for slot in slots {
        slot.lock = now.lock_of(&slot.candidate.folder, slot.bundled);
        let name = slot.name();
        let off = |options: &Options| options.plugin(&name).enabled == Some(false);
        if off(now) {
            slot.stand(Standing::Disabled);
            retired.extend(retire(slot));
        } else if off(before) && slot.standing == Standing::Disabled {
            slot.stand(Standing::New);
        }
    }
    retired
}
