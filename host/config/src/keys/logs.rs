//! Keys of the log.

use super::Group;
use crate::key::{Key, Kind, Variable};

pub(super) static GROUP: Group = Group {
    title: "Log",
    about: "The log goes to standard error. METERBOX_LOG in the environment overrides the levels, \
            as in `info,plugin.drift=debug`.",
    keys: &[
        Key::own(
            "log_format",
            Kind::Choice(&["text", "json"]),
            "How a log line looks.",
        )
        .default("text"),
        Key::own(
            "log_level",
            Kind::Choice(LEVELS),
            "The least severe line that is logged.",
        )
        .default("info")
        .reloadable(),
        Key::own(
            "log_level.<target>",
            Kind::Choice(LEVELS),
            "The level of one target, such as plugin.drift or http.",
        )
        .variable(Variable::None)
        .reloadable(),
        Key::own(
            "access_log",
            Kind::Bool,
            "true: one line per request, target access.",
        )
        .default("true")
        .reloadable(),
    ],
};

const LEVELS: &[&str] = &["error", "warn", "info", "debug", "trace", "off"];
