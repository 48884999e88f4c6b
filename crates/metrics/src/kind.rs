//! What a family measures, and how its cells are laid out.

/// The kind of a metric family.
///
/// Source: the kinds of OpenMetrics 1.0; `FloatCounter` and `ObservedCounter` are counters there, told
/// apart here because they are kept differently.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Kind {
    /// A number of which nothing more is known; set like a gauge.
    Unknown,
    /// A whole number that only grows, exact up to 2^64.
    Counter,
    /// A sum that only grows and may have a fraction (microseconds, joules).
    FloatCounter,
    /// A total that somebody else keeps (the kernel) and that is set, not added to.
    ObservedCounter,
    /// A value that goes up and down.
    Gauge,
    /// Observations counted in explicit buckets, with their sum.
    Histogram,
    /// Observations counted, with their sum.
    Summary,
    /// Labels that describe something; the value is always 1.
    Info,
}

/// Where the cells of a kind live.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Storage {
    /// One copy per writing thread, summed when read: nothing is shared between writers.
    PerThread = 0,
    /// One copy for all, because "set" has to win over what was there.
    Shared = 1,
}

impl Kind {
    pub(crate) fn storage(self) -> Storage {
        match self {
            Self::Counter | Self::FloatCounter | Self::Histogram | Self::Summary => {
                Storage::PerThread
            }
            Self::Unknown | Self::ObservedCounter | Self::Gauge | Self::Info => Storage::Shared,
        }
    }

    /// Cells of one series: a histogram's buckets and sum, a summary's count and sum, or one value.
    pub(crate) fn width(self, bounds: usize) -> usize {
        match self {
            Self::Histogram => bounds + 2,
            Self::Summary => 2,
            _ => 1,
        }
    }

    /// The word for this kind in error texts.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Unknown => "unknown",
            Self::Counter => "counter",
            Self::FloatCounter => "float counter",
            Self::ObservedCounter => "observed counter",
            Self::Gauge => "gauge",
            Self::Histogram => "histogram",
            Self::Summary => "summary",
            Self::Info => "info",
        }
    }
}
