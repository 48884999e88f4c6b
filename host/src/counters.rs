//! What happens on sockets, as `meterbox_http` tells it, counted in the metrics of telemetry.

use meterbox_http::{Counters, MakeCounters, RouteCounters};
use meterbox_telemetry::http::{HttpMetrics, ListenerMetrics, RouteMetrics};
use std::sync::Arc;
use std::time::Duration;

/// Makes the counters of each socket.
pub(crate) fn counters(http: &HttpMetrics) -> MakeCounters {
    let http = http.clone();
    Box::new(move |listeners| Arc::new(Socket(http.listener(&listeners.to_string()))))
}

struct Socket(Arc<ListenerMetrics>);

impl Counters for Socket {
    fn connection_opened(&self) {
        self.0.connection_opened();
    }

    fn connection_closed(&self) {
        self.0.connection_closed();
    }

    fn connection_refused(&self, reason: &'static str) {
        self.0.connection_refused(reason);
    }

    fn request_began(&self) {
        self.0.request_began();
    }

    fn request_ended(&self) {
        self.0.request_ended();
    }

    fn request_refused(&self, reason: &'static str, status: u16) {
        self.0.request_refused(reason, status);
    }

    fn received(&self, bytes: u64) {
        self.0.received(bytes);
    }

    fn sent(&self, bytes: u64) {
        self.0.sent(bytes);
    }

    fn route(&self, pattern: &str) -> Arc<dyn RouteCounters> {
        Arc::new(Route(self.0.route(pattern)))
    }
}

struct Route(RouteMetrics);

impl RouteCounters for Route {
    fn answered(&self, status: u16, took: Duration) {
        self.0.answered(status, took);
    }
}
