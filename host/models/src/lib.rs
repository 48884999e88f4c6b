//! Models: archives become registered versions, versions get workers, requests get answers.
//!
//! [`Models`] is the whole of it for the rest of the server. `archive` unpacks, `store` finds archives,
//! `repository` knows what is registered, `settings` decides who has a say, `queue` holds what waits,
//! `pool` keeps workers, `worker` runs one of them, `wire` is the protocol they speak, and `lines` takes
//! the metrics they print; `ask` is the use-case of one prediction. No HTTP here, and no JSON of the API.

#![forbid(unsafe_code)]
#![cfg_attr(
    test,
    allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")
)]

pub mod archive;
mod ask;
mod events;
mod gpu;
mod input;
mod job;
mod lines;
mod name;
mod pool;
mod queue;
mod register;
mod repository;
mod service;
mod settings;
mod start;
mod store;
mod version;
pub mod wire;
mod work_folder;
mod worker;

pub use ask::{AskError, Question};
pub use events::{EventSink, NoListeners};
pub use input::{Input, Parameter};
pub use job::{JobAnswer, JobFailure, Part};
pub use lines::LineOptions;
pub use name::is_valid as is_valid_name;
pub use pool::{Scaled, Scaling};
pub use queue::{JobQueue, QueueRules, Ticket};
pub use register::{RegisterError, Registered};
pub use repository::RepositoryError;
pub use service::{Models, ModelsError, Options, Removal};
pub use settings::{VersionSettings, WORKERS_MAX, Wishes};
pub use start::Started;
pub use store::{Store, StoreError};
pub use version::Version;
pub use worker::{Stage, WorkerReport};

#[cfg(test)]
pub(crate) mod testing;
