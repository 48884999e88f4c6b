//! What there is in the plugin folders, and what of it is new, changed or gone.

use super::fingerprint::Fingerprint;
use super::scan::ScanReport;
use super::slot::{PluginSlot, SlotPhase};
use super::slots::PluginSlots;
use crate::options::locks::{lock_of, shipped};
use crate::options::settings::Options;
use meterbox_plugin_files::{Candidate, Pins, Refusal, candidates};
use meterbox_telemetry::server::FaultCounters;
use parking_lot::Mutex;
use std::collections::{HashMap, HashSet};
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// A file that could be a plugin, and whether it was shipped with the host.
pub(super) type FoundFile = (Candidate, bool);

/// The plugin folders.
pub(super) struct Folders {
    faults: FaultCounters,
    /// The folders that could not be listed at the last look, to say each once.
    unlisted: Mutex<Vec<Refusal>>,
    /// Folders with files that are no plugins, and how many, as the log was told last.
    ignored: Mutex<Vec<(PathBuf, usize)>>,
}

impl Folders {
    pub(super) fn new(faults: FaultCounters) -> Self {
        Self {
            faults,
            unlisted: Mutex::default(),
            ignored: Mutex::default(),
        }
    }

    /// All candidate files, the user's first; a file that two folders share counts once.
    pub(super) fn present(&self, options: &Options, scan: &mut ScanReport) -> Vec<FoundFile> {
        let folders = &options.plugins().folders;
        let bundled_folder = options.program.bundled_folder.as_ref();
        let user = candidates(folders);
        let bundled = candidates(bundled_folder.map_or(&[], std::slice::from_ref));
        let real = |folder: &Path| {
            folder
                .canonicalize()
                .unwrap_or_else(|_| folder.to_path_buf())
        };
        let bundled_real = bundled_folder.map(|folder| real(folder));
        // The bundled folder may be named in plugins_path, too; its files count once.
        let is_bundled = |folder: &&PathBuf| Some(real(folder)) == bundled_real;
        let again: Vec<&PathBuf> = folders.iter().filter(is_bundled).collect();
        let users = user.candidates.into_iter();
        let users = users.filter(|candidate| !again.contains(&&candidate.folder));
        // People drop their own files into the folder beside the program as well.
        let list = bundled_folder.map(|folder| shipped(options.plugins(), folder));
        let (list, unusable) = match list.transpose() {
            Ok(list) => (list.unwrap_or_default(), None),
            Err(refusal) => (Pins::default(), Some(refusal)),
        };
        let (ours, dropped): (Vec<_>, Vec<_>) = bundled
            .candidates
            .into_iter()
            .partition(|candidate| list.lists(&candidate.file_name.to_string_lossy()));
        self.tell_ignored(&user.ignored);
        scan.ignored.extend(user.ignored);
        let mut unlisted = [user.errors, bundled.errors].concat();
        unlisted.extend(unusable);
        self.tell_unlisted(&unlisted);
        scan.refused.extend(unlisted);
        let theirs = users.chain(dropped).map(|candidate| (candidate, false));
        let ours = ours.into_iter().map(|candidate| (candidate, true));
        theirs.chain(ours).collect()
    }

    /// Whether any folder differs from what the last scan saw, and in which files: their paths and a
    /// mark that changes with their content.
    pub(super) fn differences(
        &self,
        slots: &PluginSlots,
        options: &Options,
    ) -> Vec<(PathBuf, Fingerprint)> {
        let present = self.present(options, &mut ScanReport::default());
        let slots = slots.all();
        let known: HashMap<Place<'_>, &PluginSlot> = slots
            .iter()
            .map(|slot| (place(&slot.candidate), &**slot))
            .collect();
        let mut differences = Vec::new();
        for (candidate, bundled) in &present {
            let known = known.get(&place(candidate)).copied();
            let look = match known {
                Some(slot) if slot.phase == SlotPhase::Disabled => continue,
                Some(slot) => slot.look(),
                None => {
                    let lock = lock_of(options.plugins(), &candidate.folder, *bundled);
                    Fingerprint::of(&candidate.path(), None, &lock)
                }
            };
            let is_old =
                |slot: &PluginSlot| slot.phase != SlotPhase::New && look == slot.fingerprint;
            if !known.is_some_and(is_old) {
                differences.push((candidate.path(), look));
            }
        }
        let gone = gone(&slots, &present);
        differences.extend(gone.map(|slot| (slot.path(), slot.look())));
        differences
    }

    /// The slots of those files that are new or have changed.
    pub(super) fn changed<'p>(
        &self,
        slots: &PluginSlots,
        options: &Options,
        present: impl Iterator<Item = &'p FoundFile>,
    ) -> Vec<usize> {
        let before = slots.all();
        let known: HashMap<Place<'_>, usize> = before
            .iter()
            .enumerate()
            .map(|(index, slot)| (place(&slot.candidate), index))
            .collect();
        let mut changed = Vec::new();
        for (candidate, bundled) in present {
            let lock = lock_of(options.plugins(), &candidate.folder, *bundled);
            let Some(&index) = known.get(&place(candidate)) else {
                let slot = PluginSlot::new(candidate.clone(), *bundled, lock, self.faults.clone());
                changed.push(slots.add(slot));
                continue;
            };
            let mut slot = before[index].clone();
            if slot.bundled != *bundled {
                // The list of what was shipped has changed.
                slots.change(index, |slot| {
                    slot.bundled = *bundled;
                    slot.lock = lock;
                });
                slot = slots.get(index);
            }
            let is_old = match slot.phase {
                SlotPhase::New => false,
                SlotPhase::Disabled => true,
                _ => slot.look() == slot.fingerprint,
            };
            if !is_old {
                changed.push(index);
            }
        }
        changed
    }

    /// Says how many files of a folder are no plugins, such as the jars of an existing installation; again
    /// when their number changes.
    fn tell_ignored(&self, ignored: &[(PathBuf, usize)]) {
        let told = std::mem::replace(&mut *self.ignored.lock(), ignored.to_vec());
        for (folder, files) in ignored.iter().filter(|one| !told.contains(one)) {
            tracing::info!(
                target: "plugin",
                "{}: {files} files are neither .so nor .py and are left alone", folder.display()
            );
        }
    }

    /// Says and counts each folder that cannot be listed, once for as long as it is so.
    fn tell_unlisted(&self, unlisted: &[Refusal]) {
        let told = std::mem::replace(&mut *self.unlisted.lock(), unlisted.to_vec());
        for refusal in unlisted.iter().filter(|refusal| !told.contains(refusal)) {
            tracing::warn!(target: "plugin", reason = refusal.reason.code(), "{refusal}");
            self.faults.add("plugin_refused", 1);
        }
    }
}

/// The folders in which a change may matter: those of plugins and that of the lock file.
pub(super) fn watched(options: &Options) -> Vec<PathBuf> {
    let plugins = options.plugins();
    let bundled = options.program.bundled_folder.iter();
    let beside = plugins.lock.as_deref().and_then(Path::parent);
    let folders = plugins.folders.iter().chain(bundled).cloned();
    folders.chain(beside.map(Path::to_path_buf)).collect()
}

/// What tells two files apart.
type Place<'a> = (&'a OsStr, &'a Path);

fn place(candidate: &Candidate) -> Place<'_> {
    (&candidate.file_name, &candidate.folder)
}

/// The slots whose files are really gone: while a folder cannot be listed, nobody knows.
pub(super) fn gone<'s>(
    slots: &'s [Arc<PluginSlot>],
    present: &[FoundFile],
) -> impl Iterator<Item = &'s Arc<PluginSlot>> {
    let places = present.iter().map(|(candidate, _)| place(candidate));
    let places: HashSet<Place<'_>> = places.collect();
    let absent = |slot: &&Arc<PluginSlot>| !places.contains(&place(&slot.candidate));
    let absent: Vec<&Arc<PluginSlot>> = slots.iter().filter(absent).collect();
    let is_listed = |slot: &&Arc<PluginSlot>| std::fs::read_dir(&slot.candidate.folder).is_ok();
    absent.into_iter().filter(is_listed)
}
