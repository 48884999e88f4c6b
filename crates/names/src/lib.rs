//! What metrics and labels may be called and how a series' labels are written: the one rule for the
//! store, the border, plugins of any language and the host.
//!
//! The character sets are those of the text format 0.0.4 and OpenMetrics 1.0; UTF-8 names of later
//! Prometheus versions are not supported. It holds nothing and depends on nothing.
#![forbid(unsafe_code)]

mod block;
mod bounds;
mod error;
mod name;

pub use block::{check_block, check_value, escape, labels, push_label, unescape};
pub use bounds::{BOUNDS_MAX, check_bounds};
pub use error::{LabelError, NameError};
pub use name::{LabelNames, check_label, check_metric};

/// Longest metric or label name, in bytes.
pub const NAME_BYTES_MAX: usize = 128;
/// Most labels of a family.
pub const LABELS_MAX: usize = 32;
/// Longest label value, in bytes before it is escaped.
pub const VALUE_BYTES_MAX: usize = 1024;
/// Longest help text, in bytes.
pub const HELP_BYTES_MAX: usize = 4096;
/// Longest unit and longest name of a name set, in bytes.
pub const UNIT_BYTES_MAX: usize = 64;
