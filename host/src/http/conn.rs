//! One connection: hyper over the checked wire, and one timer for all that may take too long.

use super::front::Front;
use super::link::{Link, Overdue};
use super::request::Peer;
use super::service::{Session, serve};
use super::socket::Socket;
use super::wire::Wire;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use meterbox_config::HttpSettings;
use meterbox_http_wire::HeadLimits;
use std::future::{Future, poll_fn};
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Instant;
use tokio::sync::watch;
use tokio::time::sleep_until;

/// Header fields that hyper has room for without asking for memory.
const HYPER_FIELDS: usize = 100;

/// Serves a connection to its end. `draining` turns true when the server ends.
pub(super) async fn run(
    socket: Socket,
    peer: Peer,
    front: Arc<Front>,
    mut draining: watch::Receiver<bool>,
) {
    let _open = front.metrics.connection();
    let settings = front.services.settings.load_full();
    let limits = &settings.http;
    let link = Arc::new(Link::new(Instant::now()));
    let wire = Wire::new(
        socket,
        Arc::clone(&link),
        head_limits(limits),
        front.keeps_heads(),
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
    let mut ends = pin!(async move {
        // The server is gone altogether if this fails.
        let _ = draining.wait_for(|draining| *draining).await;
    });
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
                    note(&front, overdue);
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

fn note(front: &Front, overdue: Overdue) {
    if let Some(reason) = overdue.reason() {
        front.metrics.connection_refused(reason);
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
