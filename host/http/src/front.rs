//! What all connections of one socket share: rules, table, counters.

use crate::guard::Hosts;
use crate::listener::{Listener, Listeners};
use crate::router::Router;
use crate::services::{AccessLog, Counters, RouteCounters, Services};
use arc_swap::ArcSwap;
use parking_lot::Mutex;
use std::collections::HashMap;
use std::sync::Arc;

/// Endpoints that get counters of their own; more share one.
const ENDPOINTS_MAX: usize = 1024;

/// The part of a socket that knows no services.
pub(crate) struct Shared {
    pub(crate) listeners: Listeners,
    /// What a URL of it begins with.
    pub(crate) scheme: &'static str,
    pub(crate) hosts: ArcSwap<Hosts>,
    pub(crate) counters: Arc<dyn Counters>,
    /// One per row of the table.
    pub(crate) rows: Vec<Arc<dyn RouteCounters>>,
    pub(crate) nowhere: Arc<dyn RouteCounters>,
    pub(crate) access_log: Arc<dyn AccessLog>,
    endpoints: Mutex<HashMap<String, Arc<dyn RouteCounters>>>,
}

/// The shared part of a socket.
pub(crate) struct Front<S: Services> {
    pub(crate) shared: Arc<Shared>,
    pub(crate) router: Arc<Router<S>>,
    pub(crate) services: Arc<S>,
}

impl Shared {
    pub(crate) fn new<'r>(
        listeners: Listeners,
        scheme: &'static str,
        hosts: Hosts,
        patterns: impl Iterator<Item = &'r str>,
        counters: Arc<dyn Counters>,
        access_log: Arc<dyn AccessLog>,
    ) -> Self {
        Self {
            rows: patterns.map(|pattern| counters.route(pattern)).collect(),
            nowhere: counters.route("none"),
            counters,
            listeners,
            scheme,
            hosts: ArcSwap::from_pointee(hosts),
            access_log,
            endpoints: Mutex::default(),
        }
    }

    /// Whether the spelling of header names matters: handlers of models see it.
    pub(crate) fn keeps_heads(&self) -> bool {
        self.listeners.has(Listener::Inference)
    }

    /// The counters of an endpoint by its pattern.
    pub(crate) fn endpoint(&self, pattern: &str) -> Arc<dyn RouteCounters> {
        let mut endpoints = self.endpoints.lock();
        if let Some(known) = endpoints.get(pattern) {
            return Arc::clone(known);
        }
        let full = endpoints.len() >= ENDPOINTS_MAX;
        let name = if full { "other" } else { pattern };
        let made = self.counters.route(&format!("/{name}"));
        endpoints.entry(name.to_owned()).or_insert(made).clone()
    }
}
