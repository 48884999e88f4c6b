//! The host that a plugin meets in a dry run: it writes down what the plugin asks for and keeps nothing.

use super::lint::Named;
use super::sample;
use meterbox_config::Settings;
use meterbox_plugin_abi::events::EventKinds;
use meterbox_plugin_abi::gather::names::labels;
use meterbox_plugin_abi::gather::{
    FAMILY_INHERITED_NAME, Filter, Flow, GatherSource, Head, Segment, Visitor,
};
use meterbox_plugin_abi::{
    Cells, Clock, Fact, Failure, FamilyService, FamilySpec, HostServices, Instrument, Level,
    MetricFamily, Push, PushSink, Status, Table,
};
use parking_lot::Mutex;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// More families or log lines are counted, not kept.
const KEPT_MAX: usize = 1000;
/// The name set of families that a plugin names itself.
const OWN_SET: &str = "meterbox";

/// What a plugin asked for.
#[derive(Debug, Default, Clone)]
pub(super) struct Seen {
    pub(super) families: Vec<Named>,
    /// `level: text`.
    pub(super) log: Vec<String>,
    pub(super) series: u64,
    pub(super) timers: Vec<(u64, Duration)>,
    pub(super) subscribed: u64,
    /// `METHOD address: N bytes` of each push of an exporter.
    pub(super) pushes: Vec<String>,
}

/// The witness. It grants what it is asked for.
pub(super) struct Witness {
    plugin: String,
    begin: Instant,
    seen: Arc<Mutex<Seen>>,
}

impl Witness {
    pub(super) fn new(plugin: &str) -> Self {
        Self {
            plugin: plugin.to_owned(),
            begin: Instant::now(),
            seen: Arc::default(),
        }
    }

    /// What it saw so far.
    pub(super) fn seen(&self) -> Seen {
        self.seen.lock().clone()
    }

    /// Looks at what a collector shows.
    pub(super) fn visitor(&self) -> Shown<'_> {
        Shown {
            witness: self,
            labels_of: None,
        }
    }

    fn note(&self, family: Named) {
        let mut seen = self.seen.lock();
        let known = seen.families.iter().any(|other| other.name == family.name);
        if !known && seen.families.len() < KEPT_MAX {
            seen.families.push(family);
        }
    }
}

/// Whether a name is not the plugin's own choice.
fn inherited(flags: u32, set: &str) -> bool {
    flags & FAMILY_INHERITED_NAME != 0 || !(set.is_empty() || set == OWN_SET)
}

impl HostServices for Witness {
    fn log_enabled(&self, level: Level, _target: &str) -> bool {
        level.0 <= Level::INFO.0
    }

    fn log(&self, level: Level, _target: &str, message: &str) {
        let mut seen = self.seen.lock();
        if seen.log.len() < KEPT_MAX {
            let level = level.name().unwrap_or("unknown");
            let line = format!("{level}: {message}");
            seen.log.push(line.replace(char::is_control, "?"));
        }
    }

    fn register(&self, family: &FamilySpec<'_>) -> Result<MetricFamily, Failure> {
        self.note(Named {
            kind: family.kind.word(),
            name: family.name.to_owned(),
            help: family.help.to_owned(),
            unit: family.unit.to_owned(),
            labels: family.labels.iter().map(ToString::to_string).collect(),
            inherited: inherited(family.flags, family.set),
        });
        let labels = family.labels.len();
        let seen = Arc::clone(&self.seen);
        Ok(MetricFamily::of(Unkept { labels, seen }))
    }

    fn clock(&self, clock: Clock) -> u64 {
        let since = if clock == Clock::UNIX {
            SystemTime::now()
                .duration_since(UNIX_EPOCH)
                .unwrap_or_default()
        } else {
            self.begin.elapsed()
        };
        u64::try_from(since.as_nanos()).unwrap_or(u64::MAX)
    }

    fn start_timer(&self, id: u64, period: Duration) -> Result<(), Failure> {
        let mut seen = self.seen.lock();
        seen.timers.retain(|(other, _)| *other != id);
        if seen.timers.len() < KEPT_MAX {
            seen.timers.push((id, period));
        }
        Ok(())
    }

    fn stop_timer(&self, id: u64) -> Result<(), Failure> {
        self.seen.lock().timers.retain(|(other, _)| *other != id);
        Ok(())
    }

    fn subscribe(&self, kinds: EventKinds) -> Result<(), Failure> {
        self.seen.lock().subscribed = kinds.0;
        Ok(())
    }

    fn models(&self) -> Result<Table, Failure> {
        Ok(Table::empty())
    }

    fn info(&self, fact: Fact) -> Option<String> {
        match fact {
            Fact::PLUGIN => Some(self.plugin.clone()),
            Fact::VERSION => Some(env!("CARGO_PKG_VERSION").to_owned()),
            Fact::PID => Some(std::process::id().to_string()),
            Fact::HOSTNAME => Some("localhost".to_owned()),
            Fact::UUID => Some("00000000-0000-4000-8000-000000000000".to_owned()),
            Fact::METRIC_SETS => Some(Settings::defaults().metrics.name_sets.join(",")),
            _ => None,
        }
    }
}

impl GatherSource for Witness {
    /// Always the same sample.
    fn gather(&self, filter: &Filter<'_>, visitor: &mut dyn Visitor) -> Result<(), String> {
        sample::show(filter, visitor);
        Ok(())
    }
}

/// Takes what an exporter pushes, and sends nothing.
pub(super) struct Pushed<'a>(pub(super) &'a Witness);

impl PushSink for Pushed<'_> {
    fn push(&mut self, push: &Push<'_>) -> Result<(), Failure> {
        let mut seen = self.0.seen.lock();
        if seen.pushes.len() < KEPT_MAX {
            let line = format!("{} {}: {} bytes", push.method, push.url, push.body.len());
            seen.pushes.push(line.replace(char::is_control, "?"));
        }
        Ok(())
    }
}

/// A family whose series are counted and nothing else.
struct Unkept {
    labels: usize,
    seen: Arc<Mutex<Seen>>,
}

impl FamilyService for Unkept {
    fn series(&self, values: &[&str]) -> Result<Instrument, Failure> {
        if values.len() != self.labels {
            let text = format!("{} label values for {} names", values.len(), self.labels);
            return Err(Failure::new(Status::INVALID, text));
        }
        self.seen.lock().series += 1;
        Ok(Instrument::of(Arc::new(Nothing)))
    }

    fn remove(&self, _values: &[&str]) -> Result<(), Failure> {
        Ok(())
    }
}

/// Cells that forget.
struct Nothing;

impl Cells for Nothing {
    fn add_u64(&self, _: u64) {}
    fn add_f64(&self, _: f64) {}
    fn set(&self, _: f64) {}
    fn observe(&self, _: f64) {}
    fn merge(&self, _: &[u64], _: f64) {}
}

/// What a collector shows, written down.
pub(super) struct Shown<'a> {
    witness: &'a Witness,
    /// The family whose first segment tells its label names.
    labels_of: Option<String>,
}

impl Visitor for Shown<'_> {
    fn family(&mut self, family: &Head<'_>) -> Flow {
        self.witness.note(Named {
            kind: family.kind().word(),
            name: family.name().to_owned(),
            help: family.help().to_owned(),
            unit: family.unit().to_owned(),
            labels: Vec::new(),
            inherited: inherited(family.flags(), family.set()),
        });
        self.labels_of = Some(family.name().to_owned());
        Flow::Continue
    }

    fn segment(&mut self, segment: &Segment<'_>) -> Flow {
        let mut seen = self.witness.seen.lock();
        seen.series += segment.len() as u64;
        let end = segment.label_ends().first().copied().unwrap_or(0) as usize;
        let first = segment.label_text().get(..end).unwrap_or_default();
        if let Some(name) = self.labels_of.take()
            && let Some(family) = seen.families.iter_mut().find(|known| known.name == name)
        {
            let names = labels(first).map_while(Result::ok);
            family.labels = names.map(|(name, _)| name.to_owned()).collect();
        }
        Flow::Continue
    }
}
