//! What is known of positions whose series can expire.

/// What was last seen of one position.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Watch {
    pub(super) fingerprint: u64,
    pub(super) moved_at: f64,
}

/// Begins to watch a position that a new series took.
pub(super) fn start_watch(watch: &mut Vec<Watch>, position: usize, now: f64) {
    if watch.len() <= position {
        watch.resize(position + 1, Watch::default());
    }
    watch[position] = Watch {
        fingerprint: 0,
        moved_at: now,
    };
}
