//! Every plugin file of the host, its generations, and the table of their routes.
//!
//! Changes (a scan, a reload, a disable) happen one at a time; readers of routes and states never
//! wait for them. A change that fails leaves the generation before it in service.

use super::drain::{drain, drain_apart};
use super::examine::{examine, examine_all};
use super::exporters::Exporter;
use super::fingerprint::Fingerprint;
use super::folders::{self, Folders, FoundFile};
use super::in_service::InService;
use super::install::Installer;
use super::scan::ScanReport;
use super::slot::{PluginSlot, SlotPhase};
use super::slots::PluginSlots;
use super::status::{self, PluginStatus};
use crate::call::routes::Routes;
use crate::gather::page::NameSets;
use crate::options::locks::lock_of;
use crate::options::settings::Options;
use crate::served::shared::SharedHost;
use arc_swap::ArcSwap;
use meterbox_config::Settings;
use meterbox_plugin_abi::gather::{Filter, Visitor};
use meterbox_plugin_files::{Reason, Refusal};
use meterbox_plugin_loader::running::Running;
use parking_lot::Mutex;
use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;

/// All plugins.
pub struct Catalog {
    pub(super) options: ArcSwap<Options>,
    /// Held for the whole of a change, which may take seconds.
    pub(super) change: Mutex<()>,
    pub(super) slots: Arc<PluginSlots>,
    pub(super) folders: Folders,
    pub(super) installer: Installer,
    pub(super) in_service: Arc<InService>,
    pub(super) shared: Arc<SharedHost>,
}

impl Catalog {
    /// Puts new settings in force: limits and metric endpoints at once, plugins that were switched on or
    /// off after a scan, everything else at the next load of a plugin. What the collectors may take and
    /// which interpreter runs plugins stay as they were. Blocks while plugins start.
    ///
    /// # Errors
    /// A lock file that cannot be read; then nothing has changed.
    pub fn apply(&self, settings: Arc<Settings>) -> Result<ScanReport, Refusal> {
        let before = self.options.load_full();
        let options = Arc::new(Options::new(settings, before.program.clone())?);
        self.options.store(options.clone());
        let sets = NameSets::new(&options.settings.metrics.name_sets);
        self.shared.gatherer.choose(sets);
        let retired = {
            let _one_at_a_time = self.change.lock();
            let retired = self
                .slots
                .change_where(|_, _| true, |_, slot| switch(slot, &before, &options));
            self.publish(&options);
            retired
        };
        drain_apart(retired.into_iter().flatten());
        Ok(self.scan())
    }

    /// The routes as they are now.
    pub fn routes(&self) -> Arc<Routes> {
        self.in_service.routes()
    }

    /// The exporters in service, now and after each change.
    #[must_use]
    pub fn exporters(&self) -> watch::Receiver<Arc<Vec<Exporter>>> {
        self.in_service.exporters()
    }

    /// Shows all metrics to `visitor`, collectors' included. Blocks; not for an async thread.
    pub fn gather(&self, filter: &Filter<'_>, visitor: &mut dyn Visitor) {
        self.shared.gatherer.gather(filter, visitor);
    }

    /// Every plugin, in load order.
    pub fn plugins(&self) -> Vec<PluginStatus> {
        let slots = self.slots.all();
        slots.iter().map(|slot| self.status_of(slot)).collect()
    }

    /// One plugin by its name.
    pub fn plugin(&self, name: &str) -> Option<PluginStatus> {
        self.slots.find(name).ok().map(|index| self.status(index))
    }

    /// Looks through all folders: loads what is new or changed, drains what is gone.
    ///
    /// Blocks for as long as the plugins take to start.
    pub fn scan(&self) -> ScanReport {
        self.scan_where(|_| true)
    }

    /// As [`Catalog::scan`], for these files alone.
    pub(super) fn scan_files(&self, files: &[PathBuf]) -> ScanReport {
        self.scan_where(|path| files.iter().any(|file| file == path))
    }

    /// The folders in which a change may matter.
    pub(super) fn watched(&self) -> Vec<PathBuf> {
        folders::watched(&self.options.load())
    }

    /// The files in which the folders differ from what the last scan saw, each with a mark that changes
    /// with its content.
    pub(super) fn differences(&self) -> Vec<(PathBuf, Fingerprint)> {
        let options = self.options.load_full();
        self.folders.differences(&self.slots, &options)
    }

    fn scan_where(&self, wanted: impl Fn(&Path) -> bool) -> ScanReport {
        let _one_at_a_time = self.change.lock();
        let options = self.options.load_full();
        let mut scan = ScanReport::default();
        let present = self.folders.present(&options, &mut scan);
        self.remove_absent(&options, &present, &wanted, &mut scan);
        let looked_at = present
            .iter()
            .filter(|(candidate, _)| wanted(&candidate.path()));
        let due = self.folders.changed(&self.slots, &options, looked_at);
        // As many at a time as there are processors: each holds a copy of its file.
        let at_once = std::thread::available_parallelism().map_or(1, |count| count.get());
        for indices in due.chunks(at_once) {
            let examined = examine_all(&self.slots, &options, indices);
            for (&index, examined) in indices.iter().zip(examined) {
                self.installer
                    .install(&options, index, examined, false, &mut scan);
            }
        }
        scan
    }

    /// Takes out of service what is gone.
    fn remove_absent(
        &self,
        options: &Options,
        present: &[FoundFile],
        wanted: &impl Fn(&Path) -> bool,
        scan: &mut ScanReport,
    ) {
        let slots = self.slots.all();
        let gone: HashSet<PathBuf> = folders::gone(&slots, present)
            .map(|slot| slot.path())
            .filter(|path| wanted(path))
            .collect();
        if gone.is_empty() {
            return;
        }
        let is_gone = |slot: &PluginSlot| gone.contains(&slot.path());
        let retired = self.slots.change_where(
            |_, slot| is_gone(slot),
            |_, slot| {
                self.installer.removed(slot);
                scan.removed.push(slot.name());
                slot.retire()
            },
        );
        self.slots.retain(|slot| !is_gone(slot));
        self.publish(options);
        drain_apart(retired.into_iter().flatten());
        self.reconsider(options, scan);
    }

    /// Loads a plugin's file again, changed or not.
    ///
    /// # Errors
    /// What was refused; the generation before stays in service.
    pub fn reload(&self, name: &str) -> Result<PluginStatus, Refusal> {
        let _one_at_a_time = self.change.lock();
        let index = self.slots.find(name)?;
        let slot = self.slots.get(index);
        if slot.phase == SlotPhase::Disabled {
            let text = format!("plugin {name} is disabled; enable it, which loads its file again");
            return Err(Refusal::new(Reason::Disabled, text));
        }
        let path = slot.path();
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
        let index = self.slots.find(name)?;
        let options = self.options.load_full();
        let retired = self.slots.change(index, |slot| {
            slot.enter(SlotPhase::Disabled);
            slot.retire()
        });
        self.publish(&options);
        drain_apart(retired);
        self.reconsider(&options, &mut ScanReport::default());
        Ok(self.status(index))
    }

    /// Puts a disabled plugin back into service.
    ///
    /// # Errors
    /// What was refused.
    pub fn enable(&self, name: &str) -> Result<PluginStatus, Refusal> {
        let _one_at_a_time = self.change.lock();
        let index = self.slots.find(name)?;
        if self.slots.get(index).serving.is_some() {
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
        let retired = self
            .slots
            .change_where(|_, slot| slot.serving.is_some(), |_, slot| slot.retire());
        self.in_service.clear();
        std::thread::scope(|scope| {
            for running in retired.iter().flatten() {
                scope.spawn(|| drain(running, limit));
            }
        });
    }

    /// Tries again what stood back behind a plugin that may be gone now.
    fn reconsider(&self, options: &Options, scan: &mut ScanReport) {
        let slots = self.slots.all();
        // A name that was switched off stays off, whichever other file carries it.
        let is_off = |slot: &&Arc<PluginSlot>| slot.phase == SlotPhase::Disabled;
        let off: Vec<String> = slots
            .iter()
            .filter(is_off)
            .map(|slot| slot.name())
            .collect();
        for (index, slot) in slots.iter().enumerate() {
            if stood_back(slot) && !off.contains(&slot.name()) {
                self.install(options, index, false, scan);
            }
        }
    }

    fn install_now(&self, index: usize) -> Result<PluginStatus, Refusal> {
        let mut scan = ScanReport::default();
        self.install(&self.options.load_full(), index, true, &mut scan);
        match scan.refused.into_iter().next() {
            Some(refusal) => Err(refusal),
            None => Ok(self.status(index)),
        }
    }

    /// Brings one file into service; `again` even if it has not changed.
    fn install(&self, options: &Options, index: usize, again: bool, scan: &mut ScanReport) {
        let examined = examine(&self.slots, options, index);
        self.installer
            .install(options, index, examined, again, scan);
    }

    fn publish(&self, options: &Options) {
        self.in_service.publish(&self.slots.all(), options);
    }

    fn status(&self, index: usize) -> PluginStatus {
        self.status_of(&self.slots.get(index))
    }

    fn status_of(&self, slot: &PluginSlot) -> PluginStatus {
        status::of(slot, &self.options.load(), &self.shared.timers)
    }
}

/// Whether a file stands back behind another one that has its name or its routes.
fn stood_back(slot: &PluginSlot) -> bool {
    let reason = slot.last_refusal.as_ref().map(|refusal| refusal.reason);
    slot.serving.is_none()
        && match slot.phase {
            SlotPhase::Superseded => true,
            SlotPhase::Rejected => matches!(reason, Some(Reason::DuplicateName | Reason::Claim)),
            _ => false,
        }
}

/// Takes out what the new options switch off; lets a scan find what they switch on.
fn switch(slot: &mut PluginSlot, before: &Options, now: &Options) -> Option<Arc<Running>> {
    slot.lock = lock_of(now.plugins(), &slot.candidate.folder, slot.bundled);
    let name = slot.name();
    if now.is_off(&name) {
        slot.enter(SlotPhase::Disabled);
        return slot.retire();
    }
    if before.is_off(&name) && slot.phase == SlotPhase::Disabled {
        slot.enter(SlotPhase::New);
    }
    None
}
