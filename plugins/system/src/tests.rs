//! The plugin as the host meets it: created over the border, collected into a page of notes.

use std::collections::BTreeMap;
use std::time::Duration;

use meterbox_plugin::gather::{
    FAMILY_INHERITED_NAME, FAMILY_SHOW_EMPTY, Filter, Flow, Head, Kind, Segment, Visitor,
};
use meterbox_plugin::prelude::*;
use meterbox_plugin::testkit::TestHost;

use crate::System;
use crate::fixture::Fixture;

/// One family as it was shown.
#[derive(Debug)]
struct Shown {
    kind: Kind,
    unit: String,
    set: String,
    flags: u32,
    /// Value by label block.
    samples: BTreeMap<String, f64>,
}

/// Writes down what it is shown.
#[derive(Default)]
struct Page {
    families: BTreeMap<String, Shown>,
    current: String,
}

impl Visitor for Page {
    fn family(&mut self, family: &Head<'_>) -> Flow {
        self.current = family.name().into();
        let shown = Shown {
            kind: family.kind(),
            unit: family.unit().into(),
            set: family.set().into(),
            flags: family.flags(),
            samples: BTreeMap::new(),
        };
        assert!(
            self.families.insert(self.current.clone(), shown).is_none(),
            "{}",
            self.current
        );
        Flow::Continue
    }

    fn segment(&mut self, segment: &Segment<'_>) -> Flow {
        let shown = self.families.get_mut(&self.current).unwrap();
        let mut start = 0;
        for (end, value) in segment.label_ends().iter().zip(segment.values()) {
            let block = &segment.label_text()[start..*end as usize];
            assert!(
                shown.samples.insert(block.into(), *value).is_none(),
                "twice: {block}"
            );
            start = *end as usize;
        }
        Flow::Continue
    }
}

/// A machine with a GPU-less, disk-less, 2-CPU outfit.
fn machine() -> Fixture {
    let fixture = Fixture::new();
    fixture.proc(
        "stat",
        "cpu  10 0 0 90\ncpu0 5 0 0 45\ncpu1 5 0 0 45\nbtime 1795231759\n",
    );
    fixture.proc(
        "meminfo",
        "MemTotal: 4096 kB\nMemFree: 1024 kB\nMemAvailable: 2048 kB\n",
    );
    fixture.proc("loadavg", "0.50 0.25 0.10 1/2 3\n");
    fixture.proc("mounts", "/dev/vda / ext4 rw 0 0\n");
    fixture.proc("diskstats", "");
    fixture.proc("net/dev", "head\nhead\n");
    fixture.proc("net/sockstat", "sockets: used 1\n");
    fixture.proc("net/snmp", "");
    fixture.proc("net/netstat", "");
    fixture.proc("vmstat", "");
    fixture.proc("sys/fs/file-nr", "1 0 2\n");
    fixture
}

fn config(fixture: &Fixture, more: &str) -> String {
    let machine = fixture.machine();
    let path = |path: &std::path::Path| format!("{:?}", path.to_str().unwrap());
    format!(
        "proc_path = {}\nsys_path = {}\nroot_path = {}\n{more}",
        path(&machine.proc_root),
        path(&machine.sys_root),
        path(&machine.fs_root)
    )
}

fn collect(host: &TestHost, toml: &str, names: &[&str]) -> Page {
    let plugin = host.create::<System>(toml).unwrap();
    let mut page = Page::default();
    plugin.collect(&Filter { names }, &mut page).unwrap();
    page
}

#[test]
fn the_inherited_sets_are_shown_with_the_hosts_name_and_id() {
    let host = TestHost::new();
    let page = collect(&host, &config(&machine(), ""), &[]);
    let (hostname, uuid) = (host.host().hostname(), host.host().uuid());

    let used = &page.families["MemoryUsed"];
    assert_eq!((used.kind, used.set.as_str()), (Kind::GAUGE, "torchserve"));
    assert_eq!(used.flags, FAMILY_INHERITED_NAME | FAMILY_SHOW_EMPTY);
    let labels = format!("Level=\"Host\",Hostname=\"{hostname}\"");
    assert_eq!(used.samples, BTreeMap::from([(labels, 3.0)]));

    let memory_used = &page.families["memory_used"];
    assert_eq!(memory_used.set, "torchserve-plugin");
    assert_eq!(
        memory_used.samples,
        BTreeMap::from([(format!("uuid=\"{uuid}\""), 3.0)])
    );
}

#[test]
fn a_gpu_less_machine_names_the_gpu_families_of_torchserve_without_samples() {
    let fixture = machine();
    let page = collect(
        &TestHost::new(),
        &config(&fixture, "nvml_path = \"/nonexistent\""),
        &[],
    );
    for name in ["GPUUtilization", "GPUMemoryUtilization", "GPUMemoryUsed"] {
        assert!(page.families[name].samples.is_empty(), "{name}");
    }
    assert!(!page.families.contains_key("meterbox_system_gpu_info"));
}

#[test]
fn sets_that_were_not_chosen_are_not_shown() {
    let host = TestHost::new();
    let fixture = machine();
    let page = collect(&host, &config(&fixture, ""), &[]);
    assert!(page.families.values().all(|family| family.set != "node"));
    assert_eq!(
        page.families["meterbox_system_memory_size_bytes"].unit,
        "bytes"
    );

    host.set_metric_sets(&["node"]);
    let page = collect(&host, &config(&fixture, ""), &[]);
    assert!(page.families.values().all(|family| family.set == "node"));
    assert_eq!(page.families["node_cpu_seconds_total"].samples.len(), 2 * 8);
    assert_eq!(page.families["node_load1"].samples[""], 0.5);
}

#[test]
fn the_server_is_looked_up_in_its_own_procfs_whatever_machine_is_looked_at() {
    let host = TestHost::new();
    let page = collect(&host, &config(&machine(), ""), &[]);
    assert!(page.families["process_resident_memory_bytes"].samples[""] > 0.0);
    let success = &page.families["meterbox_system_collector_success"].samples;
    assert_eq!(success[r#"collector="process""#], 1.0);
}

#[test]
fn a_filter_leaves_only_the_named_families() {
    let host = TestHost::new();
    let page = collect(
        &host,
        &config(&machine(), ""),
        &["memory_used", "DiskUsage"],
    );
    let names: Vec<&str> = page.families.keys().map(String::as_str).collect();
    assert_eq!(names, ["DiskUsage", "memory_used"]);
}

#[test]
fn a_problem_is_logged_once_and_counted_each_time() {
    let host = TestHost::new();
    let fixture = machine();
    fixture.proc("loadavg", "nonsense\n");
    let plugin = host
        .create::<System>(&config(&fixture, "collectors = [\"load\"]"))
        .unwrap();
    let mut page = Page::default();
    plugin.collect(&Filter::ALL, &mut Page::default()).unwrap();
    plugin.collect(&Filter::ALL, &mut page).unwrap();
    let counted = &page.families["meterbox_system_problems_total"].samples;
    assert_eq!(counted[r#"collector="load",reason="parse""#], 2.0);
    let expected = "warn: load: loadavg: does not begin with three numbers: \"nonsense\\n\"";
    assert_eq!(host.log_lines(), [expected]);
}

#[test]
fn a_wrong_key_stops_it_from_being_loaded() {
    let host = TestHost::new();
    let error = host
        .create::<System>("colectors = []")
        .map(drop)
        .unwrap_err();
    let expected = "colectors is not a key of this plugin";
    assert!(error.message().contains(expected), "{error}");
    assert_eq!(error.kind(), ErrorKind::Invalid);
}

#[test]
fn a_stopped_plugin_holds_no_thread() {
    let fixture = machine();
    let plugin = TestHost::new()
        .create::<System>(&config(&fixture, ""))
        .unwrap();
    plugin.collect(&Filter::ALL, &mut Page::default()).unwrap();
    plugin.stop(Duration::from_secs(5)).unwrap();
    let mut page = Page::default();
    plugin.collect(&Filter::ALL, &mut page).unwrap();
    assert!(
        !page.families.contains_key("DiskUsage"),
        "it would start the thread again"
    );
}
