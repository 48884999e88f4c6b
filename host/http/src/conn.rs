//! One connection: hyper over the checked wire, and one timer for all that may take too long.

use crate::front::Front;
use crate::link::Link;
use crate::service::{Session, serve};
use crate::services::{Counters, Services};
use crate::wire::Wire;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use meterbox_config::HttpSettings;
use meterbox_http_wire::HeadLimits;
use meterbox_net::{Draining, Handler, Peer, Socket};
use std::future::{Future, poll_fn};
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Instant;
use tokio::time::sleep_until;

/// Header fields that hyper has room for without asking for memory.
const HYPER_FIELDS: usize = 100;

impl<S: Services> Handler for Front<S> {
    async fn serve(self: Arc<Self>, socket: Socket, peer: Peer, draining: Draining) {
        run(socket, peer, self, draining).await;
    }

    fn accept_failed(&self) {
        self.shared.counters.connection_refused("accept_failed");
    }
}

/// Serves a connection to its end.
async fn run<S: Services>(
    socket: Socket,
    peer: Peer,
    front: Arc<Front<S>>,
    mut draining: Draining,
) {
    let counters = &*front.shared.counters;
    let _open = Open::new(counters);
    let settings = front.services.settings();
    let limits = &settings.http;
    let link = Arc::new(Link::new(Instant::now()));
    let wire = Wire::new(
        socket,
        Arc::clone(&link),
        head_limits(limits),
        front.shared.keeps_heads(),
    );
    let session = Session {
        front: Arc::clone(&front),
        link: Arc::clone(&link),
        peer,
        settings: Arc::clone(&settings),
    };
    let session = Arc::new(session);
    let service = service_fn(move |request| serve(Arc::clone(&session), request));
    let connection = builder(limits).serve_connection(wire, service);
    let mut connection = pin!(connection);
    let mut ends = pin!(draining.begins());
    let mut drains = false;
    let first = link
        .deadline(limits)
        .map_or_else(Instant::now, |(at, _)| at);
    let mut armed = first;
    let mut timer = pin!(sleep_until(first.into()));
    poll_fn(|cx| {
        if !drains && ends.as_mut().poll(cx).is_ready() {
            drains = true;
            link.drain();
        }
        if connection.as_mut().poll(cx).is_ready() {
            // How it ended has been counted, or is the client's affair.
            return Poll::Ready(());
        }
        loop {
            let deadline = link.deadline(limits);
            if let Some((at, _)) = deadline
                && at < armed
            {
                armed = at;
                timer.as_mut().reset(at.into());
            }
            if timer.as_mut().poll(cx).is_pending() {
                return Poll::Pending;
            }
            let now = Instant::now();
            match deadline {
                Some((at, overdue)) if at <= now => {
                    if let Some(reason) = overdue.reason() {
                        counters.connection_refused(reason);
                    }
                    return Poll::Ready(());
                }
                Some((at, _)) => armed = at,
                // Nothing is timed now; something will be when this comes round.
                None => armed = now + limits.idle_timeout,
            }
            timer.as_mut().reset(armed.into());
        }
    })
    .await;
}

/// Counts a connection as open until it is dropped.
struct Open<'a>(&'a dyn Counters);

impl<'a> Open<'a> {
    fn new(counters: &'a dyn Counters) -> Self {
        counters.connection_opened();
        Self(counters)
    }
}

impl Drop for Open<'_> {
    fn drop(&mut self) {
        self.0.connection_closed();
    }
}

fn head_limits(limits: &HttpSettings) -> HeadLimits {
    HeadLimits {
        bytes: limits.header_bytes_max,
        fields: limits.header_count_max,
        target_bytes: limits.uri_bytes_max,
    }
}

fn builder(limits: &HttpSettings) -> http1::Builder {
    let mut builder = http1::Builder::new();
    // Time is kept by `link`, which knows more than hyper does.
    builder.header_read_timeout(None).auto_date_header(false);
    builder.max_buf_size(limits.header_bytes_max.max(64 * 1024) + 8 * 1024);
    if limits.header_count_max > HYPER_FIELDS {
        builder.max_headers(limits.header_count_max);
    }
    builder
}
