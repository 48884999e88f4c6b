//! Plugins in the host: what they are served with, which are there, who owns which route.
//!
//! The loader crate verifies, loads and supervises one library; this folder gives it the host's
//! services and decides which libraries run. [`Catalog`] is the way in.

mod budgets;
mod call;
mod catalog;
mod collected;
mod collectors;
mod columns;
pub(crate) mod config_file;
mod events;
mod exporters;
mod folders;
mod from_settings;
mod grants;
mod here;
mod house;
mod inspect;
mod install;
mod instruments;
mod isolate;
mod locks;
mod log_budget;
mod options;
mod page;
mod process;
pub(crate) mod python;
mod readings;
mod reply_channel;
mod request;
mod routes;
mod schema;
mod service;
mod services;
mod slot;
mod status;
mod timers;
mod watch;

pub use budgets::{Budget, BudgetStatus, BudgetWords};
pub use call::{Broken, CallError, PluginBody, PluginReply, call, call_within};
pub use catalog::{Catalog, Scan};
pub use exporters::Exporter;
pub use grants::{Grants, PERMISSIONS};
pub use house::{Facts, ModelList, NoModels};
pub use options::{Options, PluginOptions};
pub use page::NameSets;
pub use process::{LastCrash, ProcessStatus};
pub use request::{BodyFault, BodyPiece, PluginRequest};
pub use routes::{Endpoint, Routes};
pub use status::{EndpointStatus, PluginStatus};
pub use watch::Watch;

/// The name under which a plugin's series are kept: they outlive its generations.
fn source_name(plugin: &str) -> String {
    format!("plugin.{plugin}")
}
