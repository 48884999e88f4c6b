//! The metric store: families, series, instruments, the registry, limits, and reading it all.
//!
//! Values live in *cells* of eight bytes. Counters, histograms and summaries have one cell per writing
//! thread, so that an increment is a look at a thread-local pointer, a load and a store; gauges have
//! one cell for all. The series of a family lie in *segments* of up to 256, whose label text was
//! escaped once when each series was made; a reader takes a segment's columns as they are and sums its
//! values in one pass. Readers never wait for writers nor writers for readers.
//!
//! ```
//! use meterbox_metrics::{Columns, Options, Registry, SourceOptions};
//!
//! let registry = Registry::new(Options::new(|| 1_700_000_000.0));
//! let source = registry.source("docs", &SourceOptions::guest()).expect("the first source");
//! let asked = source.counter("asked_total", "Questions.", &["topic"])?;
//! let metrics = asked.with(&["metrics"])?;
//! metrics.inc();
//! asked.inc(&["metrics"])?;
//!
//! let mut columns = Columns::new();
//! for family in registry.gather().families() {
//!     for segment in family.segments() {
//!         segment.read(&mut columns);
//!         assert_eq!((segment.label_text(), columns.values()), ("topic=\"metrics\"", &[2.0][..]));
//!     }
//! }
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! Not here: text or any other format, the plugin border, collectors that run when a page is asked for,
//! threads, sockets, and a clock (see [`Clock`]).

mod account;
mod buckets;
mod cells;
mod clock;
mod columns;
mod descriptor;
mod error;
mod families;
mod family;
mod family_handle;
mod gather;
mod hash;
mod index;
mod instrument;
mod kind;
mod limits;
mod lookup_cache;
mod name;
mod reason;
mod registry;
mod rows;
mod segment;
mod series;
mod slab;
mod slot;
mod source;
mod store;
mod table;

pub use account::SourceOptions;
pub use clock::Clock;
pub use columns::Columns;
pub use descriptor::{DEFAULT_BOUNDS, Descriptor};
pub use error::{RegisterError, SeriesError};
pub use family_handle::{Family, FamilyOf};
pub use gather::{FamilyView, Gathered, SegmentView, Segments};
pub use instrument::{
    Counter, FloatCounter, Gauge, Histogram, Info, Instrument, ObservedCounter, Summary,
};
pub use kind::Kind;
pub use limits::Limits;
pub use meterbox_names::{
    BOUNDS_MAX, HELP_BYTES_MAX, LABELS_MAX, LabelError, NAME_BYTES_MAX, NameError, UNIT_BYTES_MAX,
    VALUE_BYTES_MAX,
};
pub use name::{LabelName, MetricName};
pub use reason::{DropCount, Reason};
pub use registry::{Options, Registry};
pub use series::Series;
pub use slot::Slot;
pub use source::Source;
