//! How much a store may hold. Every limit is on by default.

/// Limits of one store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Families in all.
    pub families: u32,
    /// Series of one family; a histogram counts as one series.
    pub series_per_metric: u32,
    /// Series in all.
    pub series_in_all: u32,
    /// Sources; each name counts once.
    pub sources: u16,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            families: 10_000,
            series_per_metric: 10_000,
            series_in_all: 200_000,
            sources: 4_096,
        }
    }
}
