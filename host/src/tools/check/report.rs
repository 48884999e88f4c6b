//! What `plugins check` says: as lines for a person, as JSON for a program.

use super::dry_run::{DryRun, Step};
use super::finding::Finding;
use meterbox_plugin_abi::Route;
use meterbox_plugin_files::{Language, Metadata, Verified};
use meterbox_plugins::PERMISSIONS;
use serde_json::{Value, json};
use std::fmt::Write;
use std::path::PathBuf;

/// Everything that was found out about one file.
#[derive(Debug)]
pub struct Report {
    pub(super) file: PathBuf,
    pub(super) sha256: String,
    pub(super) bytes: u64,
    pub(super) owned: bool,
    pub(super) verified: Option<Verified>,
    /// One sentence on whether this host can load it.
    pub(super) abi: String,
    pub(super) dry_run: Option<DryRun>,
    /// What is wrong with it; a file without findings is fine.
    pub findings: Vec<Finding>,
}

/// Pushes and log lines that a person sees.
const LINES_MAX: usize = 10;
const MEBIBYTE: f64 = 1_048_576.0;

impl Report {
    /// The report for a program.
    #[must_use]
    pub fn json(&self) -> Value {
        let metadata = self.verified.as_ref().map(|verified| &verified.metadata);
        let text = |read: fn(&Metadata) -> &String| metadata.map(|metadata| read(metadata).clone());
        json!({
            "file": self.file.display().to_string(),
            "fine": self.findings.is_empty(),
            "sha256": self.sha256,
            "bytes": self.bytes,
            "name": text(|metadata| &metadata.name),
            "version": text(|metadata| &metadata.version),
            "description": text(|metadata| &metadata.description),
            "language": self.verified.as_ref().map(|verified| verified.language.word()),
            "api": text(|metadata| &metadata.api),
            "abi": self.abi,
            "owned": self.owned,
            "glibc": self.verified.as_ref().and_then(|verified| verified.glibc.clone()),
            "needed": self.verified.as_ref().map(|verified| verified.libraries.clone()),
            "permissions": metadata.map(|metadata| metadata.permissions.clone()),
            "roles": self.dry_run.as_ref().map(|run| run.roles.clone()),
            "routes": self.dry_run.as_ref().map(|run| run.routes.iter().map(route_json).collect::<Vec<_>>()),
            "metrics": self.dry_run.as_ref().map(metrics_json),
            "dry_run": self.dry_run.as_ref().map(run_json),
            "findings": self.findings.iter().map(Finding::json).collect::<Vec<_>>(),
        })
    }

    /// The report for a person: aligned lines, then the findings.
    #[must_use]
    pub fn text(&self) -> String {
        let mut text = format!("{}\n", self.file.display());
        let mut row = |key: &str, value: &str| {
            writeln!(text, "  {key:<12} {value}").expect("a String takes any text");
        };
        if let Some(verified) = &self.verified {
            let metadata = &verified.metadata;
            let plugin = format!(
                "{} {}, a {}",
                metadata.name, metadata.version, verified.language
            );
            row("plugin", &plugin);
            if !metadata.description.is_empty() {
                row("description", &metadata.description);
            }
        }
        row("sha256", &self.sha256);
        row("size", &format!("{} bytes", self.bytes));
        row(
            "owner",
            if self.owned {
                "fine: nobody but its owner and root can change the file or a folder above it"
            } else {
                "refused, see below"
            },
        );
        row("abi", &self.abi);
        if let Some(verified) = &self.verified {
            if verified.language == Language::Library {
                let glibc = verified.glibc.as_ref();
                row(
                    "glibc",
                    &glibc.map_or("any".to_owned(), |version| format!("{version} or newer")),
                );
                row("needs", &list(&verified.libraries));
            }
            row("permissions", &permissions(&verified.metadata.permissions));
        }
        if let Some(run) = &self.dry_run {
            run_rows(run, &mut row);
        }
        let count = self.findings.len();
        text += &match count {
            0 => "no findings\n".to_owned(),
            1 => "1 finding\n".to_owned(),
            _ => format!("{count} findings\n"),
        };
        for finding in &self.findings {
            text += &finding.lines();
        }
        text
    }
}

fn list<T: ToString>(items: &[T]) -> String {
    if items.is_empty() {
        return "nothing".to_owned();
    }
    let items: Vec<String> = items.iter().map(ToString::to_string).collect();
    items.join(", ")
}

fn permissions(asked: &[String]) -> String {
    let said = |name: &String| match PERMISSIONS.iter().find(|(known, _)| known == name) {
        Some((_, about)) => format!("{name} ({about})"),
        None => name.clone(),
    };
    list(&asked.iter().map(said).collect::<Vec<_>>())
}

fn run_rows(run: &DryRun, row: &mut dyn FnMut(&str, &str)) {
    row("roles", &list(&run.roles));
    for route in &run.routes {
        let listener = route.listener.name().unwrap_or("unknown");
        let methods = methods(route).join(",");
        row("route", &format!("{listener} /{} {methods}", route.pattern));
    }
    for family in &run.seen.families {
        let labels = if family.labels.is_empty() {
            String::new()
        } else {
            format!(" {{{}}}", family.labels.join(","))
        };
        row(
            "metric",
            &format!("{} {}{labels}", family.kind, family.name),
        );
    }
    for step in &run.steps {
        row("dry run", &step_line(step));
    }
    for push in run.seen.pushes.iter().take(LINES_MAX) {
        row("push", push);
    }
    if let Some(bytes) = run.memory_peak_bytes {
        row(
            "memory",
            &format!("{:.1} MiB at most", bytes as f64 / MEBIBYTE),
        );
    }
    if let Some(cpu) = run.cpu {
        row("processor", &format!("{} ms", cpu.as_millis()));
    }
    for line in run.seen.log.iter().take(LINES_MAX) {
        row("log", line);
    }
}

fn step_line(step: &Step) -> String {
    let ms = milliseconds(step);
    let what = step.place();
    match (&step.error, &step.answer) {
        (Some(error), _) => format!("{what}: failed after {ms} ms: {}", error.message),
        (None, Some(answer)) => {
            format!("{what}: {}, {} bytes, {ms} ms", answer.status, answer.bytes)
        }
        (None, None) => format!("{what}: {ms} ms"),
    }
}

fn milliseconds(step: &Step) -> f64 {
    (step.took.as_secs_f64() * 10_000.0).round() / 10.0
}

fn methods(route: &Route) -> Vec<&'static str> {
    let listed = route.methods.list();
    if listed.is_empty() { vec!["*"] } else { listed }
}

fn route_json(route: &Route) -> Value {
    json!({
        "listener": route.listener.name().unwrap_or("unknown"),
        "path": format!("/{}", route.pattern),
        "methods": methods(route),
    })
}

fn metrics_json(run: &DryRun) -> Vec<Value> {
    let family = |family: &super::lint::Named| {
        json!({ "kind": family.kind, "name": family.name, "help": family.help, "unit": family.unit,
            "labels": family.labels })
    };
    run.seen.families.iter().map(family).collect()
}

fn run_json(run: &DryRun) -> Value {
    json!({
        "steps": run.steps.iter().map(step_json).collect::<Vec<_>>(),
        "series": run.seen.series,
        "pushes": run.seen.pushes,
        "timers": run.seen.timers.len(),
        "memory_peak_bytes": run.memory_peak_bytes,
        "cpu_ms": run.cpu.map(|cpu| cpu.as_millis() as u64),
        "crash": run.crash,
        "log": run.seen.log,
        "output": run.output,
    })
}

fn step_json(step: &Step) -> Value {
    let mut shown = json!({ "entry": step.entry, "ms": milliseconds(step) });
    if let Some(path) = &step.path {
        shown["path"] = path.as_str().into();
    }
    if let Some(answer) = &step.answer {
        shown["status"] = answer.status.into();
        shown["bytes"] = answer.bytes.into();
    }
    let answered = step.answer.as_ref().and_then(|answer| answer.error.clone());
    let error = step.error.as_ref().map(|failure| failure.message.clone());
    if let Some(error) = error.or(answered) {
        shown["error"] = error.into();
    }
    shown
}
