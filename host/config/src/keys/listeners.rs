//! Keys of the three listeners.

use super::Group;
use crate::key::{Key, Kind};

pub(super) static GROUP: Group = Group {
    title: "Listeners",
    about: "Where the server can be reached. Two or three listeners may share one address, which \
            then serves all their routes.",
    keys: &[
        Key::inherited(
            "inference_address",
            Kind::Address { port: 80 },
            "Where predictions are served.",
        )
        .default("http://127.0.0.1:8080")
        .shipped("http://127.0.0.1:8080")
        .details(ADDRESS),
        Key::inherited(
            "management_address",
            Kind::Address { port: 8081 },
            "Where models and plugins are managed.",
        )
        .default("http://127.0.0.1:8081")
        .shipped("http://127.0.0.1:8081")
        .details(
            "Off loopback, token authorization is on unless the file says \
             disable_token_authorization=true in so many words; then it is obeyed, with a warning \
             at start, on the landing page and as the metric meterbox_insecure_listener.",
        ),
        Key::inherited(
            "metrics_address",
            Kind::Address { port: 8082 },
            "Where metric endpoints are served.",
        )
        .default("http://127.0.0.1:8082")
        .shipped("http://127.0.0.1:8082")
        .details("A Prometheus on another machine needs http://0.0.0.0:8082 here."),
        Key::own(
            "allowed_hosts",
            Kind::List,
            "Host names that requests may carry beyond the bound addresses and localhost.",
        )
        .reloadable()
        .details(
            "A listener on loopback answers 421 to a Host that is neither its address, localhost \
             nor listed here, so that a web page cannot reach it by a name of its own. A listener \
             elsewhere checks Host only if this key is set. The port in Host is ignored.",
        ),
    ],
};

const ADDRESS: &str = "`http://host:port`, or `unix:/path` for a Unix socket. Port 0 takes a free \
                       port; the log says which. https:// is refused: put a TLS proxy in front.";
