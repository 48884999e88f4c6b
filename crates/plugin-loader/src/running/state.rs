//! The stations in a plugin's life, as people see them.

/// Where a plugin is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum State {
    /// Its file was seen.
    Discovered,
    /// Its file passed every check.
    Verified,
    /// A probe process survived loading it.
    Probed,
    /// It is loaded.
    Loaded,
    /// Its object exists.
    Created,
    /// It serves.
    Started,
    /// It failed too often lately; calls are refused for a while.
    Degraded,
    /// It failed too often; calls are refused until it is reloaded.
    Quarantined,
    /// It takes no new calls and finishes those under way.
    Draining,
    /// It has stopped; its library stays mapped.
    Stopped,
    /// A newer generation has taken its place.
    Superseded,
    /// Its file was refused.
    Rejected,
    /// The configuration or an operator keeps it out.
    Disabled,
}

impl State {
    /// Every state with its word for metrics and JSON.
    pub const NAMED: &'static [(State, &'static str)] = &[
        (Self::Discovered, "discovered"),
        (Self::Verified, "verified"),
        (Self::Probed, "probed"),
        (Self::Loaded, "loaded"),
        (Self::Created, "created"),
        (Self::Started, "started"),
        (Self::Degraded, "degraded"),
        (Self::Quarantined, "quarantined"),
        (Self::Draining, "draining"),
        (Self::Stopped, "stopped"),
        (Self::Superseded, "superseded"),
        (Self::Rejected, "rejected"),
        (Self::Disabled, "disabled"),
    ];

    /// The word.
    pub fn name(self) -> &'static str {
        Self::NAMED[self as usize].1
    }
}

/// Where a plugin's code runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Isolation {
    /// On threads of its own inside the host: a crash of the plugin is a crash of the host.
    #[default]
    Thread,
    /// In a child process of its own: a crash of it costs the calls that it had.
    Process,
}

impl Isolation {
    /// The word in configuration and JSON.
    pub fn name(self) -> &'static str {
        match self {
            Self::Thread => "thread",
            Self::Process => "process",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_state_has_its_own_word() {
        for &(state, word) in State::NAMED {
            assert_eq!(state.name(), word);
        }
    }
}
