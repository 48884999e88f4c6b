//! The account of one request: counted and logged once, when its answer is finished or given up.

use super::access_log::Entry;
use super::front::Front;
use super::link::Link;
use super::request::Peer;
use http::{Method, Uri, Version};
use meterbox_telemetry::http::{RequestUnderWay, RouteMetrics};
use std::sync::Arc;
use std::time::Instant;

/// Counts and logs when it is dropped.
pub(super) struct Account {
    front: Arc<Front>,
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
    _under_way: RequestUnderWay,
}

/// Under what an answer is counted.
pub(super) enum Counted {
    /// A row of the table.
    Row(usize),
    /// An endpoint of a plugin.
    Endpoint(Arc<RouteMetrics>),
    /// No route.
    Nowhere,
    /// A refusal of its own kind.
    Refused(&'static str),
}

impl Account {
    pub(super) fn new(
        front: Arc<Front>,
        link: Arc<Link>,
        peer: Peer,
        parts: &http::request::Parts,
        received: Instant,
        logged: bool,
    ) -> Self {
        let under_way = front.metrics.request();
        Self {
            front,
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
            _under_way: under_way,
        }
    }

    /// The answer begins.
    pub(super) fn answer(&mut self, status: u16, counted: Counted) {
        self.status = status;
        self.counted = counted;
    }

    /// Bytes of the body went out.
    pub(super) fn sent(&mut self, bytes: u64) {
        self.sent += bytes;
    }
}

impl Drop for Account {
    fn drop(&mut self) {
        self.link.answered();
        let took = self.received.elapsed();
        let front = &self.front;
        match &self.counted {
            Counted::Row(index) => front.rows[*index].answered(self.status, took),
            Counted::Endpoint(route) => route.answered(self.status, took),
            Counted::Nowhere => front.nowhere.answered(self.status, took),
            Counted::Refused(reason) => front.metrics.request_refused(reason, self.status),
        }
        if self.sent > 0 {
            front.metrics.sent(self.sent);
        }
        if self.logged {
            front.access_log.write(Entry {
                peer: self.peer,
                method: self.method.clone(),
                uri: self.uri.clone(),
                version: self.version,
                status: self.status,
                took,
            });
        }
    }
}
