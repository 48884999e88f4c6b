//! Plugins written against `plugin-api/c/meterbox_plugin.h`, turned into the same [`PluginObject`] as
//! every other plugin.
//!
//! This is the only place that knows the C tables. [`CModule`] finds and judges the table of a library;
//! a created plugin implements the border's `PluginEntries` by calling the table's functions, and the
//! host's functions that it is handed are written on the border's own handles. So whatever runs plugins,
//! runs these as well, here or in a process of their own.
//!
//! What C hands over is believed as far as C can be: sizes, versions, NULL and UTF-8 are checked, an
//! address is not. No panic of this side unwinds into C.
//!
//! [`PluginObject`]: meterbox_plugin_abi::PluginObject

#![allow(
    unsafe_code,
    reason = "a C table is pointers; each block says which promise of the header it leans on"
)]

mod collect;
mod functions;
mod gather;
mod host;
mod layout;
mod metrics;
mod module;
mod plugin;
mod plugin_table;
mod reply;
mod request;
mod routes;
mod tables;
#[cfg(test)]
mod tests;
mod values;

pub use module::CModule;
