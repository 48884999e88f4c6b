//! One plugin file as the catalog remembers it.

use super::fingerprint::Fingerprint;
use super::record::PluginRecord;
use crate::options::config_file;
use crate::process::processes::ProcessStatus;
use crate::served::services::Services;
use crate::served::subscription::Subscription;
use meterbox_plugin_files::{Candidate, Metadata, Refusal};
use meterbox_plugin_loader::running::{Running, State};
use meterbox_plugin_process::parent::Isolated;
use meterbox_telemetry::server::FaultCounters;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::SystemTime;

/// One file.
#[derive(Clone)]
pub(super) struct PluginSlot {
    pub(super) candidate: Candidate,
    /// The lock file that holds for it.
    pub(super) lock: PathBuf,
    pub(super) bundled: bool,
    pub(super) fingerprint: Fingerprint,
    /// What its last readable version said about itself.
    pub(super) metadata: Option<Arc<Metadata>>,
    pub(super) sha256: Option<String>,
    pub(super) phase: SlotPhase,
    pub(super) since: SystemTime,
    pub(super) last_refusal: Option<Refusal>,
    pub(super) serving: Option<ServingGeneration>,
    /// What is kept under its plugin's name.
    pub(super) record: Arc<PluginRecord>,
}

/// The generation of a file that is in service.
#[derive(Clone)]
pub(super) struct ServingGeneration {
    pub(super) running: Arc<Running>,
    pub(super) services: Arc<Services>,
    /// Who keeps its process alive, if it has one of its own.
    pub(super) isolated: Option<Arc<Isolated>>,
    /// The events it is given, if it listens.
    pub(super) subscription: Option<Arc<Subscription>>,
    pub(super) config: String,
    /// Whether it was shipped with the host and pinned in its lock file.
    pub(super) trusted: bool,
}

/// Why a file has, or has not, a generation in service.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum SlotPhase {
    /// Not looked at yet.
    New,
    /// In service.
    Serving,
    /// Refused; the reason is the last refusal.
    Rejected,
    /// Kept out by configuration or an operator.
    Disabled,
    /// A user's plugin has its name or all its routes.
    Superseded,
}

impl PluginSlot {
    pub(super) fn new(
        candidate: Candidate,
        bundled: bool,
        lock: PathBuf,
        faults: FaultCounters,
    ) -> Self {
        let fingerprint = Fingerprint::of(&candidate.path(), None, &lock);
        let record = PluginRecord::new(&stem(&candidate), faults);
        Self {
            candidate,
            lock,
            bundled,
            fingerprint,
            metadata: None,
            sha256: None,
            phase: SlotPhase::New,
            since: SystemTime::now(),
            last_refusal: None,
            serving: None,
            record,
        }
    }

    pub(super) fn path(&self) -> PathBuf {
        self.candidate.path()
    }

    pub(super) fn file_name(&self) -> String {
        self.candidate.file_name.to_string_lossy().into_owned()
    }

    /// The plugin's name, or the file's without its ending while nothing better is known.
    pub(super) fn name(&self) -> String {
        match &self.metadata {
            Some(metadata) => metadata.name.clone(),
            None => stem(&self.candidate),
        }
    }

    /// The fingerprint that its files have now.
    pub(super) fn look(&self) -> Fingerprint {
        let folder = &self.candidate.folder;
        let metadata = self.metadata.as_ref();
        let config = metadata.map(|metadata| config_file::path(folder, &metadata.name));
        Fingerprint::of(&self.path(), config.as_deref(), &self.lock)
    }

    pub(super) fn running(&self) -> Option<&Arc<Running>> {
        self.serving.as_ref().map(|serving| &serving.running)
    }

    /// Its process, if it has one of its own.
    pub(super) fn process(&self) -> Option<ProcessStatus> {
        let isolated = self.serving.as_ref()?.isolated.as_ref()?;
        Some(self.record.processes.status(isolated))
    }

    /// Takes its generation out of service; it has to be drained.
    pub(super) fn retire(&mut self) -> Option<Arc<Running>> {
        let serving = self.serving.take()?;
        serving.services.close();
        Some(serving.running)
    }

    /// Whether [`PluginSlot::name`] is `name`, for looks at every slot.
    pub(super) fn is_called(&self, name: &str) -> bool {
        match &self.metadata {
            Some(metadata) => metadata.name == name,
            None => self.name() == name,
        }
    }

    /// Before bundled ones, by file name, by path: who comes first has the first claim.
    pub(super) fn rank(&self) -> (bool, String, PathBuf) {
        (self.bundled, self.file_name(), self.path())
    }

    pub(super) fn enter(&mut self, phase: SlotPhase) {
        if self.phase != phase {
            self.phase = phase;
            self.since = SystemTime::now();
        }
    }

    pub(super) fn reject(&mut self, refusal: Refusal) {
        // A generation that serves goes on; only the error is kept.
        if self.serving.is_none() {
            self.enter(SlotPhase::Rejected);
        }
        self.last_refusal = Some(refusal);
    }

    pub(super) fn state(&self) -> State {
        match (self.running(), self.phase) {
            (Some(running), _) => running.state(),
            (None, SlotPhase::New) => State::Discovered,
            (None, SlotPhase::Serving) => State::Stopped,
            (None, SlotPhase::Rejected) => State::Rejected,
            (None, SlotPhase::Disabled) => State::Disabled,
            (None, SlotPhase::Superseded) => State::Superseded,
        }
    }
}

/// A file's name without its ending.
fn stem(candidate: &Candidate) -> String {
    let path = candidate.path();
    let stem = path.file_stem().unwrap_or_default();
    stem.to_string_lossy().into_owned()
}
