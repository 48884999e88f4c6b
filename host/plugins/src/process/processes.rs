//! The process of an isolated plugin as the host remembers it, over all its starts and generations.
//!
//! Who starts and ends processes tells what happened; here it is counted, said in the log, and kept
//! for the page and the list of plugins.

use crate::budgets::budget::Budget;
use crate::budgets::counts::Budgets;
use meterbox_plugin_process::parent::{Cause, Isolated};
use parking_lot::Mutex;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime};

/// What is known about the processes of one plugin.
pub(crate) struct Processes {
    budgets: Arc<Budgets>,
    restarts: AtomicU64,
    crashes: Mutex<CrashCounts>,
}

#[derive(Default)]
struct CrashCounts {
    by_cause: BTreeMap<&'static str, u64>,
    last: Option<LastCrash>,
}

/// How a process last ended that should not have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LastCrash {
    /// When.
    pub at: SystemTime,
    /// A word: a signal's name, `exit`, `memory`, `deadline`, ….
    pub cause: &'static str,
    /// One sentence.
    pub text: String,
}

/// The process of a plugin at one moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProcessStatus {
    /// Its id; none while it is down.
    pub pid: Option<u32>,
    /// How often it was started again after a crash.
    pub restarts: u64,
    /// Crashes by cause.
    pub crashes: Vec<(&'static str, u64)>,
    /// The last one.
    pub last_crash: Option<LastCrash>,
    /// Memory that it holds now, in bytes.
    pub memory_bytes: Option<u64>,
}

impl ProcessStatus {
    /// Crashes of any cause.
    #[must_use]
    pub fn crashes_in_all(&self) -> u64 {
        self.crashes.iter().map(|(_, times)| times).sum()
    }
}

impl Processes {
    /// Those of the plugin of these budgets.
    pub(crate) fn new(budgets: Arc<Budgets>) -> Self {
        Self {
            budgets,
            restarts: AtomicU64::new(0),
            crashes: Mutex::default(),
        }
    }

    /// A process serves after `took`; `again` after a crash.
    pub(crate) fn started(&self, pid: u32, took: Duration, again: bool) {
        let plugin = self.budgets.plugin();
        let took_ms = took.as_millis();
        if again {
            self.restarts.fetch_add(1, Ordering::Relaxed);
            tracing::info!(target: "plugin", plugin, pid, took_ms, "its process was started again");
        } else {
            tracing::debug!(target: "plugin", plugin, pid, took_ms, "its process was started");
        }
    }

    /// The process ended and should not have; `sentence` goes on after "its process".
    pub(super) fn crashed(&self, cause: &Cause, sentence: &str) {
        let plugin = self.budgets.plugin();
        let name = cause.name();
        tracing::warn!(target: "plugin", plugin, cause = name, "its process {sentence}");
        {
            let mut crashes = self.crashes.lock();
            *crashes.by_cause.entry(name).or_default() += 1;
            crashes.last = Some(LastCrash {
                at: SystemTime::now(),
                cause: name,
                text: format!("its process {}", cause.sentence()),
            });
        }
        match cause {
            // Counted as that fault with the budget.
            Cause::Memory => self.budgets.exceed(Budget::Memory),
            cause if cause.is_kill() => self.budgets.fault("plugin_killed"),
            _ => self.budgets.fault("plugin_crash"),
        }
    }

    /// It crashed too often, and gets a trial after `retry`.
    pub(crate) fn quarantined(&self, retry: Duration) {
        let (plugin, seconds) = (self.budgets.plugin(), retry.as_secs_f64());
        tracing::warn!(
            target: "plugin", plugin,
            "quarantined: its process crashed too often; it is tried again in {seconds} s"
        );
    }

    /// Its trial went well.
    pub(super) fn recovered(&self) {
        let plugin = self.budgets.plugin();
        tracing::info!(target: "plugin", plugin, "out of quarantine: its process has lasted");
    }

    /// How it does now; `isolated` has the process in service.
    pub(crate) fn status(&self, isolated: &Isolated) -> ProcessStatus {
        let now = isolated.status();
        let crashes = self.crashes.lock();
        ProcessStatus {
            pid: now.pid,
            restarts: self.restarts.load(Ordering::Relaxed),
            crashes: crashes
                .by_cause
                .iter()
                .map(|(&cause, &times)| (cause, times))
                .collect(),
            last_crash: crashes.last.clone(),
            memory_bytes: now.resident_bytes,
        }
    }

    /// What the last crash was.
    pub(crate) fn last_crash(&self) -> Option<String> {
        self.crashes
            .lock()
            .last
            .as_ref()
            .map(|last| last.text.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use meterbox_telemetry::server::FaultCounters;

    #[test]
    fn crashes_are_counted_by_cause_and_a_start_after_one_is_a_restart() {
        let budgets = Arc::new(Budgets::new("drift", FaultCounters::default()));
        let processes = Processes::new(budgets.clone());
        let took = Duration::from_millis(3);
        processes.started(7, took, false);
        processes.crashed(&Cause::Signal(11), "was killed by SIGSEGV");
        processes.crashed(&Cause::Memory, "ran out of memory");
        processes.started(8, took, true);
        assert_eq!(processes.restarts.load(Ordering::Relaxed), 1);
        let crashes = processes.crashes.lock();
        assert_eq!(
            crashes.by_cause,
            BTreeMap::from([("SIGSEGV", 1), ("memory", 1)])
        );
        drop(crashes);
        assert_eq!(budgets.exceeded(Budget::Memory), 1);
        let last = processes.last_crash();
        assert_eq!(last.as_deref(), Some("its process ran out of memory"));
    }
}
