//! What a listener is told: the kinds of event and the fields of an event's row in a [`crate::Table`].
//!
//! Events arrive in batches of at most [`BATCH_EVENTS_MAX`]. The host counts what a slow listener misses.

use crate::table::Field;

/// Most events in one batch.
pub const BATCH_EVENTS_MAX: usize = 256;

/// Number: which [`EventKinds`] bit the event is.
pub const KIND: Field = Field(1);
/// Number: when it happened, in Unix seconds.
pub const UNIX_SECONDS: Field = Field(2);
/// Text: name of the model, of a request or of a model or worker event.
pub const MODEL: Field = Field(3);
/// Text: version of that model.
pub const MODEL_VERSION: Field = Field(4);
/// Text: id of the worker.
pub const WORKER: Field = Field(5);
/// Text: HTTP method of a request.
pub const METHOD: Field = Field(6);
/// Text: path of a request, without its query.
pub const PATH: Field = Field(7);
/// Text: why a worker died or a model failed; a name of a sample's series otherwise absent.
pub const REASON: Field = Field(8);
/// Text: family name of a sample.
pub const METRIC: Field = Field(9);
/// Text: label block of a sample, escaped as in text 0.0.4, without braces.
pub const LABELS: Field = Field(10);
/// Number: HTTP status of a request.
pub const STATUS: Field = Field(11);
/// Number: whole time of a request.
pub const SECONDS: Field = Field(12);
/// Number: time that a request waited in the queue.
pub const QUEUE_SECONDS: Field = Field(13);
/// Number: bytes of a request's body.
pub const BYTES_IN: Field = Field(14);
/// Number: bytes of a reply's body.
pub const BYTES_OUT: Field = Field(15);
/// Number: value of a sample.
pub const VALUE: Field = Field(16);

/// A set of kinds of event, one bit each, for [`crate::Host::subscribe`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
pub struct EventKinds(pub u64);

impl EventKinds {
    /// A request was answered.
    pub const REQUEST_DONE: Self = Self(1);
    /// A model was registered.
    pub const MODEL_REGISTERED: Self = Self(2);
    /// A model's first worker is ready.
    pub const MODEL_LOADED: Self = Self(4);
    /// A model was unregistered.
    pub const MODEL_UNLOADED: Self = Self(8);
    /// A worker is ready.
    pub const WORKER_STARTED: Self = Self(16);
    /// A worker ended without being told to.
    pub const WORKER_DIED: Self = Self(32);
    /// A metric was ingested or reported from outside the host.
    pub const SAMPLE: Self = Self(64);

    /// Both sets together.
    #[must_use]
    pub const fn with(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Whether every kind of `other` is in this set.
    #[must_use]
    pub const fn has(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    /// The value of the [`KIND`] field for a single kind.
    #[must_use]
    pub const fn number(self) -> f64 {
        self.0 as f64
    }
}
