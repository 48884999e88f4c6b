//! The commands of `meterbox`.

use super::exit::{Exit, Failure};
use super::options::ConfigOptions;
use super::serve::{Personality, Serve, Start};
use super::{config, plugins, print};
use clap::{Parser, Subcommand};
use meterbox_config::Environment;
use meterbox_plugin_process::child::ChildArguments;
use std::ffi::OsString;
use std::path::PathBuf;

/// One truthful metrics endpoint in front of many model workers.
#[derive(Debug, Parser)]
#[command(
    name = "meterbox",
    version,
    after_help = "Exit codes: 0 done, 1 failed at run time or findings, 2 refused usage or configuration."
)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run the server until SIGTERM or Ctrl-C
    Serve(ConfigOptions),
    /// Look at the configuration without starting anything
    #[command(subcommand)]
    Config(ConfigCommand),
    /// Make, check, pin and drive plugins
    #[command(subcommand)]
    Plugins(plugins::PluginsCommand),
    /// Print the version
    Version,
    /// Load the library on standard input and say whether it can be used
    #[command(name = "__probe", hide = true)]
    Probe,
    /// Be the process of a plugin, driven by the server over standard input
    #[command(name = "__plugin", hide = true)]
    Plugin(PluginProcess),
}

/// The server decides these when it starts the process of a plugin.
#[derive(Debug, clap::Args)]
struct PluginProcess {
    /// Bytes of private memory that the process may have
    #[arg(long)]
    memory_bytes: Option<u64>,
    /// Allow network connections
    #[arg(long)]
    network: bool,
    /// Threads that the process may have
    #[arg(long)]
    threads: Option<u64>,
    /// A file or folder that the process may read, beside the system's libraries
    #[arg(long)]
    read: Vec<PathBuf>,
    /// Become this program instead of loading a library; takes all further arguments
    #[arg(long, num_args = 1.., allow_hyphen_values = true)]
    exec: Vec<OsString>,
}

impl PluginProcess {
    fn run(self) -> ! {
        meterbox_plugin_process::child::child_main(&ChildArguments {
            memory_bytes: self.memory_bytes,
            network: self.network,
            threads: self.threads,
            read: self.read,
            exec: self.exec,
        })
    }
}

#[derive(Debug, Subcommand)]
enum ConfigCommand {
    /// Say everything that is wrong or odd; exit code 2 if it would be refused
    Check(ConfigOptions),
    /// Print every value
    Show {
        #[command(flatten)]
        options: ConfigOptions,
        /// Say where each value comes from
        #[arg(long)]
        origin: bool,
        /// Print JSON: an array of {key, value, origin}
        #[arg(long)]
        json: bool,
    },
}

/// Runs the command of `args`.
pub(super) fn run(
    args: &[OsString],
    environment: &Environment,
    serve: Serve,
) -> Result<(), Failure> {
    let command = match Arguments::try_parse_from(args) {
        Ok(arguments) => arguments.command,
        Err(error) => return usage(&error),
    };
    match command {
        Command::Serve(options) => serve(Start::load(
            options.request(environment)?,
            Personality::Meterbox,
        )?),
        Command::Config(ConfigCommand::Check(options)) => {
            config::check(&options.request(environment)?)
        }
        Command::Config(ConfigCommand::Show {
            options,
            origin,
            json,
        }) => config::show(&options.request(environment)?, origin, json),
        Command::Plugins(command) => plugins::run(command, environment),
        Command::Version => {
            print(&format!("meterbox {}\n", env!("CARGO_PKG_VERSION")));
            Ok(())
        }
        Command::Probe => meterbox_plugin_loader::probe::child_main(),
        Command::Plugin(process) => process.run(),
    }
}

/// Help and versions go to standard output and are no failure; bad usage is refused.
pub(super) fn usage(error: &clap::Error) -> Result<(), Failure> {
    // A terminal that went away is no reason for another exit code.
    drop(error.print());
    if error.use_stderr() {
        Err(Failure::said(Exit::Refused))
    } else {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::{Arguments, Command};
    use clap::{CommandFactory, Parser};
    use meterbox_config::Environment;

    #[test]
    fn the_commands_are_consistent() {
        Arguments::command().debug_assert();
    }

    #[test]
    fn options_become_keys_in_the_order_that_lets_the_named_one_win() {
        let line = "meterbox serve --set model_store=a --model-store b --metrics-address \
                    http://127.0.0.1:0 --disable-token-auth";
        let Command::Serve(options) = Arguments::try_parse_from(line.split_whitespace())
            .unwrap()
            .command
        else {
            panic!("serve was asked for")
        };
        let request = options.request(&Environment::default()).unwrap();
        let said: Vec<String> = request
            .overrides
            .iter()
            .map(|set| format!("{} {}={}", set.option, set.key, set.value))
            .collect();
        assert_eq!(
            said,
            [
                "--set model_store=a",
                "--model-store model_store=b",
                "--metrics-address metrics_address=http://127.0.0.1:0",
                "--disable-token-auth disable_token_authorization=true",
            ]
        );
    }
}
