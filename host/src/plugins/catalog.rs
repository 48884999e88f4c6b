//! Every plugin file of the host, its generations, and the table of their routes.
//!
//! Changes (a scan, a reload, a disable) happen one at a time; readers of routes and states never
//! wait for them. A change that fails leaves the generation before it in service.

use super::collectors::Collectors;
use super::events::Subscription;
use super::grants::Grants;
use super::house::{Facts, House, ModelList};
use super::install;
use super::options::Options;
use super::readings::Readings;
use super::routes::{Claimant, Claims, Routes, claim};
use super::slot::{Slot, Standing};
use super::status::{self, PluginStatus};
use super::timers::Timers;
use crate::telemetry::Telemetry;
use crate::telemetry::plugins::PluginsMetrics;
use arc_swap::ArcSwap;
use meterbox_metrics::{RegisterError, Registry, Source};
use meterbox_plugin_abi::events::EventKinds;
use meterbox_plugin_abi::gather::{Filter, Visitor};
use meterbox_plugin_abi::{Roles, Row};
use meterbox_plugin_loader::file::{Candidate, candidates};
use meterbox_plugin_loader::running::{Clock, Monotonic, Running};
use meterbox_plugin_loader::{Reason, Refusal};
use parking_lot::Mutex;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

/// All plugins.
pub struct Catalog {
    pub(super) options: Options,
    pub(super) house: Arc<House>,
    pub(super) clock: Arc<dyn Clock>,
    /// Held for the whole of a change, which may take seconds.
    change: Mutex<()>,
    /// Held for moments only.
    slots: Mutex<Vec<Slot>>,
    routes: ArcSwap<Routes>,
    /// The plugins that may have subscribed to events.
    listeners: ArcSwap<Vec<(String, Arc<Subscription>)>>,
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
    /// `source` is the host's own source in `registry`.
    ///
    /// # Errors
    /// When the host's own metrics about collectors cannot be registered.
    pub fn new(
        options: Options,
        registry: Registry,
        source: &Source,
        facts: Facts,
        models: Arc<dyn ModelList>,
    ) -> Result<Arc<Self>, RegisterError> {
        let series_max = usize::try_from(options.series_max).unwrap_or(usize::MAX);
        let collectors = Collectors::new(source, options.collect_limit, series_max)?;
        let sets = ArcSwap::from_pointee(options.sets.clone());
        let house = House {
            registry,
            facts,
            models,
            collectors,
            timers: Timers::new(),
            sets,
            page: options.page,
            readings: OnceLock::new(),
        };
        Ok(Arc::new(Self {
            options,
            house: Arc::new(house),
            clock: Arc::new(Monotonic::default()),
            change: Mutex::new(()),
            slots: Mutex::default(),
            routes: ArcSwap::default(),
            listeners: ArcSwap::default(),
        }))
    }

    /// From now on the server's metrics show what plugins do. Once per catalog.
    pub fn attach(self: &Arc<Self>, telemetry: Arc<Telemetry>) {
        let catalog = Arc::downgrade(self);
        // A second call changes nothing.
        let _ = self.house.readings.set(Readings { telemetry, catalog });
    }

    /// Tells an event to every plugin that subscribed to its kind. Never waits.
    pub fn publish_event(&self, kind: EventKinds, event: &Row) {
        for (name, subscription) in self.listeners.load().iter() {
            let dropped = subscription.publish(kind, event);
            if dropped > 0
                && let Some(plugins) = self.plugins_metrics()
            {
                plugins.plugin(name).events_dropped(dropped);
            }
        }
    }

    fn plugins_metrics(&self) -> Option<&PluginsMetrics> {
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
        slots.iter().map(status::of).collect()
    }

    /// One plugin by its name.
    pub fn plugin(&self, name: &str) -> Option<PluginStatus> {
        self.plugins()
            .into_iter()
            .find(|plugin| plugin.name == name)
    }

    /// Looks through all folders: loads what is new or changed, drains what is gone.
    ///
    /// Blocks for as long as the plugins take to start.
    pub fn scan(&self) -> Scan {
        self.scan_where(|_| true)
    }

    /// As [`Catalog::scan`], for these files alone.
    pub(super) fn scan_files(&self, files: &[PathBuf]) -> Scan {
        self.scan_where(|path| files.iter().any(|file| file == path))
    }

    fn scan_where(&self, wanted: impl Fn(&Path) -> bool) -> Scan {
        let _one_at_a_time = self.change.lock();
        let mut scan = Scan::default();
        let present = self.present(&mut scan);
        self.remove_absent(&present, &wanted, &mut scan);
        for (candidate, bundled) in present {
            if !wanted(&candidate.path()) {
                continue;
            }
            if let Some(index) = self.changed(&candidate, bundled) {
                self.install(index, false, &mut scan);
            }
        }
        scan
    }

    /// All folders, the bundled one last.
    pub(super) fn folders(&self) -> Vec<PathBuf> {
        self.options
            .folders
            .iter()
            .chain(&self.options.bundled_folder)
            .cloned()
            .collect()
    }

    /// Whether any folder differs from what the last scan saw, and in which files: their paths and a
    /// mark that changes with their content.
    pub(super) fn differences(&self) -> Vec<(PathBuf, super::slot::Fingerprint)> {
        let present = self.present(&mut Scan::default());
        let slots = self.slots.lock();
        let mut differences = Vec::new();
        for (candidate, bundled) in &present {
            let known = slots.iter().find(|slot| slot.candidate == *candidate);
            let fresh = Slot::new(candidate.clone(), *bundled);
            let slot = known.unwrap_or(&fresh);
            let look = slot.look();
            let changed = slot.standing == Standing::New || look != slot.fingerprint;
            if changed && slot.standing != Standing::Disabled {
                differences.push((candidate.path(), look));
            }
        }
        let gone = slots.iter().filter(|slot| is_gone(slot, &present));
        differences.extend(gone.map(|slot| (slot.path(), slot.look())));
        differences
    }

    /// Loads a plugin's file again, changed or not.
    ///
    /// # Errors
    /// What was refused; the generation before stays in service.
    pub fn reload(&self, name: &str) -> Result<PluginStatus, Refusal> {
        let _one_at_a_time = self.change.lock();
        let index = self.find(name)?;
        let path = self.slots.lock()[index].path();
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

    /// Drains and stops every plugin; blocks until the last one is done.
    pub fn stop(&self) {
        let _one_at_a_time = self.change.lock();
        let retired: Vec<Arc<Running>> = {
            let mut slots = self.slots.lock();
            slots.iter_mut().filter_map(retire).collect()
        };
        self.routes.store(Arc::default());
        self.house.collectors.set(Vec::new());
        self.listeners.store(Arc::default());
        std::thread::scope(|scope| {
            for running in &retired {
                scope.spawn(|| drain(running));
            }
        });
    }

    /// All candidate files, the user's first; a file that two folders share counts once.
    fn present(&self, scan: &mut Scan) -> Vec<(Candidate, bool)> {
        let user = candidates(&self.options.folders);
        let bundled: Vec<PathBuf> = self.options.bundled_folder.iter().cloned().collect();
        let bundled = candidates(&bundled);
        let mut present: Vec<(Candidate, bool)> = Vec::new();
        let real = |folder: &Path| {
            folder
                .canonicalize()
                .unwrap_or_else(|_| folder.to_path_buf())
        };
        let bundled_real = self.options.bundled_folder.as_deref().map(real);
        for candidate in user.candidates {
            // The bundled folder may be named in plugins_path, too; its files stay bundled.
            if Some(real(&candidate.folder)) != bundled_real {
                present.push((candidate, false));
            }
        }
        present.extend(
            bundled
                .candidates
                .into_iter()
                .map(|candidate| (candidate, true)),
        );
        scan.ignored.extend(user.ignored);
        scan.refused.extend(user.errors);
        scan.refused.extend(bundled.errors);
        present
    }

    /// The slot of a candidate if it is new or its files have changed.
    fn changed(&self, candidate: &Candidate, bundled: bool) -> Option<usize> {
        let mut slots = self.slots.lock();
        let index = match slots.iter().position(|slot| slot.candidate == *candidate) {
            Some(index) => index,
            None => {
                slots.push(Slot::new(candidate.clone(), bundled));
                slots.len() - 1
            }
        };
        let slot = &slots[index];
        let by_operator = slot.standing == Standing::Disabled;
        let changed = slot.standing == Standing::New || slot.look() != slot.fingerprint;
        (changed && !by_operator).then_some(index)
    }

    fn remove_absent(
        &self,
        present: &[(Candidate, bool)],
        wanted: &impl Fn(&Path) -> bool,
        scan: &mut Scan,
    ) {
        let mut retired = Vec::new();
        {
            let mut slots = self.slots.lock();
            let is_present = |slot: &Slot| !wanted(&slot.path()) || !is_gone(slot, present);
            for slot in slots.iter_mut().filter(|slot| !is_present(slot)) {
                if let Some(plugins) = self.plugins_metrics() {
                    plugins.removed(&slot.name());
                }
                scan.removed.push(slot.name());
                retired.extend(retire(slot));
            }
            slots.retain(is_present);
        }
        if scan.removed.is_empty() {
            return;
        }
        self.publish();
        retired
            .into_iter()
            .for_each(|running| drain_apart(Some(running)));
        self.reconsider(scan);
    }

    /// Tries again what stood back behind a plugin that may be gone now.
    fn reconsider(&self, scan: &mut Scan) {
        let stood_back = |slot: &Slot| {
            let reason = slot.last_refusal.as_ref().map(|refusal| refusal.reason);
            slot.running.is_none()
                && (slot.standing == Standing::Superseded
                    || slot.standing == Standing::Rejected
                        && matches!(reason, Some(Reason::DuplicateName | Reason::Claim)))
        };
        let again: Vec<usize> = {
            let slots = self.slots.lock();
            (0..slots.len())
                .filter(|&index| stood_back(&slots[index]))
                .collect()
        };
        again
            .into_iter()
            .for_each(|index| self.install(index, false, scan));
    }

    fn find(&self, name: &str) -> Result<usize, Refusal> {
        let slots = self.slots.lock();
        slots
            .iter()
            .position(|slot| slot.name() == name)
            .ok_or_else(|| {
                Refusal::new(Reason::NotFound, format!("there is no plugin named {name}"))
            })
    }

    fn status(&self, index: usize) -> PluginStatus {
        status::of(&self.slots.lock()[index])
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
        match install::install(self, index, again) {
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
                if let Some(plugins) = self.plugins_metrics() {
                    let name = self.slots.lock()[index].name();
                    plugins.load_error(&name, refusal.reason.code());
                }
                scan.refused.push(refusal);
            }
        }
    }

    /// Works with one slot for a moment.
    pub(super) fn with_slot<R>(&self, index: usize, look: impl FnOnce(&mut Slot) -> R) -> R {
        look(&mut self.slots.lock()[index])
    }

    /// Works with all slots for a moment.
    pub(super) fn with_slots<R>(&self, look: impl FnOnce(&mut Vec<Slot>) -> R) -> R {
        look(&mut self.slots.lock())
    }

    /// The claims of all plugins in service, with `candidate` in the place of slot `index`.
    pub(super) fn claims(&self, candidate: Option<(usize, &Arc<Running>)>) -> (Vec<usize>, Claims) {
        let slots = self.slots.lock();
        let mut owners = Vec::new();
        let mut claimants = Vec::new();
        for (index, slot) in slots.iter().enumerate() {
            let running = match candidate {
                Some((at, running)) if at == index => Some(running),
                _ => slot.running.as_ref(),
            };
            let Some(running) = running else { continue };
            let plugin = self.options.plugin(&running.origin().metadata.name);
            owners.push(index);
            claimants.push(Claimant {
                running: running.clone(),
                bundled: slot.bundled,
                file_name: slot.file_name(),
                request_limit: plugin.deadline.unwrap_or(self.options.request_limit),
                metrics: self
                    .plugins_metrics()
                    .map(|plugins| plugins.plugin(&slot.name())),
                reply_bytes_max: self.reply_bytes_max(running, slot.bundled),
                scrape_limit: plugin.scrape_deadline.unwrap_or(self.options.scrape_limit),
            });
        }
        (owners, claim(&claimants, self.options.metrics_endpoints))
    }

    /// Puts routes and collectors in force for what is in service now.
    pub(super) fn publish(&self) {
        let (_, claims) = self.claims(None);
        for line in &claims.superseded {
            tracing::info!(target: "plugin", "{line}");
        }
        self.routes.store(Arc::new(claims.routes));
        let slots = self.slots.lock();
        let running = slots.iter().filter_map(|slot| slot.running.clone());
        let collectors = running.filter(|running| running.roles().has(Roles::COLLECTOR));
        self.house.collectors.set(collectors.collect());
        let listeners = slots.iter().filter_map(|slot| {
            let subscription = slot
                .subscription
                .clone()
                .filter(|_| slot.running.is_some())?;
            Some((slot.name(), subscription))
        });
        self.listeners.store(Arc::new(listeners.collect()));
    }

    /// Who may read all metrics may send them all.
    fn reply_bytes_max(&self, running: &Running, bundled: bool) -> u64 {
        let metadata = &running.origin().metadata;
        let asks = bundled
            || metadata
                .permissions
                .iter()
                .any(|name| name == "metrics.read");
        let reads = asks && self.grants(&metadata.name, bundled).has("metrics.read");
        if reads {
            self.options.page_bytes_max
        } else {
            self.options.reply_bytes_max
        }
    }

    /// What a plugin may ask for.
    pub(super) fn grants(&self, name: &str, bundled: bool) -> Grants {
        let own = self.options.plugin(name).grants;
        own.unwrap_or_else(|| {
            if bundled {
                Grants::bundled()
            } else {
                Grants::by_default()
            }
        })
    }
}

/// Whether a file is really gone: while its folder cannot be listed, nobody knows.
fn is_gone(slot: &Slot, present: &[(Candidate, bool)]) -> bool {
    let is_there = present
        .iter()
        .any(|(candidate, _)| *candidate == slot.candidate);
    !is_there && std::fs::read_dir(&slot.candidate.folder).is_ok()
}

/// Takes a slot's generation out of it.
pub(super) fn retire(slot: &mut Slot) -> Option<Arc<Running>> {
    if let Some(services) = slot.services.take() {
        services.close();
    }
    slot.running.take()
}

/// Drains on a thread of its own: it may take as long as the slowest client.
fn drain_apart(running: Option<Arc<Running>>) {
    let Some(running) = running else { return };
    let apart = running.clone();
    let thread = std::thread::Builder::new().name("plugin-drain".to_owned());
    if thread.spawn(move || drain(&apart)).is_err() {
        drain(&running);
    }
}

fn drain(running: &Running) {
    let plugin = running.origin().metadata.name.as_str();
    match running.drain() {
        Ok(()) => tracing::info!(target: "plugin", plugin, "drained and stopped"),
        Err(failure) => tracing::warn!(target: "plugin", plugin, "stopped: {failure}"),
    }
}
