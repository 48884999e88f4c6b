//! A whole life of a plugin in a confined process of its own: load, create, start, each GET route once,
//! one collect, one export that is not sent, stop. Each step is timed; the process's memory and processor time are read before its end.

use super::exchange::{self, Answer};
use super::witness::{Pushed, Seen, Witness};
use meterbox_plugin_abi::gather::Filter;
use meterbox_plugin_abi::{Failure, PluginObject, Roles, Route, Status};
use meterbox_plugin_files::Verified;
use meterbox_plugin_loader::load::Origin;
use meterbox_plugin_process::parent::{
    Cause, ChildCommand, Isolated, Observer, Plugin, ProcessSettings, RestartSettings, Sizes,
    Spawner, Stream,
};
use parking_lot::Mutex;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// How long loading, creating and starting may take together.
const START_LIMIT: Duration = Duration::from_secs(10);
/// How long each request and the collect may take.
const CALL_LIMIT: Duration = Duration::from_secs(5);
/// How long the stop hook may take.
const STOP_LIMIT: Duration = Duration::from_secs(5);
/// Longer than any dry run.
const TRIAL_INTERVAL: Duration = Duration::from_secs(3600);
/// Lines of the process that are kept.
const LINES_MAX: usize = 100;

/// One step, and how it went.
#[derive(Debug)]
pub(super) struct Step {
    /// `load`, `create`, `start`, `call`, `collect`, `export` or `stop`.
    pub(super) entry: &'static str,
    /// The path of a call.
    pub(super) path: Option<String>,
    pub(super) took: Duration,
    /// The answer of a call.
    pub(super) answer: Option<Answer>,
    /// Why it failed.
    pub(super) error: Option<Failure>,
}

impl Step {
    /// A process was started, opened the library and compared the types of the border.
    pub(super) fn load(took: Duration) -> Self {
        Self {
            entry: "load",
            path: None,
            took,
            answer: None,
            error: None,
        }
    }

    /// The entry, or the request.
    pub(super) fn place(&self) -> String {
        let path = self.path.as_ref();
        path.map_or(self.entry.to_owned(), |path| format!("GET {path}"))
    }
}

/// What a dry run showed.
#[derive(Debug, Default)]
pub(super) struct DryRun {
    pub(super) steps: Vec<Step>,
    pub(super) roles: Vec<&'static str>,
    pub(super) routes: Vec<Route>,
    pub(super) seen: Seen,
    /// Most memory that the process held at once, in bytes.
    pub(super) memory_peak_bytes: Option<u64>,
    /// Processor time of the process.
    pub(super) cpu: Option<Duration>,
    /// How the process ended, if it was not asked to.
    pub(super) crash: Option<String>,
    /// What the process printed.
    pub(super) output: Vec<String>,
}

/// Runs `verified` with the configuration `config`, a JSON object, as a child of `command`.
///
/// # Errors
/// No process can be made at all.
pub(super) fn run(
    verified: &Verified,
    command: ChildCommand,
    config: String,
) -> std::io::Result<DryRun> {
    let name = verified.metadata.name.clone();
    let witness = Arc::new(Witness::new(&name));
    let events = Arc::new(Events::default());
    let plugin = Plugin {
        origin: Arc::new(Origin::of(verified)),
        file: verified.copy.share()?,
        name,
        services: witness.clone(),
        config,
        command,
        settings: settings(),
        observer: events.clone(),
        host_version: env!("CARGO_PKG_VERSION").to_owned(),
    };
    let spawner = Spawner::start()?;
    let isolated = Isolated::new(plugin, &spawner);
    let mut run = DryRun::default();
    live(&isolated, &witness, &mut run);
    run.seen = witness.seen();
    run.crash = events.crash.lock().take();
    run.output = std::mem::take(&mut *events.lines.lock());
    run.name_the_crash();
    Ok(run)
}

fn settings() -> ProcessSettings {
    ProcessSettings {
        call_lanes: 4,
        start_limit: START_LIMIT,
        entry_limit: CALL_LIMIT,
        collect_limit: CALL_LIMIT,
        // One crash is the end of a dry run.
        restarts: RestartSettings::new(1, TRIAL_INTERVAL, TRIAL_INTERVAL),
        sizes: Sizes::default(),
    }
}

fn live(isolated: &Arc<Isolated>, witness: &Witness, run: &mut DryRun) {
    let Some(plugin) = run.step("create", || isolated.create()) else {
        return;
    };
    run.roles = plugin.roles().names();
    run.routes = match plugin.routes() {
        Ok(routes) => routes,
        Err(failure) => {
            run.failed("routes", failure);
            return;
        }
    };
    let pid = isolated.status().pid;
    if run.step("start", || plugin.start()).is_none() {
        return;
    }
    call_each(&plugin, run);
    if plugin.roles().has(Roles::COLLECTOR) && !run.is_over() {
        run.step("collect", || {
            plugin.collect(&Filter::ALL, &mut witness.visitor())
        });
    }
    if plugin.roles().has(Roles::EXPORTER) && !run.is_over() {
        run.step("export", || plugin.export(witness, &mut Pushed(witness)));
    }
    if let Some(pid) = pid {
        run.memory_peak_bytes = memory_peak(pid);
        run.cpu = processor_time(pid);
    }
    if !run.is_over() {
        run.step("stop", || plugin.stop(STOP_LIMIT));
    }
}

fn call_each(plugin: &PluginObject, run: &mut DryRun) {
    let routes = run.routes.clone();
    for route in routes.iter().filter(|route| route.methods.allows("GET")) {
        if run.is_over() {
            return;
        }
        let begin = Instant::now();
        let answer = exchange::get(plugin, route, CALL_LIMIT);
        let took = begin.elapsed();
        let (answer, error) = match answer {
            Ok(answer) => (Some(answer), None),
            Err(why) => (None, Some(Failure::new(Status::TIMEOUT, why))),
        };
        run.steps.push(Step {
            entry: "call",
            path: Some(format!("/{}", route.pattern)),
            took,
            answer,
            error,
        });
    }
}

impl DryRun {
    fn step<T>(
        &mut self,
        entry: &'static str,
        step: impl FnOnce() -> Result<T, Failure>,
    ) -> Option<T> {
        let begin = Instant::now();
        let result = step();
        let took = begin.elapsed();
        let (value, error) = match result {
            Ok(value) => (Some(value), None),
            Err(failure) => (None, Some(failure)),
        };
        self.steps.push(Step {
            entry,
            path: None,
            took,
            answer: None,
            error,
        });
        value
    }

    fn failed(&mut self, entry: &'static str, failure: Failure) {
        self.step::<()>(entry, || Err(failure));
    }

    /// A server would say when it starts the process again; nobody does that here.
    fn name_the_crash(&mut self) {
        let (Some(crash), Some(last)) = (&self.crash, self.steps.last_mut()) else {
            return;
        };
        let sentence = format!("its process {crash}");
        match (&mut last.error, &mut last.answer) {
            (Some(failure), _) => failure.message = sentence,
            (None, Some(answer)) => answer.error = Some(sentence),
            (None, None) => {}
        }
    }

    /// Whether the process is gone, or does not answer any more.
    fn is_over(&self) -> bool {
        let last = self.steps.last();
        last.is_some_and(|step| {
            let gone = |failure: &Failure| {
                [Status::CRASHED, Status::UNAVAILABLE, Status::TIMEOUT].contains(&failure.status)
            };
            let crashed = |answer: &Answer| answer.status == 502 && answer.error.is_some();
            step.error.as_ref().is_some_and(gone) || step.answer.as_ref().is_some_and(crashed)
        })
    }
}

/// What happens to the process.
#[derive(Default)]
struct Events {
    crash: Mutex<Option<String>>,
    lines: Mutex<Vec<String>>,
}

impl Observer for Events {
    fn started(&self, _pid: u32, _took: Duration, _again: bool) {}

    fn crashed(&self, cause: &Cause, _sentence: &str) {
        self.crash.lock().get_or_insert_with(|| cause.sentence());
    }

    fn quarantined(&self, _retry: Duration) {}

    fn recovered(&self) {}

    fn line(&self, _stream: Stream, text: &str) {
        let mut lines = self.lines.lock();
        if lines.len() < LINES_MAX {
            lines.push(text.replace(char::is_control, "?"));
        }
    }
}

/// The high-water mark of resident memory, in bytes.
fn memory_peak(pid: u32) -> Option<u64> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kibibytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kibibytes << 10)
}

/// User and system time.
fn processor_time(pid: u32) -> Option<Duration> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The name of the program, in parentheses, may hold anything.
    let (_, fields) = stat.rsplit_once(')')?;
    let mut times = fields.split_whitespace().skip(11);
    let ticks: u64 = times.next()?.parse::<u64>().ok()? + times.next()?.parse::<u64>().ok()?;
    let per_second = rustix::param::clock_ticks_per_second().max(1);
    Some(Duration::from_millis(ticks * 1000 / per_second))
}
