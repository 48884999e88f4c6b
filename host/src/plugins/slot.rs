//! One plugin file as the catalog remembers it, over all generations that were loaded from it.

use super::budgets::Budgets;
use super::events::Subscription;
use super::house::House;
use super::process::Processes;
use super::services::Services;
use meterbox_metrics::Source;
use meterbox_plugin_loader::Refusal;
use meterbox_plugin_loader::file::{Candidate, Metadata};
use meterbox_plugin_loader::running::{Running, State, Tally};
use meterbox_plugin_process::parent::Isolated;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::SystemTime;

/// What tells two versions of a file apart without reading it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Fingerprint {
    library: FileMark,
    config: FileMark,
    lock: FileMark,
}

/// Inode, size and time of change (of content or permissions) in nanoseconds; zeros for a file that
/// is not there.
type FileMark = (u64, u64, i128);

impl Fingerprint {
    /// Looks at a library, at the configuration beside it and at the lock file it may be pinned in.
    pub(super) fn of(library: &Path, config: Option<&Path>, lock: Option<&Path>) -> Self {
        let maybe = |path: Option<&Path>| path.map_or((0, 0, 0), mark);
        Self {
            library: mark(library),
            config: maybe(config),
            lock: maybe(lock),
        }
    }
}

fn mark(path: &Path) -> FileMark {
    std::fs::symlink_metadata(path).map_or((0, 0, 0), |metadata| {
        let changed =
            i128::from(metadata.ctime()) * 1_000_000_000 + i128::from(metadata.ctime_nsec());
        (metadata.ino(), metadata.len(), changed)
    })
}

/// One file.
pub(super) struct Slot {
    pub(super) candidate: Candidate,
    /// The lock file that holds for it.
    pub(super) lock: PathBuf,
    pub(super) bundled: bool,
    /// Its last loaded version was shipped with the host and pinned in its lock file.
    pub(super) trusted: bool,
    pub(super) fingerprint: Fingerprint,
    /// What its last readable version said about itself.
    pub(super) metadata: Option<Metadata>,
    pub(super) sha256: Option<String>,
    pub(super) config: String,
    pub(super) standing: Standing,
    pub(super) since: SystemTime,
    /// Counts loads of this file; 0 before the first.
    pub(super) generation: u64,
    pub(super) running: Option<Arc<Running>>,
    pub(super) services: Option<Arc<Services>>,
    /// Who keeps its process alive, if it has one of its own.
    pub(super) isolated: Option<Arc<Isolated>>,
    pub(super) last_refusal: Option<Refusal>,
    pub(super) tally: Arc<Tally>,
    pub(super) budgets: Arc<Budgets>,
    pub(super) processes: Arc<Processes>,
    /// The events it is given.
    pub(super) subscription: Option<Arc<Subscription>>,
    /// How often it was loaded into this process.
    pub(super) loads: u64,
    /// Bytes of all its libraries, which stay mapped.
    pub(super) mapped_bytes: u64,
    /// Whose its series are.
    pub(super) source: Option<Source>,
}

/// What outlives the removal of a file: counters never go back, and a library stays mapped.
#[derive(Clone)]
pub(super) struct History {
    generation: u64,
    loads: u64,
    mapped_bytes: u64,
    tally: Arc<Tally>,
    budgets: Arc<Budgets>,
    processes: Arc<Processes>,
}

/// Why a file has, or has not, a generation in service.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Standing {
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

impl Slot {
    pub(super) fn new(
        candidate: Candidate,
        bundled: bool,
        lock: PathBuf,
        house: &Arc<House>,
    ) -> Self {
        let fingerprint = Fingerprint::of(&candidate.path(), None, Some(&lock));
        Self {
            candidate,
            lock,
            bundled,
            trusted: false,
            fingerprint,
            metadata: None,
            sha256: None,
            config: String::new(),
            standing: Standing::New,
            since: SystemTime::now(),
            generation: 0,
            running: None,
            services: None,
            isolated: None,
            last_refusal: None,
            tally: Arc::default(),
            budgets: Arc::new(Budgets::new(Arc::downgrade(house))),
            processes: Arc::new(Processes::new(Arc::downgrade(house))),
            subscription: None,
            loads: 0,
            mapped_bytes: 0,
            source: None,
        }
    }

    pub(super) fn history(&self) -> History {
        let Self {
            generation,
            loads,
            mapped_bytes,
            tally,
            budgets,
            processes,
            ..
        } = self;
        History {
            generation: *generation,
            loads: *loads,
            mapped_bytes: *mapped_bytes,
            tally: tally.clone(),
            budgets: budgets.clone(),
            processes: processes.clone(),
        }
    }

    /// Goes on where a file of the same plugin ended.
    pub(super) fn resume(&mut self, history: History) {
        if self.generation == 0 {
            self.generation = history.generation;
            self.loads = history.loads;
            self.mapped_bytes = history.mapped_bytes;
            self.tally = history.tally;
            self.budgets = history.budgets;
            self.processes = history.processes;
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
            None => self
                .path()
                .file_stem()
                .unwrap_or_default()
                .to_string_lossy()
                .into_owned(),
        }
    }

    /// The fingerprint that its files have now.
    pub(super) fn look(&self) -> Fingerprint {
        let config = self.metadata.as_ref();
        let config =
            config.map(|metadata| super::config_file::path(&self.candidate.folder, &metadata.name));
        Fingerprint::of(&self.path(), config.as_deref(), Some(&self.lock))
    }

    /// Whether [`Slot::name`] is `name`, for looks at every slot.
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

    pub(super) fn stand(&mut self, standing: Standing) {
        if self.standing != standing {
            self.standing = standing;
            self.since = SystemTime::now();
        }
    }

    pub(super) fn reject(&mut self, refusal: Refusal) {
        // A generation that serves goes on; only the error is kept.
        if self.running.is_none() {
            self.stand(Standing::Rejected);
        }
        self.last_refusal = Some(refusal);
    }

    pub(super) fn state(&self) -> State {
        match (&self.running, self.standing) {
            (Some(running), _) => running.state(),
            (None, Standing::New) => State::Discovered,
            (None, Standing::Serving) => State::Stopped,
            (None, Standing::Rejected) => State::Rejected,
            (None, Standing::Disabled) => State::Disabled,
            (None, Standing::Superseded) => State::Superseded,
        }
    }
}
