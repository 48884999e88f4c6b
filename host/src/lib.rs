//! The Meterbox server as a library; the module list below is the map of the program.
//!
//! Each folder holds one noun. `cli` turns a command line into a call, `config` turns
//! `config.properties` into [`meterbox_config::Settings`], and each component receives only its own part of
//! them. The library starts nothing by itself and keeps no global mutable state.

#![forbid(unsafe_code)]

mod adapters;
pub mod api;
pub mod app;
mod banner;
pub mod cli;
mod counters;
mod endpoint;
mod reload;
pub mod reload_requests;
pub mod services;
mod signal;
pub mod stage;
pub mod tools;
