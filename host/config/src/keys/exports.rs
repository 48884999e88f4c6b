//! Keys of exports: how often exporter plugins are asked, and how their pushes are delivered.

use super::Group;
use crate::key::{Key, Kind, Variable};

pub(super) static GROUP: Group = Group {
    title: "Exports",
    about: "Exporter plugins push metrics to other systems. They say what to send; the server \
            sends it, tries again, and counts what it gives up.",
    keys: &[
        Key::own(
            "export_interval_ms",
            Kind::Integer {
                min: 100,
                max: 86_400_000,
            },
            "How often an exporter plugin is asked for pushes.",
        )
        .default("15000")
        .unit("ms")
        .reloadable()
        .details("It is asked once more when the server ends, within grace_period_ms."),
        Key::own(
            "export_queue_pushes_max",
            Kind::Integer {
                min: 1,
                max: 1_000_000,
            },
            "Pushes of one exporter that may wait for delivery; further ones are dropped and counted.",
        )
        .default("1000")
        .unit("pushes")
        .reloadable(),
        Key::own(
            "export_queue_bytes_max",
            Kind::Integer {
                min: 1024,
                max: 1 << 40,
            },
            "Bytes of all waiting pushes of one exporter; also the largest single push.",
        )
        .default("33554432")
        .unit("bytes")
        .reloadable(),
        Key::own(
            "export_timeout_ms",
            Kind::Integer {
                min: 10,
                max: 3_600_000,
            },
            "How long one attempt to deliver a push may take, its answer included.",
        )
        .default("5000")
        .unit("ms")
        .reloadable(),
        Key::own(
            "export_give_up_ms",
            Kind::Integer {
                min: 100,
                max: 604_800_000,
            },
            "A push that could not be delivered for so long is dropped and counted.",
        )
        .default("300000")
        .unit("ms")
        .reloadable()
        .details(
            "Until then it is tried again after 0.5 s, doubling to 60 s, or when Retry-After of the \
             answer says so, after 1 s to 5 min.",
        ),
        Key::own(
            "export_ca_file",
            Kind::Path,
            "PEM file of authorities that may sign certificates of https receivers, beside the system's.",
        )
        .details("Read at the start. A file that cannot be used refuses the start."),
        Key::own(
            "plugin.<name>.export_interval_ms",
            Kind::Integer {
                min: 100,
                max: 86_400_000,
            },
            "How often this exporter is asked, instead of export_interval_ms.",
        )
        .unit("ms")
        .variable(Variable::None)
        .reloadable(),
    ],
};
