//! What a plugin may spend, and how often it asked for more.
//!
//! Over budget means refused and counted, never a slow host. The counts belong to the plugin's name:
//! they go on over generations. The first time in a while is worth a line in the log, the others are
//! not; all of them are on the page and in the list of plugins.

use super::budget::{Budget, BudgetWords};
use meterbox_metrics::{Reason, Source};
use meterbox_plugin_loader::running::{Counts, RejectReason};
use meterbox_telemetry::server::FaultCounters;
use parking_lot::Mutex;
use std::collections::HashSet;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// Reasons of the store that mean a series was refused for want of room.
const SERIES_LIMITS: &[Reason] = &[
    Reason::MetricLimit,
    Reason::SourceLimit,
    Reason::TotalLimit,
    Reason::NoCells,
];
/// So long without being over budget makes the next time news.
const NEWS_AFTER: Duration = Duration::from_secs(60);

/// The counts of one plugin.
pub(crate) struct Budgets {
    plugin: String,
    faults: FaultCounters,
    over: [OverBudget; Budget::ALL.len()],
    /// Names it registered.
    families: Mutex<HashSet<String>>,
    /// Openings of its breaker and panics that were counted as faults.
    openings: AtomicU64,
    panics: AtomicU64,
}

#[derive(Default)]
struct OverBudget {
    times: AtomicU64,
    last: Mutex<Option<Instant>>,
}

impl Budgets {
    /// Those of the plugin of this name, which are faults as well.
    pub(crate) fn new(plugin: &str, faults: FaultCounters) -> Self {
        Self {
            plugin: plugin.to_owned(),
            faults,
            over: Default::default(),
            families: Mutex::default(),
            openings: AtomicU64::new(0),
            panics: AtomicU64::new(0),
        }
    }

    /// Whose they are.
    pub(crate) fn plugin(&self) -> &str {
        &self.plugin
    }

    /// The server survived a fault of this kind.
    pub(crate) fn fault(&self, kind: &'static str) {
        self.faults.add(kind, 1);
    }

    /// It asked for more than it may have.
    pub(crate) fn exceed(&self, budget: Budget) {
        self.add(budget, 1);
    }

    /// An answer of it could not be passed on.
    pub(crate) fn bad_answer(&self) {
        self.fault("plugin_reply");
    }

    fn add(&self, budget: Budget, times: u64) {
        let over = &self.over[budget as usize];
        let total = over.times.fetch_add(times, Ordering::Relaxed) + times;
        self.faults.add(budget.fault(), times);
        if over.is_news(Instant::now()) {
            let BudgetWords { name, advice, .. } = budget.words();
            let plugin = self.plugin.as_str();
            tracing::warn!(
                target: "plugin", plugin, budget = name,
                "over its budget of {name} ({total} times so far); {advice} or mend the plugin"
            );
        }
    }

    /// Something else counts how often it asked for more: `total` times by now.
    pub(crate) fn observe(&self, budget: Budget, total: u64) {
        let known = self.exceeded(budget);
        if total > known {
            self.add(budget, total - known);
        }
    }

    /// The loader's totals by now; what is new in them are faults, too.
    pub(crate) fn observe_counts(&self, counts: &Counts) {
        let rejected = |reason: RejectReason| counts.rejects[reason as usize];
        self.observe(Budget::Queue, rejected(RejectReason::QueueFull));
        self.observe(Budget::Threads, rejected(RejectReason::NoThread));
        let openings = self.openings.swap(counts.openings, Ordering::Relaxed);
        let panics = self.panics.swap(counts.panics, Ordering::Relaxed);
        let opened = counts.openings.saturating_sub(openings);
        self.faults.add("plugin_breaker_open", opened);
        let panicked = counts.panics.saturating_sub(panics);
        self.faults.add("plugin_panic", panicked);
    }

    /// What the store refused of it.
    pub(crate) fn observe_drops(&self, source: &Source) {
        let refused = SERIES_LIMITS.iter().map(|&reason| source.drops(reason));
        self.observe(Budget::Series, refused.sum());
        self.observe(Budget::LabelBytes, source.drops(Reason::ValueTooLong));
    }

    /// How often it asked for more.
    pub(crate) fn exceeded(&self, budget: Budget) -> u64 {
        self.over[budget as usize].times.load(Ordering::Relaxed)
    }

    /// Whether it may register a family of this name; if not, that is counted.
    pub(crate) fn may_register(&self, name: &str, max: usize) -> bool {
        let families = self.families.lock();
        let may = families.contains(name) || families.len() < max;
        drop(families);
        if !may {
            self.exceed(Budget::Families);
        }
        may
    }

    /// It has registered a family of this name.
    pub(crate) fn registered(&self, name: &str) {
        let mut families = self.families.lock();
        if !families.contains(name) {
            families.insert(name.to_owned());
        }
    }

    /// Families that it registered.
    pub(crate) fn families(&self) -> usize {
        self.families.lock().len()
    }
}

impl OverBudget {
    fn is_news(&self, now: Instant) -> bool {
        let before = self.last.lock().replace(now);
        before.is_none_or(|before| now.saturating_duration_since(before) >= NEWS_AFTER)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_first_time_in_a_while_is_news() {
        let over = OverBudget::default();
        let begin = Instant::now();
        let at = |seconds| begin + Duration::from_secs(seconds);
        assert!(over.is_news(at(0)));
        assert!(!over.is_news(at(59)));
        assert!(!over.is_news(at(118)), "it never stopped");
        assert!(over.is_news(at(178)));
    }

    #[test]
    fn what_others_count_is_taken_over_and_never_goes_back() {
        let budgets = Budgets::new("drift", FaultCounters::default());
        budgets.observe(Budget::Queue, 3);
        budgets.observe(Budget::Queue, 2);
        budgets.exceed(Budget::Timers);
        assert_eq!(budgets.exceeded(Budget::Queue), 3);
        assert_eq!(budgets.exceeded(Budget::Timers), 1);
    }

    #[test]
    fn a_family_counts_once_and_one_too_many_is_counted() {
        let budgets = Budgets::new("drift", FaultCounters::default());
        for name in ["a", "b", "a"] {
            assert!(budgets.may_register(name, 2));
            budgets.registered(name);
        }
        assert!(!budgets.may_register("c", 2));
        assert_eq!(budgets.exceeded(Budget::Families), 1);
        assert_eq!(budgets.families(), 2);
    }
}
