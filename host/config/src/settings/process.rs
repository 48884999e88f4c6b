//! Folders of the process, from the plain environment.
//!
//! **Source:** TorchServe 0.12: `LOG_LOCATION`, `METRICS_LOCATION` and `TEMP` count without
//! `enable_envvars_config`.

use crate::environment::Environment;
use std::path::{Path, PathBuf};

/// Folders of the process.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProcessSettings {
    /// Unpacked models and sockets of workers: `TEMP`, else `TMPDIR`, else `/tmp`.
    pub temp_folder: PathBuf,
    /// Logs of a server in the background: `LOG_LOCATION`, else `logs`.
    pub log_folder: PathBuf,
    /// Logs of metrics: `METRICS_LOCATION`, else `logs`.
    pub metric_log_folder: PathBuf,
}

impl ProcessSettings {
    pub(super) fn of(environment: &Environment, working_folder: &Path) -> Self {
        let logs = |variable| working_folder.join(set(environment, variable).unwrap_or("logs"));
        Self {
            temp_folder: working_folder.join(temp_folder(environment)),
            log_folder: logs("LOG_LOCATION"),
            metric_log_folder: logs("METRICS_LOCATION"),
        }
    }
}

/// The folder of temporary files.
pub fn temp_folder(environment: &Environment) -> &str {
    set(environment, "TEMP")
        .or_else(|| set(environment, "TMPDIR"))
        .unwrap_or("/tmp")
}

fn set<'e>(environment: &'e Environment, name: &str) -> Option<&'e str> {
    environment.get(name).filter(|value| !value.is_empty())
}
