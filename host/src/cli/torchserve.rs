//! The options of TorchServe's launcher, under the name `torchserve`.
//!
//! **Source:** TorchServe 0.12, `torchserve --help`. Options of parts that do not exist here are
//! accepted and said to be without effect.

use super::exit::{Exit, Failure};
use super::options::{set, working_folder};
use super::pid_file::PidFile;
use super::serve::{Personality, Serve, Start};
use super::{background, meterbox, print};
use clap::{ArgGroup, Parser};
use meterbox_config::{Environment, LoadRequest, Override, RelativeTo};
use std::ffi::OsString;
use std::path::{Path, PathBuf};

#[derive(Debug, Clone, Parser)]
#[command(
    name = "torchserve",
    about = "Meterbox under the command line of TorchServe",
    disable_version_flag = true
)]
#[command(group(ArgGroup::new("action").args(["version", "start", "stop"])))]
struct Arguments {
    /// Print the version
    #[arg(short, long)]
    version: bool,
    /// Start the server; the default
    #[arg(long)]
    start: bool,
    /// Stop the server
    #[arg(long)]
    stop: bool,
    /// Configuration file [default: config.properties, if it is there]
    #[arg(long, value_name = "FILE")]
    ts_config: Option<PathBuf>,
    /// Folder of the model archives
    #[arg(long, value_name = "FOLDER")]
    model_store: Option<String>,
    /// Folder of workflow archives; without effect
    #[arg(long, value_name = "FOLDER")]
    workflow_store: Option<String>,
    /// Archives to load: a.mar name=b.mar, or all
    #[arg(long, value_name = "ARCHIVE", num_args = 1..)]
    models: Vec<String>,
    /// Log configuration of the Java server; without effect
    #[arg(long, value_name = "FILE")]
    log_config: Option<PathBuf>,
    /// Log configuration of C++ workers; without effect
    #[arg(long, value_name = "FILE")]
    cpp_log_config: Option<String>,
    /// Stay in the foreground
    #[arg(long)]
    foreground: bool,
    /// Write no snapshots; none are written
    #[arg(long, alias = "ncs")]
    no_config_snapshots: bool,
    /// Folders searched for plugins
    #[arg(long, alias = "ppath", value_name = "FOLDERS")]
    plugins_path: Option<String>,
    /// Ask for no tokens
    #[arg(long, alias = "dt")]
    disable_token_auth: bool,
    /// Let models be registered over HTTP
    #[arg(long)]
    enable_model_api: bool,
}

/// Runs what `args` ask for.
pub(super) fn run(
    args: &[OsString],
    environment: &Environment,
    serve: Serve,
) -> Result<(), Failure> {
    let arguments = match Arguments::try_parse_from(args) {
        Ok(arguments) => arguments,
        Err(error) => return meterbox::usage(&error),
    };
    if arguments.version {
        print(&format!(
            "TorchServe Version is 0.12.0 (Meterbox {})\n",
            env!("CARGO_PKG_VERSION")
        ));
        return Ok(());
    }
    let folder = working_folder()?;
    let pid_file = PidFile::of(environment, &folder);
    if arguments.stop {
        return stop(&pid_file, &folder);
    }
    start(args, arguments, environment, &pid_file, serve)
}

fn start(
    args: &[OsString],
    arguments: Arguments,
    environment: &Environment,
    pid_file: &PidFile,
    serve: Serve,
) -> Result<(), Failure> {
    let foreground = arguments.foreground;
    if pid_file.running().is_some() {
        print("TorchServe is already running, please use torchserve --stop to stop TorchServe.\n");
        return Err(Failure::said(Exit::Failed));
    }
    if arguments.log_config.is_some() {
        print("--log-config has no effect: set log_level and log_format in config.properties\n");
    }
    let start = Start::load(
        arguments.request(environment, working_folder()?),
        Personality::TorchServe,
    )?;
    if start.loaded.settings.models.store.is_none() {
        return Err(Failure::failed("Missing mandatory parameter --model-store"));
    }
    if !foreground {
        return background::start(args, &start.loaded.settings.process.log_folder);
    }
    let in_background = environment.get(background::MARK).is_some();
    if in_background {
        background::detach();
    }
    let written = pid_file.write()?;
    let done = serve(start.announcing(move || {
        print(background::STARTED);
        if in_background {
            background::let_go_of_the_launcher();
        }
    }));
    drop(written);
    done
}

impl Arguments {
    fn request(self, environment: &Environment, working_folder: PathBuf) -> LoadRequest {
        LoadRequest {
            overrides: self.overrides(),
            file: self.ts_config.map(|file| (file, "--ts-config")),
            environment: environment.clone(),
            working_folder,
            paths: RelativeTo::WorkingFolder,
        }
    }

    fn overrides(&self) -> Vec<Override> {
        let models = Some(self.models.join(",")).filter(|models| !models.is_empty());
        let named = [
            ("--model-store", "model_store", &self.model_store),
            ("--workflow-store", "workflow_store", &self.workflow_store),
            ("--models", "load_models", &models),
            ("--plugins-path", "plugins_path", &self.plugins_path),
            ("--cpp-log-config", "cpp_log_config", &self.cpp_log_config),
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
        let named = named
            .into_iter()
            .filter_map(|(option, key, value)| Some(set(option, key, value.as_deref()?)));
        let switches = switches
            .into_iter()
            .filter(|(_, _, on)| *on)
            .map(|(option, key, _)| set(option, key, "true"));
        named.chain(switches).collect()
    }
}

/// Ends the server of the pid file and waits for it.
fn stop(pid_file: &PidFile, working_folder: &Path) -> Result<(), Failure> {
    let Some(pid) = pid_file.running() else {
        print(if pid_file.remove() {
            "TorchServe already stopped.\n"
        } else {
            "TorchServe is not currently running.\n"
        });
        return Ok(());
    };
    background::end(pid)?;
    pid_file.remove();
    // The tokens of a server that is gone are of no use to anyone who may use them.
    drop(std::fs::remove_file(working_folder.join("key_file.json")));
    print("TorchServe has stopped.\n");
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::Arguments;
    use clap::{CommandFactory, Parser};

    fn overrides(line: &str) -> Vec<String> {
        let arguments = Arguments::try_parse_from(line.split(' ')).unwrap();
        let said = arguments.overrides();
        said.iter()
            .map(|set| format!("{} {}={}", set.option, set.key, set.value))
            .collect()
    }

    #[test]
    fn the_options_are_consistent() {
        Arguments::command().debug_assert();
    }

    #[test]
    fn options_of_the_launcher_become_keys() {
        assert_eq!(
            overrides(
                "torchserve --start --ncs --foreground --model-store store --models a.mar b=b.mar \
                 --ppath plugins --dt --enable-model-api"
            ),
            [
                "--model-store model_store=store",
                "--models load_models=a.mar,b=b.mar",
                "--plugins-path plugins_path=plugins",
                "--disable-token-auth disable_token_authorization=true",
                "--enable-model-api enable_model_api=true",
            ]
        );
    }

    #[test]
    fn start_and_stop_exclude_each_other() {
        assert!(Arguments::try_parse_from(["torchserve", "--start", "--stop"]).is_err());
        assert!(Arguments::try_parse_from(["torchserve"]).is_ok());
    }
}
