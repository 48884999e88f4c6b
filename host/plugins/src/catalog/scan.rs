//! What a look through the folders came to.

use meterbox_plugin_files::Refusal;
use std::path::PathBuf;

/// What a scan did, for the log and for people who asked for it.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct ScanReport {
    /// Plugins whose generation went into service, by name.
    pub started: Vec<String>,
    /// Plugins that went out of service because their file is gone, by name.
    pub removed: Vec<String>,
    /// What was refused.
    pub refused: Vec<Refusal>,
    /// Folders with files that are no plugin candidates, and how many.
    pub ignored: Vec<(PathBuf, usize)>,
}
