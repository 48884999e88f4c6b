//! Plugins in the host: what they are served with, which are there, who owns which route.
//!
//! The loader crate verifies, loads and supervises one library; this folder gives it the host's
//! services and decides which libraries run. [`Catalog`] is the way in.

mod budgets;
mod call;
mod catalog;
mod gather;
pub(crate) mod options;
pub(crate) mod process;
mod served;

pub use budgets::{Budget, BudgetStatus, BudgetWords};
pub use call::invoke::{Broken, CallError, PluginBody, PluginReply, call, call_within};
pub use call::request::{BodyFault, BodyPiece, PluginRequest};
pub use call::routes::{Endpoint, Routes};
pub use catalog::exporters::Exporter;
pub use catalog::plugins::{Catalog, Scan};
pub use catalog::status::{EndpointStatus, PluginStatus};
pub use catalog::watch::Watch;
pub use gather::page::NameSets;
pub use options::grants::{Grants, PERMISSIONS};
pub use options::settings::{Options, PluginOptions};
pub use process::processes::{LastCrash, ProcessStatus};
pub use served::house::{Facts, ModelList, NoModels};
pub use served::subscribers::Subscribers;

/// The name under which a plugin's series are kept: they outlive its generations.
fn source_name(plugin: &str) -> String {
    format!("plugin.{plugin}")
}
