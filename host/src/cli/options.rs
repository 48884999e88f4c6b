//! The options that every command with a configuration has.

use super::exit::Failure;
use meterbox_config::{Environment, LoadRequest, Override, RelativeTo};
use std::path::PathBuf;

/// Which configuration, and what the command line changes in it.
#[derive(Debug, Clone, Default, clap::Args)]
pub(super) struct ConfigOptions {
    /// The configuration file [default: config.properties, if it is there]
    #[arg(long, short, value_name = "FILE", alias = "ts-config")]
    pub(super) config: Option<PathBuf>,
    /// Set any key, over the file; may be repeated
    #[arg(long, value_name = "KEY=VALUE")]
    set: Vec<String>,
    /// Folder of the model archives (model_store)
    #[arg(long, value_name = "FOLDER")]
    model_store: Option<String>,
    /// Archives to load: all, or a.mar,name=b.mar (load_models)
    #[arg(long, value_name = "ARCHIVES", alias = "models")]
    load_models: Option<String>,
    /// Folders searched for plugins (plugins_path)
    #[arg(long, value_name = "FOLDERS")]
    plugins_path: Option<String>,
    /// Where predictions are served (inference_address)
    #[arg(long, value_name = "ADDRESS")]
    inference_address: Option<String>,
    /// Where models and plugins are managed (management_address)
    #[arg(long, value_name = "ADDRESS")]
    management_address: Option<String>,
    /// Where metric endpoints are served (metrics_address)
    #[arg(long, value_name = "ADDRESS")]
    metrics_address: Option<String>,
    /// Least severe line of the log (log_level)
    #[arg(long, value_name = "LEVEL")]
    log_level: Option<String>,
    /// text or json (log_format)
    #[arg(long, value_name = "FORMAT")]
    log_format: Option<String>,
    /// Ask for no tokens (disable_token_authorization=true)
    #[arg(long)]
    disable_token_auth: bool,
    /// Let models be registered over HTTP (enable_model_api=true)
    #[arg(long)]
    enable_model_api: bool,
}

impl ConfigOptions {
    /// What to load, with relative paths of the file against its folder.
    ///
    /// # Errors
    /// A `--set` without `=`, or a working directory that is gone.
    pub(super) fn request(self, environment: &Environment) -> Result<LoadRequest, Failure> {
        let overrides = self.overrides()?;
        Ok(LoadRequest {
            file: self.config.map(|file| (file, "--config")),
            overrides,
            environment: environment.clone(),
            working_folder: working_folder()?,
            paths: RelativeTo::File,
        })
    }

    fn overrides(&self) -> Result<Vec<Override>, Failure> {
        let named = [
            ("--model-store", "model_store", &self.model_store),
            ("--load-models", "load_models", &self.load_models),
            ("--plugins-path", "plugins_path", &self.plugins_path),
            (
                "--inference-address",
                "inference_address",
                &self.inference_address,
            ),
            (
                "--management-address",
                "management_address",
                &self.management_address,
            ),
            (
                "--metrics-address",
                "metrics_address",
                &self.metrics_address,
            ),
            ("--log-level", "log_level", &self.log_level),
            ("--log-format", "log_format", &self.log_format),
        ];
        let switches = [
            (
                "--disable-token-auth",
                "disable_token_authorization",
                self.disable_token_auth,
            ),
            (
                "--enable-model-api",
                "enable_model_api",
                self.enable_model_api,
            ),
        ];
        let mut overrides = Vec::new();
        for assignment in &self.set {
            let (key, value) = assignment.split_once('=').ok_or_else(|| {
                Failure::refused(format!(
                    "command line --set: {assignment:?} has no = (expected KEY=VALUE, as in \
                     --set job_queue_size=50)"
                ))
            })?;
            overrides.push(set("--set", key.trim(), value));
        }
        for (option, key, value) in named {
            overrides.extend(value.iter().map(|value| set(option, key, value)));
        }
        for (option, key, on) in switches {
            overrides.extend(on.then(|| set(option, key, "true")));
        }
        Ok(overrides)
    }
}

/// One value of the command line.
pub(super) fn set(option: &str, key: &str, value: &str) -> Override {
    Override {
        key: key.to_owned(),
        value: value.to_owned(),
        option: option.to_owned(),
    }
}

/// The working directory.
pub(super) fn working_folder() -> Result<PathBuf, Failure> {
    std::env::current_dir()
        .map_err(|error| Failure::failed(format!("the working directory is gone: {error}")))
}
