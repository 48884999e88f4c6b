//! What one run of a fault is given and what it reports.

use super::traffic::Load;
use std::time::Duration;

/// How much a run does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effort {
    /// Seconds, for every change.
    Quick,
    /// All of it, for releases.
    Full,
}

impl Effort {
    /// One of two amounts.
    #[must_use]
    pub fn pick<T>(self, quick: T, full: T) -> T {
        match self {
            Self::Quick => quick,
            Self::Full => full,
        }
    }
}

/// What a run found out, for the table.
#[derive(Debug, Default, Clone)]
pub struct Row {
    /// Good requests answered, in all.
    pub good: usize,
    /// Good requests that failed.
    pub failures: usize,
    /// Good traffic before the fault.
    pub quiet: Load,
    /// Good traffic from the fault to the recovery.
    pub under: Load,
    /// From the end of the fault to normal, the longest of the run.
    pub recovery: Duration,
    /// Figures of this fault alone, such as how many files were tried.
    pub notes: Vec<String>,
}

/// One run of one fault.
#[derive(Debug)]
pub struct Run {
    /// How much to do.
    pub effort: Effort,
    /// Where random choices start.
    pub seed: u64,
    /// What was found out so far.
    pub row: Row,
}

impl Run {
    /// A run that has found nothing out yet.
    #[must_use]
    pub fn new(effort: Effort, seed: u64) -> Self {
        Self {
            effort,
            seed,
            row: Row::default(),
        }
    }

    /// Adds a figure to the report.
    pub fn note(&mut self, text: impl Into<String>) {
        self.row.notes.push(text.into());
    }
}
