//! Keys of plugins, and what the host grants to a single one.

use super::Group;
use crate::key::{Key, Kind, Variable};

pub(super) static GROUP: Group = Group {
    title: "Plugins",
    about: "Shared libraries that serve metric endpoints and more. A plugin is configured by \
            `<name>.toml` beside its library; the keys here say what the host grants.",
    keys: &[
        Key::inherited(
            "plugins_path",
            Kind::Paths,
            "Folders searched for plugins; the one beside the binary is always searched last.",
        )
        .shipped("plugins")
        .details(
            "A plugin in these folders may take the place of a bundled one. Files other than \
             shared libraries, such as the jars of an existing installation, are ignored with one \
             line in the log; a trailing /* is dropped.",
        ),
        Key::own(
            "plugins_watch",
            Kind::Bool,
            "true: a library that is added, replaced or removed takes effect within 2 s.",
        )
        .default("true"),
        Key::own(
            "plugins_strict",
            Kind::Bool,
            "true: a plugin that cannot be loaded at start refuses the start.",
        )
        .default("false"),
        Key::own(
            "plugins_python",
            Kind::Text,
            "The interpreter of plugins that are Python files: a path, or a name in PATH.",
        )
        .default("python3")
        .details("Python 3.9 or newer; looked for when the first such plugin is found."),
        Key::own(
            "plugins_lock",
            Kind::Path,
            "File of pinned plugins: lines of sha256, two blanks, file name.",
        )
        .details(
            "A listed file is loaded only with that digest. Unset, plugins.lock in each plugin folder \
             is for its files; the bundled folder always has its own. A change takes effect like that \
             of a plugin. A lock file that somebody else could change is refused.",
        ),
        Key::own(
            "plugins_require_pins",
            Kind::Bool,
            "true: a plugin that no lock file lists is refused.",
        )
        .default("false")
        .details("Nothing of a refused file runs, not even a constructor or a probe."),
        Key::own(
            "plugins_max_generations",
            Kind::Integer {
                min: 1,
                max: 10_000,
            },
            "How often one plugin may be replaced before the server wants a restart.",
        )
        .default("100")
        .details("A library is never unmapped, so each generation keeps its memory."),
        Key::own(
            "plugins_needed_extra",
            Kind::List,
            "System libraries that plugins may need beyond those of the C runtime.",
        )
        .details("As in DT_NEEDED, e.g. libssl.so.3."),
        Key::own(
            "plugins_insecure_permissions",
            Kind::Bool,
            "true: libraries that others can write are loaded too; for development only.",
        )
        .default("false"),
        Key::own(
            "plugin_deadline_ms",
            Kind::Integer {
                min: 1,
                max: 3_600_000,
            },
            "How long a plugin may take to answer a request.",
        )
        .default("10000")
        .unit("ms")
        .reloadable(),
        Key::own(
            "plugin_scrape_deadline_ms",
            Kind::Integer {
                min: 1,
                max: 3_600_000,
            },
            "How long a plugin may take to answer a scrape, or any request on the metrics listener.",
        )
        .default("5000")
        .unit("ms")
        .reloadable()
        .details("Or the scraper's own timeout header less 0.5 s, whichever is less."),
        Key::own(
            "plugin_start_deadline_ms",
            Kind::Integer {
                min: 1,
                max: 3_600_000,
            },
            "How long a plugin may take to start.",
        )
        .default("10000")
        .unit("ms"),
        Key::own(
            "plugin_stop_deadline_ms",
            Kind::Integer {
                min: 1,
                max: 3_600_000,
            },
            "How long a plugin may take to stop.",
        )
        .default("5000")
        .unit("ms"),
        Key::own(
            "plugin_threads",
            Kind::Integer { min: 1, max: 256 },
            "Threads of each plugin's own pool.",
        )
        .default("4")
        .unit("threads"),
        Key::own(
            "plugin_queue",
            Kind::Integer {
                min: 1,
                max: 100_000,
            },
            "Requests that may wait for a plugin; more are answered 503 at once.",
        )
        .default("64")
        .unit("requests"),
        Key::own(
            "plugin_reply_bytes_max",
            Kind::Integer {
                min: 1024,
                max: 1 << 40,
            },
            "The largest reply of a plugin.",
        )
        .default("16777216")
        .unit("bytes")
        .reloadable(),
        Key::own(
            "plugin_page_bytes_max",
            Kind::Integer {
                min: 1024,
                max: 1 << 40,
            },
            "The largest reply of a plugin that may read all metrics.",
        )
        .default("268435456")
        .unit("bytes")
        .reloadable(),
        Key::own(
            "plugin_families_max",
            Kind::Integer {
                min: 1,
                max: 100_000,
            },
            "Metrics (families of series) that one plugin may register or show.",
        )
        .default("256")
        .unit("metrics"),
        Key::own(
            "plugin_log_lines_max",
            Kind::Integer {
                min: 1,
                max: 1_000_000,
            },
            "Lines that one plugin may log in a second; more are dropped and counted.",
        )
        .default("1000")
        .unit("lines"),
        Key::own(
            "plugin_memory_bytes_max",
            Kind::Integer {
                min: 64 << 20,
                max: 1 << 40,
            },
            "The memory of a plugin's process; one that takes more is ended and started again.",
        )
        .default("268435456")
        .unit("bytes")
        .details("For plugins in processes of their own; threads of the server share its memory."),
        Key::own(
            "plugin_crashes_max",
            Kind::Integer { min: 1, max: 1000 },
            "So many crashes of a plugin's process within plugin_crash_window_ms quarantine it.",
        )
        .default("5")
        .unit("crashes")
        .details(
            "Before that it is started again: at once, then after 0.1 s, doubling to 30 s. While \
             it is down its routes answer 503 with Retry-After.",
        ),
        Key::own(
            "plugin_crash_window_ms",
            Kind::Integer {
                min: 1,
                max: 86_400_000,
            },
            "The time in which crashes of a plugin's process are counted together.",
        )
        .default("60000")
        .unit("ms"),
        Key::own(
            "plugin_trial_interval_ms",
            Kind::Integer {
                min: 1,
                max: 86_400_000,
            },
            "How often a quarantined plugin's process is given one trial.",
        )
        .default("60000")
        .unit("ms"),
        Key::own(
            "isolation",
            Kind::Choice(&["auto", "process", "thread"]),
            "Where plugins run: in a process of their own each, or on threads of the server.",
        )
        .default("auto")
        .details(
            "auto: what is shipped with the server and pinned in its lock file runs on threads, \
             everything else in a process of its own. In a process a crash, an endless loop, a \
             leak or a stray exit() costs that plugin alone. On threads of the server panics are \
             caught, slow calls are answered in the plugin's place and broken files are refused; \
             nothing there stops a plugin that writes through a null pointer, aborts, exits, \
             takes all memory, closes descriptors, changes signal handlers, or reads what the \
             server knows; a thread that hangs is left behind.",
        ),
        Key::own(
            "plugin.<name>.enabled",
            Kind::Bool,
            "false: the plugin is not loaded.",
        )
        .default("true")
        .variable(Variable::None)
        .reloadable(),
        Key::own(
            "plugin.<name>.isolation",
            Kind::Choice(&["auto", "process", "thread"]),
            "Where the plugin runs, instead of isolation.",
        )
        .variable(Variable::None)
        .details("thread trusts the plugin like the server itself; see isolation."),
        Key::own(
            "plugin.<name>.threads",
            Kind::Integer { min: 1, max: 256 },
            "Threads of this plugin's pool, instead of plugin_threads.",
        )
        .unit("threads")
        .variable(Variable::None),
        Key::own(
            "plugin.<name>.queue",
            Kind::Integer {
                min: 1,
                max: 100_000,
            },
            "Requests that may wait for this plugin, instead of plugin_queue.",
        )
        .unit("requests")
        .variable(Variable::None),
        Key::own(
            "plugin.<name>.deadline_ms",
            Kind::Integer {
                min: 1,
                max: 3_600_000,
            },
            "Deadline of requests and scrapes of this plugin.",
        )
        .unit("ms")
        .variable(Variable::None)
        .reloadable(),
        Key::own(
            "plugin.<name>.max_series",
            Kind::Integer {
                min: 0,
                max: 100_000_000,
            },
            "Series of this plugin, instead of series_per_plugin_max.",
        )
        .unit("series")
        .variable(Variable::None)
        .reloadable(),
        Key::own(
            "plugin.<name>.memory_bytes_max",
            Kind::Integer {
                min: 64 << 20,
                max: 1 << 40,
            },
            "Memory of this plugin's process, instead of plugin_memory_bytes_max.",
        )
        .unit("bytes")
        .variable(Variable::None),
        Key::own(
            "plugin.<name>.permissions",
            Kind::List,
            "What the plugin may do beyond its own metrics and routes, of what it asks for.",
        )
        .variable(Variable::None)
        .details(
            "Unset, it is granted what a dropped file needs to simply work: metrics.read, \
             models.read, timers, events and export. An empty value grants nothing. metrics.reserved lets \
             it use reserved names; network lets its process open connections, which it may not \
             otherwise.",
        ),
    ],
};
