//! Where the cells of a series lie.

use std::io;

use meterbox_plugin_abi::gather::Kind;

/// Cell of stripe 0 that counts changes which do not fit the kind of their series.
pub const MISFITS: u32 = 0;
/// Cell of stripe 0 with the number of stripes in use; 0 counts as 1.
pub const STRIPES_USED: u32 = 1;
/// The first cell that a series may have.
pub const FIRST_CELL: u32 = 2;
/// What a gauge or an observed total holds until it is set: a NaN that no arithmetic gives.
pub const UNSET: u64 = 0x7ff8_6d65_7472_6963;

/// How many cells a series has and what they mean.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum CellShape {
    /// Whole numbers added, fractions added, total observed elsewhere.
    Counter,
    /// One value that moves both ways: gauge, unknown, info.
    Level,
    /// Buckets and a sum.
    Histogram {
        /// Buckets with the one above the highest bound.
        buckets: u32,
    },
    /// Count and sum.
    Summary,
}

impl CellShape {
    /// The shape of a series of this kind, with `bounds` bounds if it is a histogram.
    #[must_use]
    pub fn of(kind: Kind, bounds: usize) -> Self {
        match kind {
            Kind::COUNTER => Self::Counter,
            Kind::SUMMARY => Self::Summary,
            Kind::HISTOGRAM => Self::Histogram {
                buckets: u32::try_from(bounds).unwrap_or(u32::MAX - 2) + 1,
            },
            _ => Self::Level,
        }
    }

    /// Cells in each stripe.
    #[must_use]
    pub fn cells(self) -> u32 {
        match self {
            Self::Counter => 3,
            Self::Level => 1,
            Self::Histogram { buckets } => buckets.saturating_add(1),
            Self::Summary => 2,
        }
    }

    /// The cell that holds [`UNSET`] at first, from the series' own first cell on.
    pub(super) fn unset_cell(self) -> Option<u32> {
        match self {
            Self::Counter => Some(2),
            Self::Level => Some(0),
            Self::Histogram { .. } | Self::Summary => None,
        }
    }
}

/// The stripes of a file of cells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct StripeLayout {
    pub(super) stripes: u32,
    /// Cells in each stripe.
    pub(super) cells: u32,
}

impl StripeLayout {
    /// Divides `bytes` into `stripes`.
    pub(super) fn new(bytes: u64, stripes: u32) -> io::Result<Self> {
        let cells = bytes.checked_div(u64::from(stripes)).unwrap_or(0) / 8;
        match u32::try_from(cells) {
            Ok(cells) if cells > FIRST_CELL => Ok(Self { stripes, cells }),
            _ => {
                let text = format!("{bytes} bytes of cells in {stripes} stripes");
                Err(io::Error::new(io::ErrorKind::InvalidInput, text))
            }
        }
    }

    /// Whether a series of this shape may begin at `cell`.
    pub(super) fn has(self, cell: u32, shape: CellShape) -> bool {
        let end = cell.checked_add(shape.cells());
        cell >= FIRST_CELL && end.is_some_and(|end| end <= self.cells)
    }

    /// Number of a cell in the file.
    #[inline]
    pub(super) fn index(self, stripe: u32, cell: u32) -> usize {
        stripe as usize * self.cells as usize + cell as usize
    }
}
