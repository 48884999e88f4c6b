//! A pipeline for each exporter in service, from its first generation to the end of the server.

use super::pipeline::{GatheredMetrics, Pipeline};
use super::{deliver, schedule};
use meterbox_http::client::{Client, OwnPlaces, Trust};
use meterbox_plugins::Exporter;
use meterbox_telemetry::exports::ExportsMetrics;
use parking_lot::Mutex;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use tokio::sync::watch;
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::{Instant, timeout_at};

/// An answer's body is for the plugin's verdict and the log; more of it is not read.
const ANSWER_BYTES_MAX: usize = 64 << 10;

/// What exports are made of.
pub struct ExportParts {
    /// The exporters in service, now and later.
    pub exporters: watch::Receiver<Arc<Vec<Exporter>>>,
    /// What exporters are shown.
    pub gathered: GatheredMetrics,
    /// Where pushes are counted.
    pub metrics: ExportsMetrics,
    /// Where pushes never go.
    pub own: OwnPlaces,
    /// Which receivers are believed over TLS.
    pub trust: Trust,
}

/// The deliveries of all exporters.
pub struct Exports {
    engine: Arc<Engine>,
    watcher: JoinHandle<()>,
}

struct Engine {
    gathered: GatheredMetrics,
    metrics: ExportsMetrics,
    own: OwnPlaces,
    trust: Trust,
    pipelines: Mutex<BTreeMap<String, PipelineTasks>>,
    /// Exporters that lack the permission, to say each once.
    denied: Mutex<BTreeSet<String>>,
}

/// A pipeline with its tasks.
struct PipelineTasks {
    pipeline: Arc<Pipeline>,
    asks: JoinHandle<()>,
    delivers: JoinHandle<()>,
}

impl Exports {
    /// From now on exporters are asked, those of later too. Inside the runtime.
    #[must_use]
    pub fn start(parts: ExportParts) -> Self {
        let engine = Arc::new(Engine {
            gathered: parts.gathered,
            metrics: parts.metrics,
            own: parts.own,
            trust: parts.trust,
            pipelines: Mutex::default(),
            denied: Mutex::default(),
        });
        let mut exporters = parts.exporters;
        let watched = Arc::clone(&engine);
        let watcher = tokio::spawn(async move {
            loop {
                let list = Arc::clone(&exporters.borrow_and_update());
                watched.reconcile(&list);
                if exporters.changed().await.is_err() {
                    return;
                }
            }
        });
        Self { engine, watcher }
    }

    /// Asks each exporter a last time and delivers what waits, trying each address once more; what is
    /// left at `until` is dropped and counted.
    pub async fn flush(self, until: Instant) {
        self.watcher.abort();
        let pipelines = std::mem::take(&mut *self.engine.pipelines.lock());
        let mut last_round = JoinSet::new();
        for (_, tasks) in pipelines {
            last_round.spawn(tasks.flush(until));
        }
        // A task that panics has no pushes left to save.
        while last_round.join_next().await.is_some() {}
    }
}

impl Engine {
    fn reconcile(&self, list: &[Exporter]) {
        let mut pipelines = self.pipelines.lock();
        let stays = |name: &str| {
            let named = |exporter: &&Exporter| exporter.name == name && exporter.granted;
            list.iter().any(|exporter| named(&exporter))
        };
        let gone: Vec<String> = pipelines
            .keys()
            .filter(|name| !stays(name))
            .cloned()
            .collect();
        for name in gone {
            if let Some(tasks) = pipelines.remove(&name) {
                tasks.remove();
            }
        }
        for exporter in list {
            if !exporter.granted {
                self.deny(&exporter.name);
                continue;
            }
            match pipelines.get(&exporter.name) {
                Some(tasks) => tasks.pipeline.replace(exporter.clone()),
                None => drop(pipelines.insert(exporter.name.clone(), self.begin(exporter))),
            }
        }
    }

    fn begin(&self, exporter: &Exporter) -> PipelineTasks {
        let plugin = exporter.name.as_str();
        let seconds = exporter.interval.as_secs_f64();
        tracing::info!(target: "export", plugin, "is asked for pushes every {seconds} s");
        let metrics = self.metrics.exporter(plugin);
        let pipeline = Pipeline::new(exporter.clone(), Arc::clone(&self.gathered), metrics);
        let client = Client::new(Arc::clone(&self.own), self.trust.clone(), ANSWER_BYTES_MAX);
        PipelineTasks {
            asks: tokio::spawn(schedule::run(Arc::clone(&pipeline))),
            delivers: tokio::spawn(deliver::run(Arc::clone(&pipeline), client)),
            pipeline,
        }
    }

    fn deny(&self, plugin: &str) {
        if self.denied.lock().insert(plugin.to_owned()) {
            tracing::warn!(
                target: "export", plugin,
                "is an exporter and is not asked: plugin.{plugin}.permissions lacks export"
            );
        }
    }
}

impl PipelineTasks {
    async fn flush(self, until: Instant) {
        self.asks.abort();
        let pipeline = &self.pipeline;
        let stop = self.delivers.abort_handle();
        let all = async {
            schedule::ask(pipeline).await;
            pipeline.with_queue(super::queue::PushQueue::flush);
            pipeline.wake.notify_one();
            // A delivery that panicked leaves its pushes to be counted below.
            let _ = self.delivers.await;
        };
        if timeout_at(until, all).await.is_err() {
            stop.abort();
        }
        let left = pipeline.with_queue(super::queue::PushQueue::clear);
        pipeline.lost(
            left,
            "shutdown",
            &format!("{left} were left when the server ended"),
        );
    }

    /// The plugin is gone, and with it whoever could judge an answer.
    fn remove(self) {
        self.asks.abort();
        self.delivers.abort();
        let left = self.pipeline.with_queue(super::queue::PushQueue::clear);
        let why = format!("{left} were left when the plugin was removed");
        self.pipeline.lost(left, "removed", &why);
        self.pipeline.metrics.removed();
    }
}
