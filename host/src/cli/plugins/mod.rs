//! `meterbox plugins …`: making, checking and pinning plugins, and driving those of a running server.
//!
//! One command a file. Those that ask a server take its addresses and its key from the
//! configuration; `new`, `check` and `pin` need no server and run nothing of a plugin in this process.

mod call;
mod change;
mod check;
mod list;
mod new;
mod pin;
mod show;

use super::exit::Failure;
use super::options::ConfigOptions;
use crate::tools::scaffold::Language;
use clap::{Args, Subcommand};
use meterbox_config::Environment;
use std::path::PathBuf;

/// What ends every help page of a command that asks a server.
const ASKS: &str = "Exit codes: 0 done, 1 the server does not answer or refuses, 2 refused usage or \
                    configuration.";

/// The commands below `meterbox plugins`.
#[derive(Debug, Subcommand)]
pub(super) enum PluginsCommand {
    /// Make the project of a new plugin, which builds without a network and passes its own tests
    #[command(
        after_help = "Exit codes: 0 made, 1 no SDK is installed or the folder cannot be made, 2 refused \
                      usage or name."
    )]
    New(NewArguments),
    /// Say what a server would say about a file, after a dry run in a confined process
    #[command(
        after_help = "Looks at owner, digest, ELF tables and metadata, lets a throw-away process load the \
                      file, then loads, creates and starts it in a confined process, sends GET to each of \
                      its routes, collects and exports once and stops it. NAME.toml beside the file is its \
                      configuration.\n\
                      Exit codes: 0 fine, 1 findings, 2 refused usage or an unreadable file."
    )]
    Check(CheckArguments),
    /// Print every plugin: its state, roles, endpoints, calls and errors
    #[command(after_help = ASKS)]
    List {
        #[command(flatten)]
        options: ConfigOptions,
        /// Print what the server sends: JSON
        #[arg(long)]
        json: bool,
    },
    /// Print everything the server knows about one plugin
    #[command(after_help = ASKS)]
    Show(OnePlugin),
    /// Send one request to a route of a plugin and print what it answers
    #[command(
        after_help = "The body goes to standard output, the status to standard error.\n\
                      Exit codes: 0 answered below 400, 1 answered from 400 on or not at all, 2 \
                      refused usage or configuration."
    )]
    Call(CallArguments),
    /// Load the file of a plugin again
    #[command(after_help = ASKS)]
    Reload(OnePlugin),
    /// Put a plugin that was disabled back into service
    #[command(after_help = ASKS)]
    Enable(OnePlugin),
    /// Take a plugin out of service until it is enabled
    #[command(after_help = ASKS)]
    Disable(OnePlugin),
    /// Write the sha256 of files into the lock file, so that no other file of their names is loaded
    #[command(
        after_help = "The lock file is that of plugins_lock, or else plugins.lock in the folder of each \
                      file. No server is asked.\n\
                      Exit codes: 0 pinned, 1 a file cannot be read or the lock file not written, 2 \
                      refused usage or configuration."
    )]
    Pin(PinArguments),
}

/// A plugin to be written.
#[derive(Debug, Args)]
pub(super) struct NewArguments {
    /// Name of plugin, route and folder: [a-z][a-z0-9_]{0,62}
    name: String,
    /// What it is written in
    #[arg(long, value_enum, default_value = "rust")]
    lang: Language,
    /// Where to make the folder [default: here]
    #[arg(long, value_name = "FOLDER")]
    path: Option<PathBuf>,
    /// The SDK to build against [default: the one that came with this program]
    #[arg(long, value_name = "FOLDER")]
    sdk: Option<PathBuf>,
    /// Print JSON: {folder, files, next}
    #[arg(long)]
    json: bool,
}

/// A plugin file to be checked.
#[derive(Debug, Args)]
pub(super) struct CheckArguments {
    /// The plugin file
    file: PathBuf,
    /// The plugin's configuration for the dry run [default: NAME.toml beside the file]
    #[arg(long, value_name = "FILE")]
    plugin_config: Option<PathBuf>,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// One plugin of a running server.
#[derive(Debug, Args)]
pub(super) struct OnePlugin {
    /// The plugin's name
    name: String,
    #[command(flatten)]
    options: ConfigOptions,
    /// Print what the server sends: JSON
    #[arg(long)]
    json: bool,
}

/// One request to a plugin.
#[derive(Debug, Args)]
pub(super) struct CallArguments {
    /// The plugin's name
    name: String,
    /// Path and query, such as /drift?model=noop [default: its first route]
    path: Option<String>,
    /// The method [default: GET, POST with data]
    #[arg(long, short = 'X', value_name = "METHOD")]
    method: Option<String>,
    /// The body; @FILE sends a file
    #[arg(long, short, value_name = "DATA")]
    data: Option<String>,
    #[command(flatten)]
    options: ConfigOptions,
    /// Print JSON: {status, headers, body}, or body_base64 for a body that is not text
    #[arg(long)]
    json: bool,
}

/// Files to pin.
#[derive(Debug, Args)]
pub(super) struct PinArguments {
    /// Plugin files
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    #[command(flatten)]
    options: ConfigOptions,
    /// Print JSON: an array of {name, sha256, lock, replaced}
    #[arg(long)]
    json: bool,
}

/// Runs one of the commands.
pub(super) fn run(command: PluginsCommand, environment: &Environment) -> Result<(), Failure> {
    match command {
        PluginsCommand::New(make) => new::new(&make),
        PluginsCommand::Check(file) => check::check(&file),
        PluginsCommand::List { options, json } => list::list(&options.request(environment)?, json),
        PluginsCommand::Show(one) => {
            show::show(&one.options.request(environment)?, &one.name, one.json)
        }
        PluginsCommand::Call(call) => call::call(call, environment),
        PluginsCommand::Reload(one) => change::change("reload", one, environment),
        PluginsCommand::Enable(one) => change::change("enable", one, environment),
        PluginsCommand::Disable(one) => change::change("disable", one, environment),
        PluginsCommand::Pin(pin) => pin::pin(pin, environment),
    }
}

/// A plugin's name, checked before it becomes part of a path.
///
/// # Errors
/// It cannot be the name of a plugin.
fn named(name: &str) -> Result<&str, Failure> {
    if meterbox_plugin_files::valid_name(name) {
        Ok(name)
    } else {
        Err(Failure::refused(format!(
            "{name:?} cannot be the name of a plugin (expected [a-z][a-z0-9_]{{0,62}})"
        )))
    }
}

/// JSON as a person reads it.
fn pretty(value: &serde_json::Value) -> String {
    format!("{value:#}\n")
}
