//! Cells whose series was removed and that are not free yet.

use crate::index::Place;

/// The cells of a removed series.
pub(super) struct Resting {
    pub(super) place: Place,
    pub(super) since: f64,
    pub(super) fingerprint: u64,
    pub(super) owner: u16,
}
