//! Instruments of the server as a whole: build, readiness, reloads, faults, what was dropped.

use super::drops::Drops;
use super::handle::{Handle, Metric};
use super::names::server as rows;
use super::register::Registrar;
use meterbox_metrics::{Counter, Gauge, ObservedCounter, RegisterError, Registry};

/// Which build this is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Build {
    /// The server's version.
    pub version: &'static str,
    /// The commit it was built from, or empty.
    pub revision: &'static str,
    /// The compiler.
    pub rustc: &'static str,
}

/// Faults that the server survived, by kind. Cheap to clone; the default counts nowhere.
#[derive(Clone, Default)]
pub struct FaultCounters(Metric<Counter>);

impl FaultCounters {
    /// A fault of one of a closed set of kinds happened so many times.
    pub fn add(&self, kind: &'static str, times: u64) {
        if times > 0 {
            self.0.add(&[kind], times);
        }
    }
}

/// Metrics of the server as a whole.
pub struct ServerMetrics {
    ready: Handle<Gauge>,
    insecure: Handle<Gauge>,
    reload_successful: Handle<Gauge>,
    reload_time: Handle<Gauge>,
    reloads: Metric<Counter>,
    faults: FaultCounters,
    dropped: Metric<ObservedCounter>,
    series: Handle<Gauge>,
    metrics: Handle<Gauge>,
    /// Held so that the series stays.
    _build: Handle<Gauge>,
}

impl ServerMetrics {
    pub(super) fn new(registrar: &Registrar<'_>, build: &Build) -> Result<Self, RegisterError> {
        let gauge = |row| {
            registrar
                .metric::<Gauge>(row)
                .map(|metric| metric.with(&[]))
        };
        let info = registrar.metric::<Gauge>(&rows::BUILD)?;
        let info = info.with(&[build.version, build.revision, build.rustc]);
        info.set(1.0);
        Ok(Self {
            ready: gauge(&rows::READY)?,
            insecure: gauge(&rows::INSECURE)?,
            reload_successful: gauge(&rows::RELOAD_SUCCESSFUL)?,
            reload_time: gauge(&rows::RELOAD_TIME)?,
            reloads: registrar.metric(&rows::RELOADS)?,
            faults: FaultCounters(registrar.metric(&rows::FAULTS)?),
            dropped: registrar.metric(&rows::DROPPED)?,
            series: gauge(&rows::SERIES)?,
            metrics: gauge(&rows::METRICS)?,
            _build: info,
        })
    }

    /// Whether requests are taken.
    pub fn ready(&self, ready: bool) {
        self.ready.set(flag(ready));
    }

    /// Whether management can be reached from other machines without a token.
    pub fn insecure_listener(&self, insecure: bool) {
        self.insecure.set(flag(insecure));
    }

    /// The configuration was read for the first time, at `unix_seconds`. Not a reload.
    pub fn configured(&self, unix_seconds: f64) {
        self.reload_successful.set(1.0);
        self.reload_time.set(unix_seconds);
    }

    /// The configuration was read again and taken, at `unix_seconds`.
    pub fn reloaded(&self, unix_seconds: f64) {
        self.reloads.inc(&["success"]);
        self.configured(unix_seconds);
    }

    /// The configuration was read again and refused: the old one stays in force.
    pub fn reload_refused(&self) {
        self.reloads.inc(&["refused"]);
        self.reload_successful.set(0.0);
    }

    /// Counts faults that the server survived.
    #[must_use]
    pub fn faults(&self) -> &FaultCounters {
        &self.faults
    }

    /// Brings what is counted elsewhere up to date.
    pub(super) fn refresh(&self, registry: &Registry, drops: &Drops) {
        for ((source, reason), count) in drops.with(registry.drops()) {
            self.dropped.with(&[&source, reason]).set(count);
        }
        self.series.set(registry.series_len() as f64);
        self.metrics.set(registry.families_len() as f64);
    }
}

fn flag(set: bool) -> f64 {
    f64::from(u8::from(set))
}

#[cfg(test)]
mod tests {
    use crate::testing::Bench;

    #[test]
    fn a_refused_reload_shows_and_keeps_the_time_of_the_good_one() {
        let bench = Bench::new();
        let server = bench.telemetry.server();
        let state = || {
            let value = |name| bench.value(name, "").unwrap();
            (
                value("meterbox_config_last_reload_successful"),
                value("meterbox_config_last_reload_success_timestamp_seconds"),
            )
        };
        server.configured(10.0);
        assert_eq!(state(), (1.0, 10.0));
        server.reload_refused();
        assert_eq!(state(), (0.0, 10.0));
        server.reloaded(30.0);
        assert_eq!(state(), (1.0, 30.0));
        let reloads = |result| {
            bench.value(
                "meterbox_config_reloads_total",
                &format!("result=\"{result}\""),
            )
        };
        assert_eq!(
            (reloads("success"), reloads("refused")),
            (Some(1.0), Some(1.0))
        );
    }

    #[test]
    fn build_and_faults_are_on_the_page() {
        let bench = Bench::new();
        let build = "version=\"0.1.0\",revision=\"abc\",rustc=\"1.95.0\"";
        assert_eq!(bench.value("meterbox_build_info", build), Some(1.0));
        bench.telemetry.server().faults().add("worker_died", 1);
        bench.telemetry.server().insecure_listener(true);
        bench.telemetry.server().ready(true);
        assert_eq!(
            bench.value("meterbox_faults_total", "kind=\"worker_died\""),
            Some(1.0)
        );
        assert_eq!(bench.value("meterbox_insecure_listener", ""), Some(1.0));
        assert_eq!(bench.value("meterbox_ready", ""), Some(1.0));
    }

    #[test]
    fn drops_of_store_and_ledger_appear_when_refreshed() {
        let bench = Bench::new();
        bench.drops.count("metric_log", "queue_full");
        bench
            .source("model:x")
            .counter("bad-name", "", &[])
            .unwrap_err();
        bench.telemetry.refresh();
        let dropped = |labels| bench.value("meterbox_dropped_samples_total", labels);
        assert_eq!(
            dropped("source=\"metric_log\",reason=\"queue_full\""),
            Some(1.0)
        );
        assert_eq!(dropped("source=\"model:x\",reason=\"bad_name\""), Some(1.0));
        assert!(bench.value("meterbox_series", "").unwrap() > 5.0);
        assert!(bench.value("meterbox_metrics", "").unwrap() > 50.0);
    }
}
