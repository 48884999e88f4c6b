//! The account of one request: counted and logged once, when its answer is finished or given up.

use crate::front::Shared;
use crate::link::Link;
use crate::services::{Access, RouteCounters};
use http::{Method, Uri, Version};
use meterbox_net::Peer;
use std::sync::Arc;
use std::time::Instant;

/// Counts and logs when it is dropped.
pub(crate) struct Account {
    shared: Arc<Shared>,
    link: Arc<Link>,
    peer: Peer,
    method: Method,
    uri: Uri,
    version: Version,
    received: Instant,
    status: u16,
    counted: Counted,
    sent: u64,
    logged: bool,
}

/// Under what an answer is counted.
pub(crate) enum Counted {
    /// A row of the table.
    Row(usize),
    /// An endpoint that is no row.
    Endpoint(Arc<dyn RouteCounters>),
    /// No route.
    Nowhere,
    /// A refusal of its own kind.
    Refused(&'static str),
}

impl Account {
    pub(crate) fn new(
        shared: Arc<Shared>,
        link: Arc<Link>,
        peer: Peer,
        parts: &http::request::Parts,
        received: Instant,
        logged: bool,
    ) -> Self {
        shared.counters.request_began();
        Self {
            shared,
            link,
            peer,
            method: parts.method.clone(),
            uri: parts.uri.clone(),
            version: parts.version,
            received,
            status: 500,
            counted: Counted::Nowhere,
            sent: 0,
            logged,
        }
    }

    /// The answer begins.
    pub(crate) fn answer(&mut self, status: u16, counted: Counted) {
        self.status = status;
        self.counted = counted;
    }

    /// Whether the connection ends after this answer because the server does.
    pub(crate) fn is_draining(&self) -> bool {
        self.link.is_draining()
    }

    /// Bytes of the body went out.
    pub(crate) fn sent(&mut self, bytes: u64) {
        self.sent += bytes;
    }
}

impl Drop for Account {
    fn drop(&mut self) {
        self.link.answered();
        let took = self.received.elapsed();
        let shared = &self.shared;
        match &self.counted {
            Counted::Row(index) => shared.rows[*index].answered(self.status, took),
            Counted::Endpoint(route) => route.answered(self.status, took),
            Counted::Nowhere => shared.nowhere.answered(self.status, took),
            Counted::Refused(reason) => shared.counters.request_refused(reason, self.status),
        }
        if self.sent > 0 {
            shared.counters.sent(self.sent);
        }
        shared.counters.request_ended();
        if self.logged {
            shared.access_log.write(&Access {
                peer: self.peer,
                method: &self.method,
                uri: &self.uri,
                version: self.version,
                status: self.status,
                took,
            });
        }
    }
}
