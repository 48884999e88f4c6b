//! One exporter: what its two tasks share.

use super::health::{DeliveryState, Health};
use super::push;
use super::queue::{PushQueue, QueueRefusal};
use arc_swap::ArcSwap;
use meterbox_config::ExportLimits;
use meterbox_plugin_abi::gather::GatherSource;
use meterbox_plugin_abi::{Failure, Push, PushSink, Status};
use meterbox_plugins::Exporter;
use meterbox_telemetry::exports::ExporterMetrics;
use meterbox_telemetry::unix_seconds;
use parking_lot::Mutex;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use tokio::sync::Notify;
use tokio::time::Instant;

/// All metrics, for the thread of a plugin.
/// What exporters are shown.
pub type GatheredMetrics = Arc<dyn GatherSource + Send + Sync>;

/// One exporter, over all its generations.
pub(super) struct Pipeline {
    pub(super) name: String,
    /// The generation in service.
    pub(super) exporter: ArcSwap<Exporter>,
    pub(super) gathered: GatheredMetrics,
    pub(super) metrics: ExporterMetrics,
    queue: Mutex<PushQueue>,
    /// Something is in the queue, or it is to be flushed.
    pub(super) wake: Notify,
    /// The interval may be another one.
    pub(super) rescheduled: Notify,
    health: Mutex<Health>,
    asking: Mutex<Health>,
}

impl Pipeline {
    pub(super) fn new(
        exporter: Exporter,
        gathered: GatheredMetrics,
        metrics: ExporterMetrics,
    ) -> Arc<Self> {
        Arc::new(Self {
            name: exporter.name.clone(),
            queue: Mutex::new(PushQueue::new(exporter.limits)),
            exporter: ArcSwap::from_pointee(exporter),
            gathered,
            metrics,
            wake: Notify::new(),
            rescheduled: Notify::new(),
            health: Mutex::default(),
            asking: Mutex::default(),
        })
    }

    /// Another generation, or other settings.
    pub(super) fn replace(&self, exporter: Exporter) {
        let limits: ExportLimits = exporter.limits;
        self.with_queue(|queue| queue.limit(limits));
        self.exporter.store(Arc::new(exporter));
        self.rescheduled.notify_one();
        self.wake.notify_one();
    }

    /// Works with the queue for a moment; the page sees its length afterwards.
    pub(super) fn with_queue<T>(&self, work: impl FnOnce(&mut PushQueue) -> T) -> T {
        let mut queue = self.queue.lock();
        let done = work(&mut queue);
        self.metrics.queue(queue.len(), queue.bytes());
        done
    }

    /// A push was delivered.
    pub(super) fn went_well(&self, bytes: usize, authority: &str) {
        self.metrics.delivered(bytes, unix_seconds());
        if let Some(failures) = self.health.lock().change(DeliveryState::Delivered) {
            let plugin = self.name.as_str();
            tracing::info!(
                target: "export", plugin,
                "pushes to {authority} are delivered again after {failures} failures"
            );
        }
    }

    /// A push will be tried again.
    pub(super) fn goes_wrong(&self, why: &str, authority: &str) {
        self.metrics.retried();
        if self.health.lock().change(DeliveryState::Failing).is_some() {
            let plugin = self.name.as_str();
            tracing::warn!(
                target: "export", plugin,
                "pushes to {authority} fail: {why}; they are kept and tried again"
            );
        }
    }

    /// So many pushes are lost.
    pub(super) fn lost(&self, pushes: usize, reason: &str, why: &str) {
        for _ in 0..pushes {
            self.metrics.dropped(reason);
        }
        if pushes > 0 && self.health.lock().change(DeliveryState::Dropping).is_some() {
            let plugin = self.name.as_str();
            tracing::warn!(target: "export", plugin, reason, "pushes are dropped: {why}");
        }
    }

    /// It was asked and answered well.
    pub(super) fn answered(&self) {
        if let Some(failures) = self.asking.lock().change(DeliveryState::Delivered) {
            let plugin = self.name.as_str();
            tracing::info!(target: "export", plugin, "exports again after {failures} failures");
        }
    }

    /// It could not be asked, or failed.
    pub(super) fn unanswered(&self, reason: &'static str, why: &str) {
        self.metrics.failed(reason);
        if self.asking.lock().change(DeliveryState::Failing).is_some() {
            let plugin = self.name.as_str();
            tracing::warn!(target: "export", plugin, reason, "the exporter fails: {why}");
        }
    }

    fn take(&self, push: &Push<'_>) -> Result<(), Failure> {
        let outgoing = push::check(push).inspect_err(|failure| {
            self.lost(1, "invalid", &failure.message);
        })?;
        let added = self.with_queue(|queue| queue.add(outgoing, Instant::now()));
        let (reason, status, text) = match added {
            Ok(()) => {
                self.metrics.pushed();
                self.wake.notify_one();
                return Ok(());
            }
            Err(QueueRefusal::Full) => (
                "queue_full",
                Status::LIMIT,
                "too much waits for delivery already (export_queue_pushes_max, export_queue_bytes_max)",
            ),
            Err(QueueRefusal::TooLarge) => (
                "too_large",
                Status::TOO_LARGE,
                "the push is larger than export_queue_bytes_max; make several smaller ones",
            ),
        };
        self.lost(1, reason, text);
        Err(Failure::new(status, text))
    }
}

/// Where a plugin puts its pushes during one call.
pub(super) struct QueueSink {
    pub(super) pipeline: Arc<Pipeline>,
    /// False once the call was given up.
    pub(super) open: Arc<AtomicBool>,
    /// Whether a push was refused for lack of room, which is no fault of the plugin.
    pub(super) full: bool,
}

impl PushSink for QueueSink {
    fn push(&mut self, push: &Push<'_>) -> Result<(), Failure> {
        if !self.open.load(Ordering::Acquire) {
            return Err(Failure::new(
                Status::CLOSED,
                "the export took too long and was given up",
            ));
        }
        let taken = self.pipeline.take(push);
        self.full |= matches!(&taken, Err(failure) if failure.status == Status::LIMIT);
        taken
    }
}
