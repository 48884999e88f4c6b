//! Folders of the process, from the plain environment.
//!
//! **Source:** TorchServe 0.12: `LOG_LOCATION`, `METRICS_LOCATION` and `TEMP` count without
//! `enable_envvars_config`.

use crate::environment::Environment;
use std::path::{Path, PathBuf};

/// Folders of the process.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProcessSettings {
    /// The folder of the configuration file, or the working directory without one.
    pub config_folder: PathBuf,
    /// The working directory.
    pub working_folder: PathBuf,
    /// Unpacked models and sockets of workers: `TEMP`, else `TMPDIR`, else `/tmp`.
    pub temp_folder: PathBuf,
    /// Logs of a server in the background: `LOG_LOCATION`, else `logs`.
    pub log_folder: PathBuf,
    /// Logs of metrics: `METRICS_LOCATION`, else `logs`.
    pub metric_log_folder: PathBuf,
}

impl ProcessSettings {
    pub(super) fn of(
        environment: &Environment,
        config_folder: &Path,
        working_folder: &Path,
    ) -> Self {
        let logs = |variable| working_folder.join(set(environment, variable).unwrap_or("logs"));
        Self {
            config_folder: config_folder.to_owned(),
            working_folder: working_folder.to_owned(),
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
