//! The table of `system.toml` made into [`Settings`], with what the host says about itself.
//!
//! Keys, types and bounds are those of `sample.toml`, which a test holds against this file.

use std::time::Duration;

use meterbox_plugin::prelude::*;

use crate::collectors;
use crate::config::{
    IGNORED_DISKS, IGNORED_FS_TYPES, IGNORED_INTERFACES, IGNORED_MOUNTS, MOUNT_TIMEOUT_MS, Settings,
};
use crate::machine::Machine;
use crate::pattern::Patterns;

/// The least and the most that one file system may be given, in milliseconds: a scrape that waits
/// longer than its own deadline of 5 s helps nobody.
const MOUNT_TIMEOUT_MS_BOUNDS: (i64, i64) = (1, 4000);

/// Every key of the table.
const KEYS: &[&str] = &[
    "collectors",
    "proc_path",
    "sys_path",
    "root_path",
    "ignored_mounts",
    "ignored_fs_types",
    "mount_timeout_ms",
    "ignored_disks",
    "ignored_interfaces",
    "ignored_links",
    "nvml_path",
];

/// What the labels and `process_*` need to know of the server.
pub(crate) struct Server {
    /// The machine's name.
    pub(crate) hostname: String,
    /// One per run of the server.
    pub(crate) uuid: String,
    /// Its process; `None`: this one.
    pub(crate) pid: Option<u32>,
}

/// Reads the table.
///
/// # Errors
/// Names the file, the key, what was found and what was expected.
pub(crate) fn read(config: &Config, server: Server) -> Result<Settings> {
    config.allow_only(KEYS)?;
    let patterns = |key, default| Ok::<_, Error>(Patterns::new(config.list_or(key, default)?));
    let (least, most) = MOUNT_TIMEOUT_MS_BOUNDS;
    let timeout_ms = config.int_within("mount_timeout_ms", MOUNT_TIMEOUT_MS as i64, least, most)?;
    let nvml_path = match config.has("nvml_path") {
        true => Some(String::from(config.str("nvml_path")?)),
        false => None,
    };
    Ok(Settings {
        machine: Machine {
            proc_root: config.str_or("proc_path", "/proc")?.into(),
            sys_root: config.str_or("sys_path", "/sys")?.into(),
            fs_root: config.str_or("root_path", "/")?.into(),
            ..Machine::default()
        },
        hostname: server.hostname,
        uuid: server.uuid,
        pid: server.pid,
        collectors: wanted(config)?,
        ignored_mounts: texts(config, "ignored_mounts", IGNORED_MOUNTS)?,
        ignored_fs_types: texts(config, "ignored_fs_types", IGNORED_FS_TYPES)?,
        mount_timeout: Duration::from_millis(timeout_ms.unsigned_abs()),
        ignored_disks: patterns("ignored_disks", IGNORED_DISKS)?,
        ignored_interfaces: patterns("ignored_interfaces", IGNORED_INTERFACES)?,
        ignored_links: patterns("ignored_links", &[])?,
        nvml_path,
    })
}

fn texts(config: &Config, key: &str, default: &[&'static str]) -> Result<Vec<String>> {
    Ok(config
        .list_or(key, default)?
        .into_iter()
        .map(String::from)
        .collect())
}

/// The list of collectors; a name that is none is refused, not ignored.
fn wanted(config: &Config) -> Result<Vec<String>> {
    let names = texts(config, "collectors", &[])?;
    match names
        .iter()
        .find(|name| !collectors::NAMES.contains(&name.as_str()))
    {
        None => Ok(names),
        Some(name) => Err(Error::invalid(format!(
            "system.toml: collectors: {name:?} is not a collector (known: {})",
            collectors::NAMES.join(", ")
        ))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read_json(json: &str) -> Result<Settings> {
        let server = Server {
            hostname: "vm".into(),
            uuid: "u-1".into(),
            pid: Some(7),
        };
        read(&Config::from_json("system", json)?, server)
    }

    #[track_caller]
    fn refuses(json: &str, text: &str) {
        assert_eq!(read_json(json).expect_err("a refusal").message(), text);
    }

    #[test]
    fn an_empty_table_gives_the_defaults() {
        let settings = read_json("").unwrap();
        let defaults = Settings::default();
        assert_eq!(settings.ignored_mounts, defaults.ignored_mounts);
        assert_eq!(settings.ignored_fs_types, defaults.ignored_fs_types);
        assert_eq!(settings.mount_timeout, defaults.mount_timeout);
        assert_eq!(settings.machine.proc_root, defaults.machine.proc_root);
        assert!(settings.ignored_disks.matches("sda1") && settings.wants("gpu"));
        assert_eq!((settings.hostname.as_str(), settings.pid), ("vm", Some(7)));
    }

    #[test]
    fn the_sample_file_has_every_key_with_its_default() {
        let sample: toml::Table = include_str!("../sample.toml").parse().unwrap();
        let settings = read_json(&serde_json::to_string(&sample).unwrap()).unwrap();
        let defaults = Settings::default();
        assert_eq!(settings.ignored_mounts, defaults.ignored_mounts);
        assert_eq!(settings.ignored_fs_types, defaults.ignored_fs_types);
        assert_eq!(settings.mount_timeout, defaults.mount_timeout);
        assert_eq!(settings.ignored_disks, defaults.ignored_disks);
        assert_eq!(settings.ignored_interfaces, defaults.ignored_interfaces);
        assert_eq!(settings.ignored_links, defaults.ignored_links);
        for key in KEYS {
            let described = include_str!("../sample.toml").contains(&format!("{key} = "));
            assert!(described, "sample.toml says nothing of {key}");
        }
    }

    #[test]
    fn the_schema_names_the_same_keys() {
        let schema: serde_json::Value =
            serde_json::from_str(include_str!("../schema.json")).unwrap();
        let names = schema["properties"].as_object().unwrap().keys();
        assert!(names.eq(KEYS), "schema.json and KEYS differ");
        let collectors = &schema["properties"]["collectors"]["items"]["enum"];
        assert_eq!(*collectors, serde_json::json!(collectors::NAMES));
        let timeout = &schema["properties"]["mount_timeout_ms"];
        let bounds = (timeout["minimum"].as_i64(), timeout["maximum"].as_i64());
        let (least, most) = MOUNT_TIMEOUT_MS_BOUNDS;
        assert_eq!(bounds, (Some(least), Some(most)));
    }

    #[test]
    fn what_is_wrong_is_named() {
        refuses(
            r#"{"mount_timeout_ms": 9000}"#,
            "system.toml: mount_timeout_ms is 9000 (expected 1 to 4000)",
        );
        let known = collectors::NAMES.join(", ");
        refuses(
            r#"{"collectors": ["cpu", "memroy"]}"#,
            &format!("system.toml: collectors: \"memroy\" is not a collector (known: {known})"),
        );
        refuses(
            r#"{"nvml_path": 1}"#,
            "system.toml: nvml_path is 1 (expected a text)",
        );
        assert!(read_json(r#"{"mount": 1}"#).is_err());
    }

    #[test]
    fn every_name_is_that_of_a_collector_in_the_order_they_run() {
        let names: Vec<&str> = collectors::all(&Settings::default())
            .iter()
            .map(|made| made.name())
            .collect();
        assert_eq!(names, collectors::NAMES);
    }
}
