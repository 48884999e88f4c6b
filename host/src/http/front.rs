//! What all connections of one socket share: rules, table, counters.

use super::access_log::AccessLog;
use super::guard::Hosts;
use super::listener::{Listener, Listeners};
use super::router::Router;
use crate::services::Services;
use arc_swap::ArcSwap;
use meterbox_telemetry::http::{HttpMetrics, ListenerMetrics, RouteMetrics};
use parking_lot::Mutex;
use std::collections::HashMap;
use std::sync::Arc;

/// Endpoints of plugins that get counters of their own; more share one.
const ENDPOINTS_MAX: usize = 1024;

/// The shared part of a socket.
pub(super) struct Front {
    pub(super) listeners: Listeners,
    pub(super) connections_max: usize,
    pub(super) hosts: ArcSwap<Hosts>,
    pub(super) router: Arc<Router>,
    pub(super) services: Arc<Services>,
    pub(super) metrics: Arc<ListenerMetrics>,
    /// One per row of the table.
    pub(super) rows: Vec<RouteMetrics>,
    pub(super) nowhere: RouteMetrics,
    pub(super) access_log: AccessLog,
    endpoints: Mutex<HashMap<String, Arc<RouteMetrics>>>,
}

impl Front {
    pub(super) fn new(
        listeners: Listeners,
        connections_max: usize,
        hosts: Hosts,
        router: Arc<Router>,
        services: Arc<Services>,
        http: &HttpMetrics,
        access_log: AccessLog,
    ) -> Self {
        let metrics = http.listener(&listeners.to_string());
        Self {
            rows: router
                .routes()
                .map(|route| metrics.route(route.pattern))
                .collect(),
            nowhere: metrics.route("none"),
            metrics,
            listeners,
            connections_max,
            hosts: ArcSwap::from_pointee(hosts),
            router,
            services,
            access_log,
            endpoints: Mutex::default(),
        }
    }

    /// Whether the spelling of header names matters: handlers of models see it.
    pub(super) fn keeps_heads(&self) -> bool {
        self.listeners.has(Listener::Inference)
    }

    /// The counters of a plugin's endpoint by its first path segment.
    pub(super) fn endpoint(&self, pattern: &str) -> Arc<RouteMetrics> {
        let mut endpoints = self.endpoints.lock();
        if let Some(known) = endpoints.get(pattern) {
            return Arc::clone(known);
        }
        let full = endpoints.len() >= ENDPOINTS_MAX;
        let name = if full { "other" } else { pattern };
        let made = Arc::new(self.metrics.route(&format!("/{name}")));
        endpoints.entry(name.to_owned()).or_insert(made).clone()
    }
}
