//! Timers and caps of connections.

use crate::values::Values;
use std::num::NonZeroUsize;
use std::time::Duration;

/// Settings of the HTTP layer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HttpSettings {
    /// Largest request body, in bytes.
    pub request_bytes_max: u64,
    /// Largest reply of a worker, in bytes.
    pub response_bytes_max: u64,
    /// Threads of the runtime; `None` means one per CPU.
    pub threads: Option<NonZeroUsize>,
    /// Open connections of one listener.
    pub connections_max: usize,
    /// Connections that the kernel keeps until they are accepted.
    pub backlog: u32,
    /// How long a request head may take.
    pub header_timeout: Duration,
    /// How long a connection may wait for its next request.
    pub idle_timeout: Duration,
    /// Slowest body after `body_grace`, in bytes per second; 0 accepts any.
    pub body_rate_min: u64,
    /// How long a body may be slower at its start.
    pub body_grace: Duration,
    /// How long a body may take in all.
    pub body_timeout: Duration,
    /// How long a client may take nothing of a response.
    pub write_stall: Duration,
    /// Largest request head, in bytes.
    pub header_bytes_max: usize,
    /// Header fields of one request.
    pub header_count_max: usize,
    /// Longest request target, in bytes.
    pub uri_bytes_max: usize,
    /// How long the server still accepts after SIGTERM.
    pub drain_delay: Duration,
    /// How long requests in flight may take after SIGTERM.
    pub grace_period: Duration,
}

impl HttpSettings {
    pub(super) fn of(values: &Values) -> Self {
        Self {
            request_bytes_max: values.number("max_request_size"),
            response_bytes_max: values.number("max_response_size"),
            threads: NonZeroUsize::new(values.size("number_of_netty_threads")),
            connections_max: values.size("connections_max"),
            backlog: u32::try_from(values.number("listen_backlog")).unwrap_or(u32::MAX),
            header_timeout: values.millis("header_timeout_ms"),
            idle_timeout: values.millis("idle_timeout_ms"),
            body_rate_min: values.number("body_rate_min"),
            body_grace: values.millis("body_grace_ms"),
            body_timeout: values.millis("body_timeout_ms"),
            write_stall: values.millis("write_stall_ms"),
            header_bytes_max: values.size("header_bytes_max"),
            header_count_max: values.size("header_count_max"),
            uri_bytes_max: values.size("uri_bytes_max"),
            drain_delay: values.millis("drain_delay_ms"),
            grace_period: values.millis("grace_period_ms"),
        }
    }
}
