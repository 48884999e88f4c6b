//! The process of an isolated plugin as the host remembers it, over all its starts and generations.
//!
//! Who starts and ends processes tells what happened; here it is counted, said in the log, and kept
//! for the page and the list of plugins.

use super::budgets::{Budget, Budgets};
use super::house::House;
use parking_lot::Mutex;
use std::collections::BTreeMap;
use std::sync::Weak;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::time::SystemTime;

/// Most words for causes that are told apart; signals have numbers, and there are 64 of them.
const CAUSES_MAX: usize = 80;
/// The cause when there are more.
const OTHER: &str = "other";

/// The cause of a process that went over its memory.
pub(super) const CAUSE_MEMORY: &str = "memory";
/// The cause of a process that the host ended because a call did not come back.
pub(super) const CAUSE_DEADLINE: &str = "deadline";

/// What is known about the processes of one plugin.
pub(super) struct Processes {
    house: Weak<House>,
    /// 0 while there is none.
    pid: AtomicU32,
    starts: AtomicU64,
    crashes: Mutex<Crashes>,
}

#[derive(Default)]
struct Crashes {
    by_cause: BTreeMap<String, u64>,
    last: Option<LastCrash>,
}

/// How a process last ended that should not have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LastCrash {
    /// When.
    pub at: SystemTime,
    /// A word: a signal's name, `exit`, `memory`, `deadline`, ….
    pub cause: String,
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
    pub crashes: Vec<(String, u64)>,
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
    pub(super) fn new(house: Weak<House>) -> Self {
        Self {
            house,
            pid: AtomicU32::new(0),
            starts: AtomicU64::new(0),
            crashes: Mutex::default(),
        }
    }

    /// A process serves; `again` after a crash.
    pub(super) fn started(&self, plugin: &str, pid: u32, again: bool) {
        self.pid.store(pid, Ordering::Relaxed);
        if again {
            self.starts.fetch_add(1, Ordering::Relaxed);
            tracing::info!(target: "plugin", plugin, pid, "its process was started again");
        } else {
            tracing::debug!(target: "plugin", plugin, pid, "its process was started");
        }
    }

    /// The process `pid` has ended as it should.
    pub(super) fn ended(&self, pid: u32) {
        // A new generation may have put its own there already.
        let _ = self
            .pid
            .compare_exchange(pid, 0, Ordering::Relaxed, Ordering::Relaxed);
    }

    /// The process ended and should not have.
    pub(super) fn crashed(&self, plugin: &str, cause: &str, text: &str, budgets: &Budgets) {
        self.pid.store(0, Ordering::Relaxed);
        tracing::warn!(target: "plugin", plugin, cause, "its process crashed: {text}");
        {
            let mut crashes = self.crashes.lock();
            let known = crashes.by_cause.contains_key(cause);
            let cause = if known || crashes.by_cause.len() < CAUSES_MAX {
                cause
            } else {
                OTHER
            };
            *crashes.by_cause.entry(cause.to_owned()).or_default() += 1;
            crashes.last = Some(LastCrash {
                at: SystemTime::now(),
                cause: cause.to_owned(),
                text: text.to_owned(),
            });
        }
        match cause {
            // Counted as that fault with the budget.
            CAUSE_MEMORY => budgets.exceed(Budget::Memory),
            CAUSE_DEADLINE => self.fault("plugin_killed"),
            _ => self.fault("plugin_crash"),
        }
    }

    fn fault(&self, kind: &'static str) {
        if let Some(house) = self.house.upgrade() {
            house.faults(kind, 1);
        }
    }

    /// How it does now.
    pub(super) fn status(&self) -> ProcessStatus {
        let pid = Some(self.pid.load(Ordering::Relaxed)).filter(|&pid| pid > 0);
        let crashes = self.crashes.lock();
        ProcessStatus {
            pid,
            restarts: self.starts.load(Ordering::Relaxed),
            crashes: crashes
                .by_cause
                .iter()
                .map(|(cause, times)| (cause.clone(), *times))
                .collect(),
            last_crash: crashes.last.clone(),
            memory_bytes: pid.and_then(resident_bytes),
        }
    }
}

/// The memory that a process holds, or nothing when it is gone.
fn resident_bytes(pid: u32) -> Option<u64> {
    let statm = std::fs::read_to_string(format!("/proc/{pid}/statm")).ok()?;
    let pages: u64 = statm.split_ascii_whitespace().nth(1)?.parse().ok()?;
    Some(pages * rustix::param::page_size() as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn crashes_are_counted_by_cause_and_a_start_after_one_is_a_restart() {
        let processes = Processes::new(Weak::new());
        let budgets = Budgets::new(Weak::new());
        let own = std::process::id();
        processes.started("drift", own, false);
        let status = processes.status();
        assert_eq!((status.pid, status.restarts), (Some(own), 0));
        assert!(status.memory_bytes.is_some_and(|bytes| bytes > 4096));
        processes.crashed("drift", "SIGSEGV", "it died of SIGSEGV", &budgets);
        processes.crashed("drift", CAUSE_MEMORY, "it wanted too much", &budgets);
        processes.started("drift", own, true);
        processes.ended(own + 1);
        let status = processes.status();
        assert_eq!((status.pid, status.restarts), (Some(own), 1));
        assert_eq!(
            status.crashes,
            [("SIGSEGV".to_owned(), 1), ("memory".to_owned(), 1)]
        );
        assert_eq!(status.crashes_in_all(), 2);
        assert_eq!(budgets.exceeded(Budget::Memory), 1);
        let last = status.last_crash.expect("there was one");
        assert_eq!(
            (last.cause.as_str(), last.text.as_str()),
            ("memory", "it wanted too much")
        );
        processes.ended(own);
        assert_eq!(processes.status().pid, None);
    }
}
