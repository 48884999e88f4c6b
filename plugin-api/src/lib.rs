//! Write a plugin for Meterbox: one dependency, standard types, no `unsafe`.
//!
//! This is a whole plugin. It answers `GET /drift` on the metrics listener and counts how often it was
//! asked; the counter shows up on the metrics page without further ado.
//!
//! ```
//! use meterbox_plugin::prelude::*;
//!
//! /// Reports how far inputs drift, and counts how often it was asked.
//! struct Drift { asked: Counter }
//!
//! impl Plugin for Drift {
//!     fn new(host: &Host, _config: Config) -> Result<Self> {
//!         Ok(Self { asked: host.metrics().counter("drift_checks_total", "Drift checks run.")?.with(&[])? })
//!     }
//!     fn routes(&self, routes: &mut Routes<Self>) { routes.metrics("drift").get(Self::show); }
//! }
//!
//! impl Drift {
//!     fn show(&self, _request: &Request, reply: Responder) -> Result<()> {
//!         self.asked.inc();
//!         reply.json(r#"{"drift":0.02}"#)
//!     }
//! }
//!
//! export_plugin!(Drift, name = "drift", description = "Input drift of a model");
//! ```
//!
//! Its `Cargo.toml` says `crate-type = ["cdylib", "rlib"]`. Build it and copy the library into a folder of
//! `plugins_path`; Meterbox finds it while it runs. A `drift.toml` beside it is its [`Config`].
//!
//! | to … | use |
//! |---|---|
//! | answer HTTP requests, also later or in pieces | [`Plugin::routes`], [`Request`], [`Responder`] |
//! | count and measure | [`Host::metrics`], [`Metrics`] |
//! | show values that are read at scrape time | [`Plugin::collect`], [`Families`] |
//! | read all metrics of the host | [`Host::gather`], [`gather`], [`series`](series()) |
//! | push them somewhere | [`Plugin::export`], [`Gathered`], [`Pushes`] |
//! | hear of requests, models and workers | [`Host::subscribe`], [`Plugin::on_events`] |
//! | do something now and then | [`Host::start_timer`], [`Plugin::on_timer`] |
#![cfg_attr(
    feature = "prometheus",
    doc = "| show an existing `prometheus::Registry` | [`prometheus::show`] |"
)]
#![cfg_attr(
    feature = "testkit",
    doc = "| test all that without a server | [`testkit`] |"
)]
//!
//! Every method runs on a thread of the plugin's own pool, under a deadline; each says how long it may
//! take and what becomes of an error. Panics are caught and become errors. There is no `async` here:
//! keep the [`Responder`] and answer from a runtime of your own.
#![forbid(unsafe_code)]

mod config;
mod entries;
mod error;
mod events;
#[doc(hidden)]
pub mod export;
mod exports;
mod families;
mod host;
mod library;
mod metadata;
mod metrics;
mod percent;
mod plugin;
#[cfg(feature = "prometheus")]
pub mod prometheus;
mod registered;
mod request;
mod responder;
mod routes;
mod series;
#[cfg(feature = "testkit")]
pub mod testkit;

pub use config::Config;
pub use error::{Error, ErrorKind, Result};
pub use events::{BATCH_EVENTS_MAX, Event, EventKinds, Events};
pub use exports::{FamilyFacts, Gathered, PushDraft, Pushes};
pub use families::{Families, FamilyRows};
pub use host::{Host, Model};
pub use meterbox_plugin_abi::gather;
pub use meterbox_plugin_abi::{Level, Push, PushSink, Roles, Verdict};
pub use metrics::{Counter, CounterF64, Family, Gauge, Histogram, Info, Metrics, Summary};
pub use plugin::Plugin;
pub use request::{BODY_BYTES_MAX, Request};
pub use responder::Responder;
pub use routes::{RouteMethods, Routes};
pub use series::{Series, series};

/// The plugin that the README shows, compiled with the other examples.
#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
struct Readme;

/// What nearly every plugin needs.
pub mod prelude {
    pub use crate::export_plugin;
    pub use crate::{
        Config, Counter, CounterF64, Error, ErrorKind, EventKinds, Events, Families, Gathered,
        Gauge, Histogram, Host, Info, Level, Metrics, Plugin, Pushes, Request, Responder, Result,
        Roles, Routes, Summary, Verdict,
    };
}
