//! What an operation may use: the one value that `app` builds and every request gets.

use crate::http::{Listeners, Place, Tokens};
use crate::models::Models;
use crate::plugins::Catalog;
use crate::reload_requests::ReloadRequests;
use crate::stage::Stage;
use arc_swap::ArcSwap;
use meterbox_config::Settings;
use meterbox_telemetry::Telemetry;
use std::sync::Arc;

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
