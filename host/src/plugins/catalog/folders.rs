//! What the catalog finds in its folders, and what of it is new, changed or gone.

use super::in_service::{drain_apart, retire};
use super::plugins::{Catalog, Scan};
use super::slot::{Fingerprint, Slot, Standing};
use meterbox_plugin_loader::Refusal;
use meterbox_plugin_loader::file::{Candidate, Pins, candidates};
use std::path::{Path, PathBuf};

impl Catalog {
    /// All folders, the bundled one last.
    pub(in crate::plugins) fn folders(&self) -> Vec<PathBuf> {
        let options = self.options();
        options
            .folders
            .iter()
            .chain(&options.bundled_folder)
            .cloned()
            .collect()
    }

    /// The folders in which a change may matter: those of plugins and that of the lock file.
    pub(in crate::plugins) fn watched(&self) -> Vec<PathBuf> {
        let lock = self.options().lock.clone();
        let beside = lock.as_deref().and_then(Path::parent);
        let mut folders = self.folders();
        folders.extend(beside.map(Path::to_path_buf));
        folders
    }

    fn new_slot(&self, candidate: &Candidate, bundled: bool) -> Slot {
        let lock = self.options().lock_of(&candidate.folder, bundled);
        Slot::new(candidate.clone(), bundled, lock, &self.house)
    }

    /// Whether any folder differs from what the last scan saw, and in which files: their paths and a
    /// mark that changes with their content.
    pub(in crate::plugins) fn differences(&self) -> Vec<(PathBuf, Fingerprint)> {
        let present = self.present(&mut Scan::default());
        let slots = self.slots.lock();
        let mut differences = Vec::new();
        for (candidate, bundled) in &present {
            let known = slots.iter().find(|slot| slot.candidate == *candidate);
            let fresh;
            let slot = match known {
                Some(slot) => slot,
                None => {
                    fresh = self.new_slot(candidate, *bundled);
                    &fresh
                }
            };
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

    /// All candidate files, the user's first; a file that two folders share counts once.
    pub(in crate::plugins) fn present(&self, scan: &mut Scan) -> Vec<(Candidate, bool)> {
        let options = self.options();
        let user = candidates(&options.folders);
        let bundled: Vec<PathBuf> = options.bundled_folder.iter().cloned().collect();
        let bundled = candidates(&bundled);
        let mut present: Vec<(Candidate, bool)> = Vec::new();
        let real = |folder: &Path| {
            folder
                .canonicalize()
                .unwrap_or_else(|_| folder.to_path_buf())
        };
        let bundled_real = options.bundled_folder.as_deref().map(real);
        // The bundled folder may be named in plugins_path, too; its files count once.
        let is_bundled = |folder: &&PathBuf| Some(real(folder)) == bundled_real;
        let again: Vec<&PathBuf> = options.folders.iter().filter(is_bundled).collect();
        let users = user.candidates.into_iter();
        present.extend(
            users
                .filter(|candidate| !again.contains(&&candidate.folder))
                .map(|candidate| (candidate, false)),
        );
        // People drop their own files into the folder beside the program as well.
        let (shipped, unusable) = match options.shipped() {
            Ok(shipped) => (shipped, None),
            Err(refusal) => (Pins::default(), Some(refusal)),
        };
        let (ours, dropped): (Vec<_>, Vec<_>) = bundled
            .candidates
            .into_iter()
            .partition(|candidate| shipped.lists(&candidate.file_name.to_string_lossy()));
        present.extend(dropped.into_iter().map(|candidate| (candidate, false)));
        present.extend(ours.into_iter().map(|candidate| (candidate, true)));
        self.tell_ignored(&user.ignored);
        scan.ignored.extend(user.ignored);
        let mut unlisted = [user.errors, bundled.errors].concat();
        unlisted.extend(unusable);
        self.tell_unlisted(&unlisted);
        scan.refused.extend(unlisted);
        present
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
            self.house.faults("plugin_refused", 1);
        }
    }

    /// The slot of a candidate if it is new or its files have changed.
    pub(in crate::plugins) fn changed(
        &self,
        candidate: &Candidate,
        bundled: bool,
    ) -> Option<usize> {
        let mut slots = self.slots.lock();
        let index = match slots.iter().position(|slot| slot.candidate == *candidate) {
            Some(index) => index,
            None => {
                slots.push(self.new_slot(candidate, bundled));
                slots.len() - 1
            }
        };
        let slot = &mut slots[index];
        if slot.bundled != bundled {
            // The list of what was shipped has changed.
            slot.bundled = bundled;
            slot.lock = self.options().lock_of(&candidate.folder, bundled);
        }
        let by_operator = slot.standing == Standing::Disabled;
        let changed = slot.standing == Standing::New || slot.look() != slot.fingerprint;
        (changed && !by_operator).then_some(index)
    }

    /// Takes out of service what is gone.
    pub(in crate::plugins) fn remove_absent(
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
                self.histories.lock().insert(slot.name(), slot.history());
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
}

/// Whether a file is really gone: while its folder cannot be listed, nobody knows.
fn is_gone(slot: &Slot, present: &[(Candidate, bool)]) -> bool {
    let is_there = present
        .iter()
        .any(|(candidate, _)| *candidate == slot.candidate);
    !is_there && std::fs::read_dir(&slot.candidate.folder).is_ok()
}
