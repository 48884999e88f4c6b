//! What the host offers to a plugin.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use meterbox_plugin_abi as abi;
use meterbox_plugin_abi::events::EventKinds;
use meterbox_plugin_abi::gather::{Filter, GatherSource, Visitor};
use meterbox_plugin_abi::{Clock, Fact, Level};

use crate::error::{Error, Result};
use crate::registered::Registered;

/// The host, as this plugin may use it. Cheap to clone, and may be kept and used from any thread.
///
/// Nothing here is global: a library has its own copy of every static, so logging, metrics, time and
/// timers come from here. What a permission forbids or a budget refuses is an error that names it.
#[derive(Clone)]
pub struct Host {
    inner: Arc<Inner>,
}

struct Inner {
    host: abi::Host,
    registered: Registered,
    name: String,
}

impl Host {
    pub(crate) fn new(host: abi::Host) -> Self {
        let name = host
            .info(Fact::PLUGIN)
            .unwrap_or_else(|| "plugin".to_owned());
        Self {
            inner: Arc::new(Inner {
                host,
                registered: Registered::default(),
                name,
            }),
        }
    }

    /// The plugin's name, as the host knows it.
    #[must_use]
    pub fn plugin_name(&self) -> &str {
        &self.inner.name
    }

    /// Writes a line to the host's log, under this plugin's name.
    pub fn log(&self, level: Level, message: &str) {
        self.inner.host.log(level, &self.inner.name, message);
    }

    /// Whether the host keeps lines of this level; ask before you format an expensive one.
    #[must_use]
    pub fn log_enabled(&self, level: Level) -> bool {
        self.inner.host.log_enabled(level, &self.inner.name)
    }

    /// Calls [`Plugin::on_timer`](crate::Plugin::on_timer) with `id` every `period`, from one period from
    /// now on. Starting a running timer changes its period.
    ///
    /// # Errors
    /// [`Invalid`](crate::ErrorKind::Invalid) for a period under the host's shortest.
    pub fn start_timer(&self, id: u64, period: Duration) -> Result<()> {
        Ok(self.inner.host.start_timer(id, period)?)
    }

    /// Ends a timer; one that does not run is fine.
    ///
    /// # Errors
    /// When the host offers no timers.
    pub fn stop_timer(&self, id: u64) -> Result<()> {
        Ok(self.inner.host.stop_timer(id)?)
    }

    /// From now on [`Plugin::on_events`](crate::Plugin::on_events) gets events of these kinds only.
    ///
    /// # Errors
    /// [`Denied`](crate::ErrorKind::Denied) without the permission.
    pub fn subscribe(&self, kinds: EventKinds) -> Result<()> {
        Ok(self.inner.host.subscribe(kinds)?)
    }

    /// Shows all metrics of the host that match `filter` to `visitor`: each family once, then its
    /// segments. Runs on this thread; a registration by this or another thread does not wait for it.
    ///
    /// # Errors
    /// The host's text, for example without permission `metrics.read`, or the visitor's panic.
    pub fn gather(&self, filter: &Filter<'_>, visitor: &mut dyn Visitor) -> Result<()> {
        self.inner
            .host
            .gather(filter, visitor)
            .map_err(Error::internal)
    }

    /// The host's wall clock.
    #[must_use]
    pub fn now(&self) -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_nanos(self.inner.host.clock(Clock::UNIX))
    }

    /// Time since an arbitrary start; never goes back.
    #[must_use]
    pub fn monotonic(&self) -> Duration {
        Duration::from_nanos(self.inner.host.clock(Clock::MONOTONIC))
    }

    /// The registered models, a row per version.
    ///
    /// # Errors
    /// [`Denied`](crate::ErrorKind::Denied) without permission `models.read`.
    pub fn models(&self) -> Result<Vec<Model>> {
        let table = self.inner.host.models()?;
        Ok((0..table.len())
            .map(|row| Model::read(&table, row))
            .collect())
    }

    /// The host's process id; 0 when it is not known.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.fact(Fact::PID).parse().unwrap_or(0)
    }

    /// The machine's name.
    #[must_use]
    pub fn hostname(&self) -> String {
        self.fact(Fact::HOSTNAME)
    }

    /// The random id of this run of the host: the label `uuid` of inherited metrics.
    #[must_use]
    pub fn uuid(&self) -> String {
        self.fact(Fact::UUID)
    }

    /// The host's version.
    #[must_use]
    pub fn version(&self) -> String {
        self.fact(Fact::VERSION)
    }

    /// The name sets that the operator chose, in their order. What belongs to no chosen set is not
    /// shown, so a collector may spare itself the work.
    #[must_use]
    pub fn metric_sets(&self) -> Vec<String> {
        let sets = self.fact(Fact::METRIC_SETS);
        sets.split(',')
            .filter(|set| !set.is_empty())
            .map(str::to_owned)
            .collect()
    }

    fn fact(&self, fact: Fact) -> String {
        self.inner.host.info(fact).unwrap_or_default()
    }

    pub(crate) fn border(&self) -> &abi::Host {
        &self.inner.host
    }

    pub(crate) fn registered(&self) -> &Registered {
        &self.inner.registered
    }
}

impl GatherSource for Host {
    fn gather(&self, filter: &Filter<'_>, visitor: &mut dyn Visitor) -> Result<(), String> {
        self.inner.host.gather(filter, visitor)
    }
}

/// One version of a registered model.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct Model {
    /// Its name.
    pub name: String,
    /// The version.
    pub version: String,
    /// Whether requests without a version go to this one.
    pub is_default: bool,
    /// Workers that are ready.
    pub workers_ready: u32,
    /// Fewest workers that are kept.
    pub workers_min: u32,
    /// Most workers.
    pub workers_max: u32,
    /// Requests that wait in the queue.
    pub queue_len: u32,
}

impl Model {
    fn read(table: &abi::Table, row: usize) -> Self {
        use abi::models as field;
        let text = |name| table.text(row, name).unwrap_or_default().to_owned();
        let number = |name| table.number(row, name).unwrap_or_default() as u32;
        Self {
            name: text(field::NAME),
            version: text(field::VERSION),
            is_default: number(field::IS_DEFAULT) == 1,
            workers_ready: number(field::WORKERS_READY),
            workers_min: number(field::WORKERS_MIN),
            workers_max: number(field::WORKERS_MAX),
            queue_len: number(field::QUEUE_LEN),
        }
    }
}
