//! Plugins in the host: what they are served with, which are there, who owns which route.
//!
//! The loader crate verifies, loads and supervises one library; this package gives it the host's
//! services and decides which libraries run. [`Catalog`] is the way in.

#![forbid(unsafe_code)]

mod budgets;
mod call;
mod catalog;
mod gather;
mod options;
mod process;
mod served;
#[cfg(any(test, feature = "testing"))]
pub mod testing;

pub use budgets::budget::{Budget, BudgetStatus, BudgetWords};
pub use call::host_paths::HostPaths;
pub use call::invoke::{call, call_within};
pub use call::reply::{Broken, CallError, PluginBody, PluginReply};
pub use call::routes::{Endpoint, Routes};
pub use catalog::build::CatalogParts;
pub use catalog::exporters::Exporter;
pub use catalog::plugins::Catalog;
pub use catalog::scan::ScanReport;
pub use catalog::status::{EndpointStatus, PluginStatus};
pub use catalog::watch::FolderWatch;
pub use options::config_file;
pub use options::permissions::PERMISSIONS;
pub use options::settings::{Options, Program};
pub use process::processes::{LastCrash, ProcessStatus};
pub use process::python::Python;
pub use served::shared::{HostFacts, ModelList};
pub use served::subscribers::Subscribers;
