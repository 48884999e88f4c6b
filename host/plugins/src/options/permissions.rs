//! What a plugin may ask the host for.
//!
//! On threads of the host this stops mistakes, not malice; a process of its own is held to it.

/// The permissions that exist, each with what it opens.
pub const PERMISSIONS: &[(&str, &str)] = &[
    ("metrics.read", "read all gathered metrics"),
    ("metrics.reserved", "register metrics under reserved names"),
    ("models.read", "list the registered models"),
    ("timers", "be called at intervals"),
    (
        "export",
        "push metrics to other systems, delivered by the server",
    ),
    ("network", "open connections from its own process"),
    ("events", "be told about requests, models and workers"),
];

/// What a dropped file may do without being asked about.
const BY_DEFAULT: &[&str] = &["metrics.read", "models.read", "timers", "events", "export"];

/// The permissions granted to one plugin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Permissions(Vec<String>);

impl Permissions {
    /// What every plugin gets unless the configuration lists its permissions.
    pub(super) fn by_default() -> Self {
        Self(BY_DEFAULT.iter().map(|name| (*name).to_owned()).collect())
    }

    /// What is shipped with the host gets.
    pub(crate) fn bundled() -> Self {
        Self(
            PERMISSIONS
                .iter()
                .map(|(name, _)| (*name).to_owned())
                .collect(),
        )
    }

    /// Exactly these; unknown names open nothing.
    pub(crate) fn only<S: AsRef<str>>(names: &[S]) -> Self {
        Self(names.iter().map(|name| name.as_ref().to_owned()).collect())
    }

    /// Whether `permission` is granted.
    pub(crate) fn has(&self, permission: &str) -> bool {
        self.0.iter().any(|granted| granted == permission)
    }
}
