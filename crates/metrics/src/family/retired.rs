//! Cells whose series was removed and that are not free yet.

use crate::index::SeriesPlace;

/// The cells of a removed series.
pub(super) struct RetiredCells {
    pub(super) place: SeriesPlace,
    pub(super) since: f64,
    pub(super) fingerprint: u64,
    pub(super) owner: u16,
}
