//! Brings one file into service: every step from the folder to the swap of routes.
//!
//! Nothing changes for the generation in service until the new one has started and its routes are
//! free; whatever fails before that is a refusal and nothing else. Only one change is under way at a
//! time, so the slots that a step reads are those that the next one changes.

use super::drain::drain_apart;
use super::examine::Examined;
use super::in_service::{InService, StartedGeneration};
use super::record::PluginRecord;
use super::scan::ScanReport;
use super::slot::{PluginSlot, ServingGeneration, SlotPhase};
use super::slots::PluginSlots;
use super::start::{StartRequest, Starter};
use crate::call::claims;
use crate::options::config_file;
use crate::options::settings::Options;
use meterbox_plugin_files::{Reason, Refusal, Verified};
use meterbox_plugin_loader::running::Running;
use meterbox_telemetry::Telemetry;
use parking_lot::Mutex;
use std::collections::HashMap;
use std::sync::Arc;
use std::time::SystemTime;

/// Installs files.
pub(super) struct Installer {
    slots: Arc<PluginSlots>,
    in_service: Arc<InService>,
    starter: Starter,
    telemetry: Arc<Telemetry>,
    /// The records of plugins whose files are gone, by name.
    records: Mutex<HashMap<String, Arc<PluginRecord>>>,
}

/// What became of a file.
enum InstallOutcome {
    /// A new generation of the plugin serves; the generations are to be drained.
    Started(String, Vec<Arc<Running>>),
    /// Nothing had to be done.
    Unchanged,
}

impl Installer {
    pub(super) fn new(
        slots: Arc<PluginSlots>,
        in_service: Arc<InService>,
        starter: Starter,
        telemetry: Arc<Telemetry>,
    ) -> Self {
        Self {
            slots,
            in_service,
            starter,
            telemetry,
            records: Mutex::default(),
        }
    }

    /// Brings a file that was `examined` into service; `again` even if it has not changed.
    pub(super) fn install(
        &self,
        options: &Options,
        index: usize,
        examined: Examined,
        again: bool,
        scan: &mut ScanReport,
    ) {
        match examined.and_then(|verified| self.try_install(options, index, verified, again)) {
            Ok(InstallOutcome::Started(name, retired)) => {
                tracing::info!(target: "plugin", plugin = name, "in service");
                scan.started.push(name);
                drain_apart(retired);
            }
            Ok(InstallOutcome::Unchanged) => {}
            Err(refusal) => {
                let code = refusal.reason.code();
                tracing::warn!(target: "plugin", reason = code, "{refusal}");
                let name = self.slots.change(index, |slot| {
                    slot.reject(refusal.clone());
                    slot.name()
                });
                self.telemetry.server().faults().add("plugin_refused", 1);
                self.telemetry.plugins().load_error(&name, code);
                scan.refused.push(refusal);
            }
        }
    }

    /// The file of this slot is gone; if it comes back, the plugin's record goes on.
    pub(super) fn removed(&self, slot: &PluginSlot) {
        let mut records = self.records.lock();
        records.insert(slot.name(), slot.record.clone());
    }

    fn try_install(
        &self,
        options: &Options,
        index: usize,
        verified: Verified,
        again: bool,
    ) -> Result<InstallOutcome, Refusal> {
        let slots = &self.slots;
        let name = verified.metadata.name.clone();
        let sha256 = verified.sha256_hex();
        let before = slots.get(index);
        let same_file = before.serving.is_some() && before.sha256.as_deref() == Some(&sha256);
        slots.change(index, |slot| {
            slot.metadata = Some(Arc::new(verified.metadata.clone()));
            slot.sha256 = Some(sha256);
            slot.fingerprint = slot.look();
        });
        let enter = |phase| {
            slots.change(index, |slot| slot.enter(phase));
            Ok(InstallOutcome::Unchanged)
        };
        let now = slots.all();
        // A name that was switched off stays off, whichever other file carries it.
        let is_off =
            |slot: &Arc<PluginSlot>| slot.phase == SlotPhase::Disabled && slot.is_called(&name);
        let off = options.is_off(&name) || before.serving.is_none() && now.iter().any(is_off);
        if off && !again {
            return enter(SlotPhase::Disabled);
        }
        let config = config_file::read(
            &config_file::path(&before.candidate.folder, &name),
            verified.metadata.schema.as_ref(),
            options.plugins().insecure_permissions,
        )?;
        let serving = before.serving.as_ref();
        if same_file && !again && serving.is_some_and(|serving| serving.config == config) {
            // Whatever was wrong with its files is mended.
            slots.change(index, |slot| slot.last_refusal = None);
            return Ok(InstallOutcome::Unchanged);
        }
        if let Some(phase) = stands_back(&now, index, &name)? {
            return enter(phase);
        }
        let start = StartRequest {
            name: &name,
            record: self.record(index, &name),
            trusted: before.bundled && verified.pinned,
            bundled: before.bundled,
            config,
        };
        let serving = self.starter.start(options, verified, start)?;
        let retired = self.swap(options, index, serving)?;
        Ok(InstallOutcome::Started(name, retired))
    }

    /// What is kept under a plugin's name, which a file takes over that was never loaded itself.
    fn record(&self, index: usize, name: &str) -> Arc<PluginRecord> {
        let kept = self.records.lock().remove(name);
        self.slots.change(index, |slot| {
            if slot.record.generation() == 0 {
                slot.record = kept.unwrap_or_else(|| {
                    let faults = self.telemetry.server().faults();
                    PluginRecord::new(name, faults.clone())
                });
            }
            slot.record.clone()
        })
    }

    /// Puts the new generation in the place of the old one, if its routes are free; gives what is to be
    /// drained.
    fn swap(
        &self,
        options: &Options,
        index: usize,
        serving: ServingGeneration,
    ) -> Result<Vec<Arc<Running>>, Refusal> {
        let running = serving.running.clone();
        let name = &running.origin().metadata.name;
        let contender = StartedGeneration {
            index,
            running: &running,
            trusted: serving.trusted,
        };
        let slots = self.slots.all();
        let (owners, mut claims) = self.in_service.claims(&slots, options, Some(&contender));
        let refused = std::mem::take(&mut claims.refused).into_iter();
        let mut refused: HashMap<usize, Refusal> =
            refused.map(|(at, refusal)| (owners[at], refusal)).collect();
        let own = refused.remove(&index).map_or(Ok(()), Err);
        if let Err(refusal) = claims::check(&running, &options.program.host_paths).and(own) {
            // It has served nobody, so this takes no longer than its stop hook.
            let _ = running.drain();
            return Err(refusal);
        }
        let rank = slots[index].rank();
        let gives_way = |slot: &PluginSlot| slot.is_called(name) && slot.rank() > rank;
        let changes =
            |at, slot: &PluginSlot| at == index || refused.contains_key(&at) || gives_way(slot);
        let mut serving = Some(serving);
        let mut others_left = false;
        let retired = self.slots.change_where(changes, |at, slot| {
            let retired = slot.retire();
            if at == index {
                slot.serving = serving.take();
                slot.last_refusal = None;
                slot.enter(SlotPhase::Serving);
                slot.since = SystemTime::now();
                return retired;
            }
            others_left |= retired.is_some();
            if let Some(refusal) = refused.get(&at) {
                slot.reject(refusal.clone());
            }
            if gives_way(slot) && slot.bundled {
                slot.enter(SlotPhase::Superseded);
            } else {
                slot.enter(SlotPhase::Rejected);
            }
            retired
        });
        let slots = self.slots.all();
        if others_left {
            self.in_service.publish(&slots, options);
        } else {
            self.in_service.put_in_force(claims, &slots, options);
        }
        Ok(retired.into_iter().flatten().collect())
    }
}

/// Whether another plugin of this name goes before the file of slot `index`, which is where it stands
/// then.
fn stands_back(
    slots: &[Arc<PluginSlot>],
    index: usize,
    name: &str,
) -> Result<Option<SlotPhase>, Refusal> {
    let own = &slots[index];
    let same_name = |other: &&Arc<PluginSlot>| {
        other.serving.is_some() && other.is_called(name) && other.candidate != own.candidate
    };
    let mut others = slots.iter().filter(same_name);
    match others.find(|other| other.rank() < own.rank()) {
        None => Ok(None),
        Some(_) if own.bundled => Ok(Some(SlotPhase::Superseded)),
        Some(first) => {
            let text = format!(
                "plugin {name} is loaded from {} already; rename or remove one of them",
                first.path().display()
            );
            Err(Refusal::new(Reason::DuplicateName, text).at(&own.path()))
        }
    }
}
