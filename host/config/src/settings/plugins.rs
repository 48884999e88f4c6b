//! Plugins: where they are found and what the host grants to each.

use crate::value::Value;
use crate::values::Values;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

/// Where a plugin runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Isolation {
    /// What is shipped and pinned on threads of the server, everything else in processes.
    Auto,
    /// In a process of its own.
    Process,
    /// On threads of the server.
    Thread,
}

impl Isolation {
    fn of(word: &str) -> Self {
        match word {
            "process" => Self::Process,
            "thread" => Self::Thread,
            _ => Self::Auto,
        }
    }
}

/// Settings of all plugins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PluginSettings {
    /// Folders to search, in their order; the bundled one is not among them.
    pub folders: Vec<PathBuf>,
    /// Whether the folders are watched.
    pub watch: bool,
    /// Whether a plugin that cannot be loaded refuses the start.
    pub strict: bool,
    /// The interpreter of plugins that are Python files.
    pub python: String,
    /// The user's lock file.
    pub lock: Option<PathBuf>,
    /// Whether unpinned libraries are refused.
    pub require_pins: bool,
    /// How many generations one plugin may have.
    pub generations_max: usize,
    /// System libraries that plugins may need beyond those of the C runtime.
    pub needed_extra: Vec<String>,
    /// Whether libraries that others can write are loaded.
    pub insecure_permissions: bool,
    /// Deadline of a scrape, before the scraper's own is looked at.
    pub scrape_deadline: Duration,
    /// Deadline of a start.
    pub start_deadline: Duration,
    /// Deadline of a stop.
    pub stop_deadline: Duration,
    /// Largest reply.
    pub reply_bytes_max: u64,
    /// Largest reply of a plugin that may read all metrics.
    pub page_bytes_max: u64,
    /// Metrics that one plugin may have.
    pub families_max: usize,
    /// Lines that one plugin may log in a second.
    pub log_lines_max: u64,
    /// So many crashes of its process within the window quarantine a plugin.
    pub crashes_max: usize,
    /// The window.
    pub crash_window: Duration,
    /// How often a quarantined plugin gets a trial.
    pub trial_interval: Duration,
    /// Plugins that are switched off by another key: `disable_system_metrics`.
    pub disabled: Vec<String>,
    /// What a plugin gets that has no keys of its own.
    pub default_grants: PluginGrants,
    /// What the plugins get that have keys of their own, by name.
    pub grants: BTreeMap<String, PluginGrants>,
}

/// What the host grants to one plugin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PluginGrants {
    /// Whether it is loaded.
    pub enabled: bool,
    /// Where it runs.
    pub isolation: Isolation,
    /// Threads of its pool.
    pub threads: usize,
    /// Requests that may wait for it.
    pub queue: usize,
    /// Deadline of a request.
    pub deadline: Duration,
    /// Deadline of a scrape if the user set one for this plugin.
    pub scrape_deadline: Option<Duration>,
    /// Series it may create.
    pub max_series: u64,
    /// Memory of its process, if it has one.
    pub memory_bytes_max: u64,
    /// Permissions granted in so many words; `None` means the default grants.
    pub permissions: Option<Vec<String>>,
}

impl PluginSettings {
    /// What the plugin `name` is granted.
    #[must_use]
    pub fn grants(&self, name: &str) -> PluginGrants {
        let mut grants = self
            .grants
            .get(name)
            .unwrap_or(&self.default_grants)
            .clone();
        grants.enabled &= !self.disabled.iter().any(|disabled| disabled == name);
        grants
    }

    pub(super) fn of(values: &mut Values) -> Self {
        let default_grants = PluginGrants {
            enabled: true,
            isolation: Isolation::of(&values.word("isolation")),
            threads: values.size("plugin_threads"),
            queue: values.size("plugin_queue"),
            deadline: values.millis("plugin_deadline_ms"),
            scrape_deadline: None,
            max_series: values.number("series_per_plugin_max"),
            memory_bytes_max: values.number("plugin_memory_bytes_max"),
            permissions: None,
        };
        let mut grants = BTreeMap::new();
        for setting in SETTINGS {
            for (name, value) in values.chosen(&format!("plugin.<name>.{}", setting.name)) {
                let of_plugin = grants.entry(name).or_insert_with(|| default_grants.clone());
                (setting.apply)(of_plugin, value);
            }
        }
        let system_off = values.bool("disable_system_metrics");
        Self {
            folders: values.paths("plugins_path"),
            watch: values.bool("plugins_watch"),
            strict: values.bool("plugins_strict"),
            python: values.word("plugins_python"),
            lock: values.path("plugins_lock"),
            require_pins: values.bool("plugins_require_pins"),
            generations_max: values.size("plugins_max_generations"),
            needed_extra: values.list("plugins_needed_extra"),
            insecure_permissions: values.bool("plugins_insecure_permissions"),
            scrape_deadline: values.millis("plugin_scrape_deadline_ms"),
            start_deadline: values.millis("plugin_start_deadline_ms"),
            stop_deadline: values.millis("plugin_stop_deadline_ms"),
            reply_bytes_max: values.number("plugin_reply_bytes_max"),
            page_bytes_max: values.number("plugin_page_bytes_max"),
            families_max: values.size("plugin_families_max"),
            log_lines_max: values.number("plugin_log_lines_max"),
            crashes_max: values.size("plugin_crashes_max"),
            crash_window: values.millis("plugin_crash_window_ms"),
            trial_interval: values.millis("plugin_trial_interval_ms"),
            disabled: if system_off {
                vec!["system".to_owned()]
            } else {
                Vec::new()
            },
            default_grants,
            grants,
        }
    }
}

/// One key `plugin.<name>.*` and the field it sets.
struct Setting {
    name: &'static str,
    apply: fn(&mut PluginGrants, Value),
}

fn size(number: u64) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}

macro_rules! setting {
    ($name:literal, $kind:ident($value:ident) => |$grants:ident| $apply:expr) => {
        Setting {
            name: $name,
            apply: |$grants, value| {
                // The table fixes the kind of each key, so another kind cannot occur.
                if let Value::$kind($value) = value {
                    $apply
                }
            },
        }
    };
}

const SETTINGS: &[Setting] = &[
    setting!("enabled", Bool(on) => |grants| grants.enabled = on),
    setting!("isolation", Text(word) => |grants| grants.isolation = Isolation::of(&word)),
    setting!("threads", Integer(number) => |grants| grants.threads = size(number)),
    setting!("queue", Integer(number) => |grants| grants.queue = size(number)),
    setting!("deadline_ms", Integer(number) => |grants| {
        grants.deadline = Duration::from_millis(number);
        grants.scrape_deadline = Some(grants.deadline);
    }),
    setting!("max_series", Integer(number) => |grants| grants.max_series = number),
    setting!("memory_bytes_max", Integer(number) => |grants| grants.memory_bytes_max = number),
    setting!("permissions", List(items) => |grants| grants.permissions = Some(items)),
];
