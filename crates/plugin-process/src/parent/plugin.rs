//! What the host hands over so that a plugin can run in a process of its own.

use std::fs::File;
use std::sync::Arc;

use meterbox_plugin_abi::HostServices;
use meterbox_plugin_loader::load::Origin;

use super::observer::Observer;
use super::settings::{ChildCommand, ProcessSettings};

/// One plugin that is to run in processes of its own, one after the other.
pub struct Plugin {
    /// Where its file came from and what it says about itself.
    pub origin: Arc<Origin>,
    /// The sealed private copy of its file, which each child gets.
    pub file: File,
    /// The name under which it runs.
    pub name: String,
    /// What it is offered, checked and counted there.
    pub services: Arc<dyn HostServices>,
    /// Its configuration, a JSON object.
    pub config: String,
    /// The program that is its child.
    pub command: ChildCommand,
    /// Sizes and limits.
    pub settings: ProcessSettings,
    /// Who is told what happens to its process.
    pub observer: Arc<dyn Observer>,
    /// The host's version, as the child may show it.
    pub host_version: String,
}
