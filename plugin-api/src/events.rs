//! What a listener is told.

use std::time::{Duration, SystemTime};

use meterbox_plugin_abi::events as field;
pub use meterbox_plugin_abi::events::{BATCH_EVENTS_MAX, EventKinds};
use meterbox_plugin_abi::{Field, Table};

/// A batch of events, oldest first. A clone refers to the same batch and may be kept.
#[derive(Clone)]
pub struct Events(Table);

impl Events {
    pub(crate) fn new(table: Table) -> Self {
        Self(table)
    }

    /// Number of events.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The events.
    pub fn iter(&self) -> impl Iterator<Item = Event<'_>> {
        (0..self.len()).map(|row| Event {
            table: &self.0,
            row,
        })
    }
}

/// One event. What an event of its kind does not have is `None`.
#[derive(Clone, Copy)]
pub struct Event<'a> {
    table: &'a Table,
    row: usize,
}

impl<'a> Event<'a> {
    fn text(&self, name: Field) -> Option<&'a str> {
        self.table.text(self.row, name)
    }

    fn number(&self, name: Field) -> Option<f64> {
        self.table.number(self.row, name)
    }

    fn seconds(&self, name: Field) -> Option<Duration> {
        Duration::try_from_secs_f64(self.number(name)?).ok()
    }

    /// Which kind it is; one that this version does not know has no named bit.
    #[must_use]
    pub fn kind(&self) -> EventKinds {
        EventKinds(self.number(field::KIND).unwrap_or_default() as u64)
    }

    /// When it happened.
    #[must_use]
    pub fn at(&self) -> Option<SystemTime> {
        SystemTime::UNIX_EPOCH.checked_add(self.seconds(field::UNIX_SECONDS)?)
    }

    /// Name of the model that it is about.
    #[must_use]
    pub fn model(&self) -> Option<&'a str> {
        self.text(field::MODEL)
    }

    /// Version of that model.
    #[must_use]
    pub fn model_version(&self) -> Option<&'a str> {
        self.text(field::MODEL_VERSION)
    }

    /// Id of the worker that it is about.
    #[must_use]
    pub fn worker(&self) -> Option<&'a str> {
        self.text(field::WORKER)
    }

    /// HTTP method of the request.
    #[must_use]
    pub fn method(&self) -> Option<&'a str> {
        self.text(field::METHOD)
    }

    /// Path of the request, without its query.
    #[must_use]
    pub fn path(&self) -> Option<&'a str> {
        self.text(field::PATH)
    }

    /// Why a worker died or a model failed.
    #[must_use]
    pub fn reason(&self) -> Option<&'a str> {
        self.text(field::REASON)
    }

    /// Family name of the sample.
    #[must_use]
    pub fn metric(&self) -> Option<&'a str> {
        self.text(field::METRIC)
    }

    /// Labels of the sample as `a="b",c="d"`, escaped as in text 0.0.4.
    #[must_use]
    pub fn labels(&self) -> Option<&'a str> {
        self.text(field::LABELS)
    }

    /// Value of the sample.
    #[must_use]
    pub fn value(&self) -> Option<f64> {
        self.number(field::VALUE)
    }

    /// HTTP status of the request.
    #[must_use]
    pub fn status(&self) -> Option<u16> {
        self.number(field::STATUS).map(|status| status as u16)
    }

    /// Whole time of the request.
    #[must_use]
    pub fn duration(&self) -> Option<Duration> {
        self.seconds(field::SECONDS)
    }

    /// Time that the request waited in the queue.
    #[must_use]
    pub fn queue_time(&self) -> Option<Duration> {
        self.seconds(field::QUEUE_SECONDS)
    }

    /// Bytes of the request's body.
    #[must_use]
    pub fn bytes_in(&self) -> Option<u64> {
        self.number(field::BYTES_IN).map(|bytes| bytes as u64)
    }

    /// Bytes of the reply's body.
    #[must_use]
    pub fn bytes_out(&self) -> Option<u64> {
        self.number(field::BYTES_OUT).map(|bytes| bytes as u64)
    }
}
