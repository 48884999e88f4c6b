//! What is known of positions whose series can expire.

/// What was last seen of one position.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct LastSeen {
    pub(super) fingerprint: u64,
    pub(super) moved_at: f64,
}

/// Begins to watch a position that a new series took.
pub(super) fn start(last_seen: &mut Vec<LastSeen>, position: usize, now: f64) {
    if last_seen.len() <= position {
        last_seen.resize(position + 1, LastSeen::default());
    }
    last_seen[position] = LastSeen {
        fingerprint: 0,
        moved_at: now,
    };
}
