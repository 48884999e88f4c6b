//! What a plugin has budgets of: the table of their names, units and advice.

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
    pub(super) advice: &'static str,
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
    pub(super) fn fault(self) -> &'static str {
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
}
