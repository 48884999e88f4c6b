//! Keys of metrics: endpoints, name sets, limits.

use super::Group;
use crate::key::{Key, Kind};

pub(super) static GROUP: Group = Group {
    title: "Metrics",
    about: "What is measured, under which names, and how much of it is kept.",
    keys: &[
        Key::inherited(
            "enable_metrics_endpoints",
            Kind::Bool,
            "false: the metrics listener is closed and no metric endpoint is served.",
        )
        .aliases(&["enable_metrics_api"])
        .default("true")
        .shipped("true")
        .reloadable()
        .details("Collectors, exporters and ingest go on."),
        Key::inherited(
            "metrics_mode",
            Kind::Choice(&["prometheus", "log", "legacy", "both"]),
            "Where metrics go: the page, the log, or both.",
        )
        .default("prometheus")
        .shipped("prometheus")
        .details(
            "prometheus: everything on the page, nothing in the log. log: everything in the log \
             and an empty page. legacy: the three ts_* counters on the page, the rest in the log. \
             both: everything in both. TorchServe's default is log.",
        ),
        Key::own(
            "metrics_names",
            Kind::Choices(&[
                "meterbox",
                "torchserve",
                "torchserve-plugin",
                "node",
                "seldon",
                "clipper",
            ]),
            "Which sets of metric names are printed; of equal names the first set wins.",
        )
        .default("meterbox,torchserve,torchserve-plugin")
        .shipped("meterbox,torchserve,torchserve-plugin")
        .details(
            "meterbox: base units, `_total`. torchserve: the names of TorchServe 0.12. \
             torchserve-plugin: the names of its metrics plugin, such as \
             ts_queue_latency_milliseconds and memory_used. node: system metrics under \
             node_exporter's names.",
        ),
        Key::own(
            "metrics_detail",
            Kind::Choice(&["full", "model", "aggregate"]),
            "How far latency histograms are split: by model version, by model, or not at all.",
        )
        .default("full"),
        Key::inherited(
            "metrics_config",
            Kind::Path,
            "YAML file that declares the metrics of model code.",
        )
        .details("Unset, the declarations that TorchServe 0.12 ships are built in."),
        Key::inherited(
            "model_metrics_auto_detect",
            Kind::Bool,
            "true: metrics of model code need no declaration.",
        )
        .default("false")
        .shipped("true"),
        Key::inherited(
            "disable_system_metrics",
            Kind::Bool,
            "true: the bundled system plugin is not loaded.",
        )
        .default("false"),
        Key::own(
            "series_max",
            Kind::Integer {
                min: 1_000,
                max: 100_000_000,
            },
            "Series in all; a histogram counts as one.",
        )
        .default("200000")
        .unit("series")
        .reloadable()
        .details(
            "What is over this or one of the next limits is counted in \
             meterbox_dropped_samples_total by source and reason; existing series are untouched.",
        ),
        Key::own(
            "series_per_metric_max",
            Kind::Integer {
                min: 1,
                max: 100_000_000,
            },
            "Series of one metric.",
        )
        .default("10000")
        .unit("series")
        .reloadable(),
        Key::own(
            "series_per_plugin_max",
            Kind::Integer {
                min: 0,
                max: 100_000_000,
            },
            "Series that one plugin may create.",
        )
        .default("10000")
        .unit("series")
        .reloadable(),
        Key::own(
            "series_per_model_max",
            Kind::Integer {
                min: 0,
                max: 100_000_000,
            },
            "Series that the code of one model may create.",
        )
        .default("50000")
        .unit("series")
        .reloadable(),
        Key::own(
            "metrics_max",
            Kind::Integer {
                min: 100,
                max: 1_000_000,
            },
            "Metrics (families of series) in all.",
        )
        .default("10000")
        .unit("metrics"),
        Key::own(
            "label_count_max",
            Kind::Integer { min: 1, max: 64 },
            "Labels of one series that came from outside.",
        )
        .default("32")
        .unit("labels"),
        Key::own(
            "label_value_bytes_max",
            Kind::Integer {
                min: 16,
                max: 65_536,
            },
            "Length of a label value that came from outside.",
        )
        .default("1024")
        .unit("bytes"),
        Key::own(
            "series_ttl_s",
            Kind::Integer {
                min: 0,
                max: 31_536_000,
            },
            "Series of model code that nobody touched for so long are removed; 0 keeps them.",
        )
        .default("0")
        .unit("s"),
    ],
};
