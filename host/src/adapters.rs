//! Where components meet that do not know each other: each trait is its user's, each value another's.

use http::Version;
use meterbox_http::{Access, Peer};
use meterbox_logs::AccessLog;
use meterbox_models::{EventSink, Models};
use meterbox_plugin_abi::Row;
use meterbox_plugin_abi::events::EventKinds;
use meterbox_plugin_abi::gather::{Filter, GatherSource, Visitor};
use meterbox_plugins::{Catalog, ModelList, Subscribers};
use std::sync::Arc;

/// Plugins are told what happens to models.
pub(crate) struct Announced(pub(crate) Subscribers);

impl EventSink for Announced {
    fn wants(&self, kind: EventKinds) -> bool {
        self.0.want(kind)
    }

    fn take(&self, kind: EventKinds, event: &Row) {
        self.0.publish(kind, event);
    }
}

/// Plugins see which models there are.
pub(crate) struct ListOf(pub(crate) Models);

impl ModelList for ListOf {
    fn rows(&self) -> Vec<Row> {
        self.0.rows()
    }

    fn refresh_metrics(&self) {
        self.0.refresh_metrics();
    }
}

/// Exporters are shown everything that is gathered.
pub(crate) struct Everything(pub(crate) Arc<Catalog>);

impl GatherSource for Everything {
    fn gather(&self, filter: &Filter<'_>, visitor: &mut dyn Visitor) -> Result<(), String> {
        self.0.gather(filter, visitor);
        Ok(())
    }
}

/// Requests are logged.
pub(crate) struct Logged(pub(crate) Arc<AccessLog>);

impl meterbox_http::AccessLog for Logged {
    fn write(&self, entry: &Access<'_>) {
        let target = entry.uri.path_and_query();
        self.0.write(&meterbox_logs::access::Request {
            peer: match entry.peer {
                Peer::Tcp(address) => Some(address),
                Peer::Unix => None,
            },
            method: entry.method.as_str(),
            target: target.map_or("*", |target| target.as_str()),
            version: version(entry.version),
            status: entry.status,
            took: entry.took,
        });
    }
}

fn version(version: Version) -> &'static str {
    if version == Version::HTTP_10 {
        "HTTP/1.0"
    } else {
        "HTTP/1.1"
    }
}
