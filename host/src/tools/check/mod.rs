//! What a server would say about a file, before it meets one.
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

pub use finding::Finding;
pub use report::Report;

use super::digest::{DigestError, digest};
use dry_run::{DryRun, Step};
use facts::Facts;
use meterbox_config::Settings;
use meterbox_plugin_abi::API_VERSION;
use meterbox_plugin_files::{Language, RUNNER_PROTOCOL, Refusal, Verified};
use meterbox_plugin_loader::probe::{PROBE_LIMIT, ProbeCommand, probe};
use meterbox_plugin_process::parent::ChildCommand;
use meterbox_plugins::{PERMISSIONS, Python, config_file};
use std::ffi::OsString;
use std::path::Path;
use std::time::Instant;

/// Checks one file; `config` is its configuration for the dry run, or else `NAME.toml` beside it.
/// `program` is the one that becomes the throw-away processes.
///
/// # Errors
/// The file cannot be read at all.
pub fn examine(file: &Path, config: Option<&Path>, program: &Path) -> Result<Report, DigestError> {
    let (sha256, bytes) = digest(file)?;
    let Facts {
        verified,
        owned,
        findings,
    } = facts::facts(file);
    let mut report = Report {
        file: file.to_owned(),
        sha256,
        bytes,
        owned,
        abi: findings.last().map_or_else(String::new, refused),
        verified: None,
        dry_run: None,
        findings,
    };
    if let Some(verified) = verified {
        report.findings.extend(permissions(&verified));
        meet(&mut report, &verified, config, program);
        report.verified = Some(verified);
    }
    Ok(report)
}

/// Loads the file and runs it dry, each in a process of its own.
fn meet(report: &mut Report, verified: &Verified, config: Option<&Path>, program: &Path) {
    let begin = Instant::now();
    let loaded = loads(verified, program);
    let took = begin.elapsed();
    if let Err(refusal) = loaded {
        let finding = Finding::of(&refusal, &report.file);
        report.abi = refused(&finding);
        report.findings.push(finding);
        return;
    }
    report.abi = fits(verified);
    match run(config, verified, program) {
        Ok(mut run) => {
            if verified.language == Language::Library {
                run.steps.insert(0, Step::load(took));
            }
            report.findings.extend(judge(&run, verified));
            report.dry_run = Some(run);
        }
        Err(finding) => report.findings.push(finding),
    }
}

fn refused(finding: &Finding) -> String {
    format!("refused: {}", finding.cause)
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

fn run(config: Option<&Path>, verified: &Verified, program: &Path) -> Result<DryRun, Finding> {
    let metadata = &verified.metadata;
    let folder = verified.path.parent().unwrap_or(Path::new("."));
    let beside = config_file::path(folder, &metadata.name);
    let config_file = config.unwrap_or(&beside);
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
