//! What a plugin may spend, and how often it asked for more.
//!
//! Over budget means refused and counted, never a slow host. The counts belong to the plugin's name:
//! they go on over generations. The first time in a while is worth a line in the log, the others are
//! not; all of them are on the page and in the list of plugins.

use super::served::house::House;
use meterbox_metrics::{DropCount, Reason};
use meterbox_plugin_loader::running::{Counts, RejectReason};
use parking_lot::Mutex;
use std::collections::HashSet;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{OnceLock, Weak};
use std::time::{Duration, Instant};

/// Reasons of the store that mean a series was refused for want of room.
pub(in crate::plugins) const SERIES_LIMITS: &[Reason] = &[
    Reason::MetricLimit,
    Reason::SourceLimit,
    Reason::TotalLimit,
    Reason::NoCells,
];
/// So long without being over budget makes the next time news.
const NEWS_AFTER: Duration = Duration::from_secs(60);

/// What a plugin has a budget of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Budget {
    /// Time of one call.
    CallTime,
    /// Threads that serve it.
    Threads,
    /// Calls that wait.
    Queue,
    /// Series in the store or shown.
    Series,
    /// Families registered or shown.
    Families,
    /// Labels of one family.
    Labels,
    /// Length of a label's value.
    LabelBytes,
    /// Length of an answer.
    ReplyBytes,
    /// Lines in the log.
    LogLines,
    /// Timers at a time.
    Timers,
    /// Memory of its process.
    Memory,
}

/// The words of one budget.
#[derive(Debug, Clone, Copy)]
pub struct BudgetWords {
    /// The budget.
    pub budget: Budget,
    /// Its name in JSON and in the label `budget`.
    pub name: &'static str,
    /// What its numbers count.
    pub unit: &'static str,
    /// What can be done, as the end of a sentence.
    advice: &'static str,
}

const fn words(
    budget: Budget,
    name: &'static str,
    unit: &'static str,
    advice: &'static str,
) -> BudgetWords {
    BudgetWords {
        budget,
        name,
        unit,
        advice,
    }
}

impl Budget {
    /// Every budget with its words, in the order of the enum.
    pub const ALL: [BudgetWords; 11] = [
        words(
            Self::CallTime,
            "call_time",
            "ms",
            "raise plugin_deadline_ms, or plugin_scrape_deadline_ms for its routes on the metrics listener",
        ),
        words(Self::Threads, "threads", "threads", "raise plugin_threads"),
        words(Self::Queue, "queue", "calls", "raise plugin_queue"),
        words(
            Self::Series,
            "series",
            "series",
            "raise series_per_plugin_max",
        ),
        words(
            Self::Families,
            "families",
            "metrics",
            "raise plugin_families_max",
        ),
        words(Self::Labels, "labels", "labels", "use fewer labels"),
        words(
            Self::LabelBytes,
            "label_bytes",
            "bytes",
            "use shorter values",
        ),
        words(
            Self::ReplyBytes,
            "reply_bytes",
            "bytes",
            "raise plugin_reply_bytes_max",
        ),
        words(
            Self::LogLines,
            "log_lines",
            "lines/s",
            "raise plugin_log_lines_max",
        ),
        words(Self::Timers, "timers", "timers", "use fewer timers"),
        words(
            Self::Memory,
            "memory",
            "bytes",
            "raise plugin_memory_bytes_max",
        ),
    ];

    /// Its words.
    #[must_use]
    pub fn words(self) -> &'static BudgetWords {
        &Self::ALL[self as usize]
    }

    /// The kind of fault as which the server counts it.
    fn fault(self) -> &'static str {
        match self {
            Self::CallTime => "plugin_timeout",
            Self::ReplyBytes => "plugin_reply",
            Self::Memory => "plugin_memory",
            _ => "plugin_over_budget",
        }
    }
}

/// One budget of one plugin at one moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BudgetStatus {
    /// Which one.
    pub budget: Budget,
    /// The most; none where nothing limits it.
    pub limit: Option<u64>,
    /// How much is used now; none where that is not known.
    pub used: Option<u64>,
    /// How often more was asked for.
    pub exceeded: u64,
}

/// The counts of one plugin.
pub(in crate::plugins) struct Budgets {
    plugin: OnceLock<String>,
    house: Weak<House>,
    over: [Over; Budget::ALL.len()],
    /// Names it registered.
    families: Mutex<HashSet<String>>,
    /// Openings of its breaker and panics that were counted as faults.
    openings: AtomicU64,
    panics: AtomicU64,
}

#[derive(Default)]
struct Over {
    times: AtomicU64,
    last: Mutex<Option<Instant>>,
}

impl Budgets {
    pub(in crate::plugins) fn new(house: Weak<House>) -> Self {
        Self {
            plugin: OnceLock::new(),
            house,
            over: Default::default(),
            families: Mutex::default(),
            openings: AtomicU64::new(0),
            panics: AtomicU64::new(0),
        }
    }

    /// The plugin's name is known now.
    pub(in crate::plugins) fn belong_to(&self, plugin: &str) {
        self.plugin.get_or_init(|| plugin.to_owned());
    }

    /// It asked for more than it may have.
    pub(in crate::plugins) fn exceed(&self, budget: Budget) {
        self.add(budget, 1);
    }

    /// An answer of it could not be passed on.
    pub(in crate::plugins) fn bad_answer(&self) {
        if let Some(house) = self.house.upgrade() {
            house.faults("plugin_reply", 1);
        }
    }

    fn add(&self, budget: Budget, times: u64) {
        let over = &self.over[budget as usize];
        let total = over.times.fetch_add(times, Ordering::Relaxed) + times;
        if let Some(house) = self.house.upgrade() {
            house.faults(budget.fault(), times);
        }
        if over.is_news(Instant::now()) {
            let BudgetWords { name, advice, .. } = budget.words();
            let plugin = self.plugin.get().map_or("?", String::as_str);
            tracing::warn!(
                target: "plugin", plugin, budget = name,
                "over its budget of {name} ({total} times so far); {advice} or mend the plugin"
            );
        }
    }

    /// Something else counts how often it asked for more: `total` times by now.
    pub(in crate::plugins) fn observe(&self, budget: Budget, total: u64) {
        let known = self.exceeded(budget);
        if total > known {
            self.add(budget, total - known);
        }
    }

    /// The loader's totals by now; what is new in them are faults, too.
    pub(in crate::plugins) fn observe_counts(&self, counts: &Counts) {
        let rejected = |reason: RejectReason| counts.rejects[reason as usize];
        self.observe(Budget::Queue, rejected(RejectReason::QueueFull));
        self.observe(Budget::Threads, rejected(RejectReason::NoThread));
        let openings = self.openings.swap(counts.openings, Ordering::Relaxed);
        let panics = self.panics.swap(counts.panics, Ordering::Relaxed);
        if let Some(house) = self.house.upgrade() {
            house.faults(
                "plugin_breaker_open",
                counts.openings.saturating_sub(openings),
            );
            house.faults("plugin_panic", counts.panics.saturating_sub(panics));
        }
    }

    /// What the store refused of it.
    pub(in crate::plugins) fn observe_drops(&self, source: &str, drops: &[DropCount]) {
        let total = |reasons: &[Reason]| -> u64 {
            let own = |drop: &&DropCount| drop.source == source && reasons.contains(&drop.reason);
            drops.iter().filter(own).map(|drop| drop.count).sum()
        };
        self.observe(Budget::Series, total(SERIES_LIMITS));
        self.observe(Budget::LabelBytes, total(&[Reason::ValueTooLong]));
    }

    /// How often it asked for more.
    pub(in crate::plugins) fn exceeded(&self, budget: Budget) -> u64 {
        self.over[budget as usize].times.load(Ordering::Relaxed)
    }

    /// Whether it may register a family of this name; if not, that is counted.
    pub(in crate::plugins) fn may_register(&self, name: &str, max: usize) -> bool {
        let families = self.families.lock();
        let may = families.contains(name) || families.len() < max;
        drop(families);
        if !may {
            self.exceed(Budget::Families);
        }
        may
    }

    /// It has registered a family of this name.
    pub(in crate::plugins) fn registered(&self, name: &str) {
        let mut families = self.families.lock();
        if !families.contains(name) {
            families.insert(name.to_owned());
        }
    }

    /// Families that it registered.
    pub(in crate::plugins) fn families(&self) -> usize {
        self.families.lock().len()
    }
}

impl Over {
    fn is_news(&self, now: Instant) -> bool {
        let before = self.last.lock().replace(now);
        before.is_none_or(|before| now.saturating_duration_since(before) >= NEWS_AFTER)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_in_the_order_of_the_enum_and_its_names_are_labels() {
        for (at, words) in Budget::ALL.iter().enumerate() {
            assert_eq!(words.budget as usize, at, "{}", words.name);
            let label = |byte: u8| byte.is_ascii_lowercase() || byte == b'_';
            assert!(words.name.bytes().all(label), "{}", words.name);
        }
    }

    #[test]
    fn only_the_first_time_in_a_while_is_news() {
        let over = Over::default();
        let begin = Instant::now();
        let at = |seconds| begin + Duration::from_secs(seconds);
        assert!(over.is_news(at(0)));
        assert!(!over.is_news(at(59)));
        assert!(!over.is_news(at(118)), "it never stopped");
        assert!(over.is_news(at(178)));
    }

    #[test]
    fn what_others_count_is_taken_over_and_never_goes_back() {
        let budgets = Budgets::new(Weak::new());
        budgets.observe(Budget::Queue, 3);
        budgets.observe(Budget::Queue, 2);
        budgets.exceed(Budget::Timers);
        assert_eq!(budgets.exceeded(Budget::Queue), 3);
        assert_eq!(budgets.exceeded(Budget::Timers), 1);
    }

    #[test]
    fn a_family_counts_once_and_one_too_many_is_counted() {
        let budgets = Budgets::new(Weak::new());
        for name in ["a", "b", "a"] {
            assert!(budgets.may_register(name, 2));
            budgets.registered(name);
        }
        assert!(!budgets.may_register("c", 2));
        assert_eq!(budgets.exceeded(Budget::Families), 1);
        assert_eq!(budgets.families(), 2);
    }
}
