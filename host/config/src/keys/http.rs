//! Keys of the HTTP layer: timers, caps, shutdown.

use super::Group;
use crate::key::{Key, Kind};

pub(super) static GROUP: Group = Group {
    title: "HTTP",
    about: "Timers and caps of every connection. What is over a cap is refused with its status \
            and counted by reason.",
    keys: &[
        Key::inherited(
            "max_request_size",
            Kind::Integer {
                min: 1,
                max: 1 << 40,
            },
            "The largest request body; more is 413.",
        )
        .default("6553500")
        .unit("bytes"),
        Key::inherited(
            "max_response_size",
            Kind::Integer {
                min: 1,
                max: 1 << 40,
            },
            "The largest reply of a worker.",
        )
        .default("6553500")
        .unit("bytes"),
        Key::inherited(
            "number_of_netty_threads",
            Kind::Integer { min: 0, max: 1_024 },
            "Threads that serve connections; 0 means one per CPU.",
        )
        .default("0")
        .unit("threads"),
        Key::own(
            "connections_max",
            Kind::Integer {
                min: 1,
                max: 1_000_000,
            },
            "Open connections of one listener; more wait to be accepted.",
        )
        .default("4096")
        .unit("connections"),
        Key::own(
            "listen_backlog",
            Kind::Integer {
                min: 1,
                max: 65_535,
            },
            "Connections that the kernel keeps until they are accepted.",
        )
        .default("4096")
        .unit("connections"),
        Key::own(
            "header_timeout_ms",
            Kind::Integer {
                min: 10,
                max: 3_600_000,
            },
            "How long a request head may take; then the connection is closed.",
        )
        .default("10000")
        .unit("ms"),
        Key::own(
            "idle_timeout_ms",
            Kind::Integer {
                min: 10,
                max: 86_400_000,
            },
            "How long a connection may wait for its next request.",
        )
        .default("60000")
        .unit("ms"),
        Key::own(
            "body_rate_min",
            Kind::Integer {
                min: 0,
                max: 1 << 40,
            },
            "The slowest body that is accepted, after body_grace_ms; 0 accepts any.",
        )
        .default("1024")
        .unit("bytes/s"),
        Key::own(
            "body_grace_ms",
            Kind::Integer {
                min: 0,
                max: 3_600_000,
            },
            "How long a body may be slower than body_rate_min at its start.",
        )
        .default("5000")
        .unit("ms"),
        Key::own(
            "body_timeout_ms",
            Kind::Integer {
                min: 10,
                max: 86_400_000,
            },
            "How long a body may take in all.",
        )
        .default("300000")
        .unit("ms"),
        Key::own(
            "write_stall_ms",
            Kind::Integer {
                min: 10,
                max: 3_600_000,
            },
            "How long a client may take nothing of a response.",
        )
        .default("30000")
        .unit("ms"),
        Key::own(
            "header_bytes_max",
            Kind::Integer {
                min: 1_024,
                max: 1_048_576,
            },
            "The largest request head; more is 431.",
        )
        .default("32768")
        .unit("bytes"),
        Key::own(
            "header_count_max",
            Kind::Integer { min: 8, max: 1_000 },
            "Header fields of one request; more is 431.",
        )
        .default("100")
        .unit("fields"),
        Key::own(
            "uri_bytes_max",
            Kind::Integer {
                min: 256,
                max: 65_536,
            },
            "The longest request target; more is 414.",
        )
        .default("8192")
        .unit("bytes"),
        Key::own(
            "drain_delay_ms",
            Kind::Integer {
                min: 0,
                max: 600_000,
            },
            "How long the server still accepts after SIGTERM, with readiness off.",
        )
        .default("0")
        .unit("ms")
        .details("Set it to the time a load balancer needs to notice."),
        Key::own(
            "grace_period_ms",
            Kind::Integer {
                min: 0,
                max: 3_600_000,
            },
            "How long requests in flight may take after SIGTERM.",
        )
        .default("30000")
        .unit("ms"),
    ],
};
