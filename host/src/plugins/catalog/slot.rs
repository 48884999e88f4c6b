//! One plugin file as the catalog remembers it, over all generations that were loaded from it.

use crate::plugins::budgets::Budgets;
use crate::plugins::process::processes::Processes;
use crate::plugins::served::house::House;
use crate::plugins::served::services::Services;
use crate::plugins::served::subscription::Subscription;
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
pub(in crate::plugins) struct Fingerprint {
    library: FileMark,
    config: FileMark,
    lock: FileMark,
}

/// Inode, size and time of change (of content or permissions) in nanoseconds; zeros for a file that
/// is not there.
type FileMark = (u64, u64, i128);

impl Fingerprint {
    /// Looks at a library, at the configuration beside it and at the lock file it may be pinned in.
    pub(in crate::plugins) fn of(
        library: &Path,
        config: Option<&Path>,
        lock: Option<&Path>,
    ) -> Self {
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
pub(in crate::plugins) struct Slot {
    pub(in crate::plugins) candidate: Candidate,
    /// The lock file that holds for it.
    pub(in crate::plugins) lock: PathBuf,
    pub(in crate::plugins) bundled: bool,
    /// Its last loaded version was shipped with the host and pinned in its lock file.
    pub(in crate::plugins) trusted: bool,
    pub(in crate::plugins) fingerprint: Fingerprint,
    /// What its last readable version said about itself.
    pub(in crate::plugins) metadata: Option<Metadata>,
    pub(in crate::plugins) sha256: Option<String>,
    pub(in crate::plugins) config: String,
    pub(in crate::plugins) standing: Standing,
    pub(in crate::plugins) since: SystemTime,
    /// Counts loads of this file; 0 before the first.
    pub(in crate::plugins) generation: u64,
    pub(in crate::plugins) running: Option<Arc<Running>>,
    pub(in crate::plugins) services: Option<Arc<Services>>,
    /// Who keeps its process alive, if it has one of its own.
    pub(in crate::plugins) isolated: Option<Arc<Isolated>>,
    pub(in crate::plugins) last_refusal: Option<Refusal>,
    pub(in crate::plugins) tally: Arc<Tally>,
    pub(in crate::plugins) budgets: Arc<Budgets>,
    pub(in crate::plugins) processes: Arc<Processes>,
    /// The events it is given.
    pub(in crate::plugins) subscription: Option<Arc<Subscription>>,
    /// How often it was loaded into this process.
    pub(in crate::plugins) loads: u64,
    /// Bytes of all its libraries, which stay mapped.
    pub(in crate::plugins) mapped_bytes: u64,
    /// Whose its series are.
    pub(in crate::plugins) source: Option<Source>,
}

/// What outlives the removal of a file: counters never go back, and a library stays mapped.
#[derive(Clone)]
pub(in crate::plugins) struct History {
    generation: u64,
    loads: u64,
    mapped_bytes: u64,
    tally: Arc<Tally>,
    budgets: Arc<Budgets>,
    processes: Arc<Processes>,
}

/// Why a file has, or has not, a generation in service.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::plugins) enum Standing {
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
    pub(in crate::plugins) fn new(
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

    pub(in crate::plugins) fn history(&self) -> History {
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
    pub(in crate::plugins) fn resume(&mut self, history: History) {
        if self.generation == 0 {
            self.generation = history.generation;
            self.loads = history.loads;
            self.mapped_bytes = history.mapped_bytes;
            self.tally = history.tally;
            self.budgets = history.budgets;
            self.processes = history.processes;
        }
    }

    pub(in crate::plugins) fn path(&self) -> PathBuf {
        self.candidate.path()
    }

    pub(in crate::plugins) fn file_name(&self) -> String {
        self.candidate.file_name.to_string_lossy().into_owned()
    }

    /// The plugin's name, or the file's without its ending while nothing better is known.
    pub(in crate::plugins) fn name(&self) -> String {
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
    pub(in crate::plugins) fn look(&self) -> Fingerprint {
        let config = self.metadata.as_ref();
        let config = config.map(|metadata| {
            crate::plugins::options::config_file::path(&self.candidate.folder, &metadata.name)
        });
        Fingerprint::of(&self.path(), config.as_deref(), Some(&self.lock))
    }

    /// Whether [`Slot::name`] is `name`, for looks at every slot.
    pub(in crate::plugins) fn is_called(&self, name: &str) -> bool {
        match &self.metadata {
            Some(metadata) => metadata.name == name,
            None => self.name() == name,
        }
    }

    /// Before bundled ones, by file name, by path: who comes first has the first claim.
    pub(in crate::plugins) fn rank(&self) -> (bool, String, PathBuf) {
        (self.bundled, self.file_name(), self.path())
    }

    pub(in crate::plugins) fn stand(&mut self, standing: Standing) {
        if self.standing != standing {
            self.standing = standing;
            self.since = SystemTime::now();
        }
    }

    pub(in crate::plugins) fn reject(&mut self, refusal: Refusal) {
        // A generation that serves goes on; only the error is kept.
        if self.running.is_none() {
            self.stand(Standing::Rejected);
        }
        self.last_refusal = Some(refusal);
    }

    pub(in crate::plugins) fn state(&self) -> State {
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
