//! What an operation may use: the one value that `app` builds and every request gets.

use crate::endpoint::PluginEndpoint;
use crate::reload_requests::ReloadRequests;
use crate::stage::Stage;
use arc_swap::ArcSwap;
use meterbox_config::Settings;
use meterbox_http::{Listener, Listeners, Place, Tokens};
use meterbox_models::Models;
use meterbox_plugins::Catalog;
use meterbox_telemetry::Telemetry;
use std::sync::Arc;

/// A row of the route table.
pub type Route = meterbox_http::Route<Services>;
/// What answers a request of a row.
pub type Operation = meterbox_http::Operation<Services>;

/// The components of a running server. Shared by all requests; nothing in it is global.
pub struct Services {
    /// The configuration in force; a reload replaces it.
    pub settings: ArcSwap<Settings>,
    /// All plugins.
    pub plugins: Arc<Catalog>,
    /// All models.
    pub models: Models,
    /// The server's own metrics.
    pub telemetry: Arc<Telemetry>,
    /// The keys of the token guard.
    pub tokens: Arc<Tokens>,
    /// Where the server is between start and end.
    pub stage: Arc<Stage>,
    /// Asks for the configuration to be read again.
    pub reloads: ReloadRequests,
    /// Where the listeners are.
    pub places: ArcSwap<Vec<(Listeners, Place)>>,
}

impl Services {
    /// Whether every model has the workers that it should have.
    #[must_use]
    pub fn healthy(&self) -> bool {
        self.models.are_healthy()
    }
}

impl meterbox_http::Services for Services {
    type Endpoint = PluginEndpoint;

    fn settings(&self) -> Arc<Settings> {
        self.settings.load_full()
    }

    fn tokens(&self) -> &Tokens {
        &self.tokens
    }

    /// Without metrics if metric endpoints are switched off.
    fn open(&self, listeners: Listeners) -> Listeners {
        if self.stage.metrics_open() {
            return listeners;
        }
        listeners.both(Listeners::INFERENCE | Listeners::MANAGEMENT)
    }

    fn endpoint(&self, listener: Listener, path: &str) -> Option<PluginEndpoint> {
        let routes = self.plugins.routes();
        let (endpoint, _) = routes.find(border_name(listener), path)?;
        Some(PluginEndpoint {
            endpoint: Arc::clone(endpoint),
            listener,
            http: self.telemetry.http().clone(),
        })
    }
}

fn border_name(listener: Listener) -> meterbox_plugin_abi::Listener {
    match listener {
        Listener::Inference => meterbox_plugin_abi::Listener::INFERENCE,
        Listener::Management => meterbox_plugin_abi::Listener::MANAGEMENT,
        Listener::Metrics => meterbox_plugin_abi::Listener::METRICS,
    }
}
