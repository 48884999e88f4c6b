//! `meterbox plugins check`: what a server would say about a file, before it meets one.
//!
//! First what can be seen without running the file, then whether it loads in a throw-away process, then
//! a dry run in a confined one. Nothing of the file ever runs in this process.

mod dry_run;
mod exchange;
mod facts;
mod finding;
mod lint;
mod report;
mod sample;
mod witness;

use super::digest::digest;
use super::{Check, pretty};
use crate::cli::exit::{Exit, Failure};
use crate::cli::print;
use crate::plugins::PERMISSIONS;
use crate::plugins::options::config_file;
use crate::plugins::process::python::Python;
use dry_run::{DryRun, Step};
use facts::Facts;
use finding::Finding;
use meterbox_config::Settings;
use meterbox_plugin_abi::API_VERSION;
use meterbox_plugin_loader::Refusal;
use meterbox_plugin_loader::file::{Language, RUNNER_PROTOCOL, Verified};
use meterbox_plugin_loader::probe::{PROBE_LIMIT, ProbeCommand, probe};
use meterbox_plugin_process::parent::ChildCommand;
use report::Report;
use std::ffi::OsString;
use std::path::Path;
use std::time::Instant;

/// Checks one file and prints what was found.
///
/// # Errors
/// The file cannot be read at all, or there are findings.
pub(super) fn check(check: &Check) -> Result<(), Failure> {
    let file = check.file.as_path();
    let (sha256, bytes) = digest(file).map_err(Failure::refused)?;
    let program = std::env::current_exe().map_err(Failure::failed)?;
    let Facts {
        verified,
        owned,
        mut findings,
    } = facts::facts(file);
    let mut dry_run = None;
    let mut abi = "not judged: the file is refused before that".to_owned();
    if let Some(verified) = &verified {
        findings.extend(permissions(verified));
        let begin = Instant::now();
        let loaded = loads(verified, &program);
        let took = begin.elapsed();
        match loaded {
            Err(refusal) => {
                let finding = Finding::of(&refusal, file);
                abi = format!("refused: {}", finding.cause);
                findings.push(finding);
            }
            Ok(()) => {
                abi = fits(verified);
                match run(check, verified, &program) {
                    Ok(mut run) => {
                        if verified.language == Language::Library {
                            run.steps.insert(0, Step::load(took));
                        }
                        findings.extend(judge(&run, verified));
                        dry_run = Some(run);
                    }
                    Err(finding) => findings.push(finding),
                }
            }
        }
    } else if let Some(finding) = findings.last() {
        abi = format!("refused: {}", finding.cause);
    }
    let report = Report {
        file,
        sha256,
        bytes,
        owned,
        verified: verified.as_ref(),
        abi,
        dry_run: dry_run.as_ref(),
        findings: &findings,
    };
    print(&if check.json {
        pretty(&report.json())
    } else {
        report.text()
    });
    if findings.is_empty() {
        Ok(())
    } else {
        Err(Failure::said(Exit::Failed))
    }
}

fn loads(verified: &Verified, program: &Path) -> Result<(), Refusal> {
    let command = ProbeCommand {
        program: program.to_path_buf(),
        arguments: vec![OsString::from("__probe")],
    };
    probe(verified, &command, PROBE_LIMIT)
}

fn fits(verified: &Verified) -> String {
    let api = &verified.metadata.api;
    match verified.language {
        Language::Library => {
            format!("fits: built for plugin api {api}, which this host ({API_VERSION}) loads")
        }
        Language::Python => {
            format!("fits: runner protocol {RUNNER_PROTOCOL}, in a process of its own")
        }
    }
}

/// Permissions that do not exist are never granted.
fn permissions(verified: &Verified) -> Vec<Finding> {
    let unknown = verified.metadata.permissions.iter().filter(|asked| {
        let kind = asked
            .split_once('.')
            .map_or(asked.as_str(), |(kind, _)| kind);
        !PERMISSIONS
            .iter()
            .any(|(known, _)| known == asked || *known == kind)
    });
    let known: Vec<&str> = PERMISSIONS.iter().map(|(name, _)| *name).collect();
    unknown
        .map(|asked| {
            Finding::new(
                "permission",
                "metadata",
                format!("there is no permission {asked}"),
                format!("ask for one of {}", known.join(", ")),
            )
        })
        .collect()
}

fn run(check: &Check, verified: &Verified, program: &Path) -> Result<DryRun, Finding> {
    let metadata = &verified.metadata;
    let folder = verified.path.parent().unwrap_or(Path::new("."));
    let beside = config_file::path(folder, &metadata.name);
    let config_file = check.plugin_config.as_deref().unwrap_or(&beside);
    let config = config_file::read(config_file, metadata.schema.as_ref(), true)
        .map_err(|refusal| Finding::of(&refusal, config_file))?;
    let command =
        command(verified, program).map_err(|refusal| Finding::of(&refusal, &verified.path))?;
    dry_run::run(verified, command, config).map_err(|error| {
        Finding::new(
            "process",
            "dry run",
            format!("no process could be made ({error})"),
            "look at the limits of this account (ulimit -a)",
        )
    })
}

fn command(verified: &Verified, program: &Path) -> Result<ChildCommand, Refusal> {
    let defaults = Settings::defaults();
    let memory = defaults.plugins.default_grants.memory_bytes_max;
    let mut arguments: Vec<OsString> = vec!["__plugin".into()];
    arguments.extend(["--memory-bytes".into(), memory.to_string().into()]);
    if verified
        .metadata
        .permissions
        .iter()
        .any(|asked| asked == "network")
    {
        arguments.push("--network".into());
    }
    if verified.language == Language::Python {
        let python = Python::new(&defaults.plugins.python, defaults.models.home.as_deref());
        arguments.extend(python.arguments(&verified.path)?);
    }
    Ok(ChildCommand {
        program: program.to_path_buf(),
        arguments,
    })
}

/// What a dry run says against a plugin.
fn judge(run: &DryRun, verified: &Verified) -> Vec<Finding> {
    let mut findings = Vec::new();
    let (failed, crashed_in) = match (&run.crash, run.steps.split_last()) {
        (Some(_), Some((last, before))) => (before, Some(last)),
        _ => (&run.steps[..], None),
    };
    for step in failed {
        if let Some(failure) = &step.error {
            let fix = fix_of(step.entry);
            let cause = failure.message.clone();
            findings.push(Finding::new(step.entry, step.place(), cause, fix));
        } else if let Some(answer) = step.answer.as_ref().filter(|answer| answer.status >= 500) {
            let why = answer.error.as_deref().unwrap_or("no sentence with it");
            let cause = format!("answered with {}: {why}", answer.status);
            findings.push(Finding::new("call", step.place(), cause, fix_of("call")));
        }
    }
    if let Some(crash) = &run.crash {
        let said = run.output.last();
        let said = said.map_or(String::new(), |line| format!("; it said: {line}"));
        let cause = format!("its process {crash}{said}");
        let place = crashed_in.map_or("dry run".to_owned(), Step::place);
        let fix = "run the plugin's own tests under a debugger";
        findings.push(Finding::new("crash", place, cause, fix));
    }
    let created = run.steps.iter().any(|step| step.entry == "start");
    if created && run.routes.is_empty() && run.roles.is_empty() {
        findings.push(Finding::new(
            "idle",
            "plugin",
            "it has no route and no role, so a server would never call it",
            "name a route, or say that it is a collector, exporter or listener",
        ));
    }
    let asked = &verified.metadata.permissions;
    let reserved = asked.iter().any(|asked| asked == "metrics.reserved");
    findings.extend(lint::lint(&run.seen.families, reserved));
    findings
}

fn fix_of(entry: &str) -> &'static str {
    match entry {
        "create" => "do what the sentence says, or give a configuration with --plugin-config",
        "call" => "answer an empty GET below 500, or leave GET out of the route's methods",
        "export" => "push what can be pushed and return no error",
        "collect" => "show what can be shown and return no error",
        "stop" => "end the plugin's own threads in stop, within its deadline",
        _ => "make the entry return without an error",
    }
}
