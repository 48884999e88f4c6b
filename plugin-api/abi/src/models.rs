//! The fields of a model's row in the [`crate::Table`] that [`crate::Host::models`] gives, one row per
//! version.

use crate::table::Field;

/// Text: the model's name.
pub const NAME: Field = Field(1);
/// Text: the version.
pub const VERSION: Field = Field(2);
/// Number: 1 when requests without a version go to this one, else 0.
pub const IS_DEFAULT: Field = Field(3);
/// Number: workers that are ready.
pub const WORKERS_READY: Field = Field(4);
/// Number: fewest workers that are kept.
pub const WORKERS_MIN: Field = Field(5);
/// Number: most workers.
pub const WORKERS_MAX: Field = Field(6);
/// Number: requests waiting in the queue.
pub const QUEUE_LEN: Field = Field(7);
