//! Nothing of a process stays behind: descriptors, threads, zombies, orphans.

use crate::bench::Bench;
use meterbox_plugin_abi::testing::PATIENCE;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Instant;

pub(crate) const TESTS: crate::Tests = &[
    (
        "fifty_crashes_leave_no_descriptor_or_thread",
        crashes_leave_nothing,
    ),
    ("a_child_ends_with_its_host", child_ends_with_host),
];

fn count(what: &str) -> usize {
    std::fs::read_dir(format!("/proc/self/{what}"))
        .unwrap()
        .count()
}

#[track_caller]
fn eventually(what: &str, done: impl Fn() -> bool) {
    let until = Instant::now() + PATIENCE;
    while !done() {
        assert!(Instant::now() < until, "{what}");
        std::thread::yield_now();
    }
}

fn crashes_leave_nothing() {
    drop(Bench::new(""));
    eventually("threads of the first one end", || count("task") <= 2);
    let (files, threads) = (count("fd"), count("task"));
    let bench = Bench::new("");
    let with_child = count("fd");
    for crash in 0..50 {
        assert_eq!(bench.get("abort").status, 502);
        bench.wait_up(crash + 2);
    }
    eventually("no descriptors were left", || count("fd") <= with_child);
    bench.stop();
    eventually("all descriptors are closed", || count("fd") <= files);
    eventually("all threads have ended", || count("task") <= threads);
    let children = std::fs::read_to_string("/proc/self/task/self/children");
    if let Ok(children) = children {
        assert_eq!(children.trim(), "", "no zombies");
    }
}

fn child_ends_with_host() {
    let mut host = Command::new(std::env::current_exe().unwrap())
        .arg("__parent")
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut pid = String::new();
    BufReader::new(host.stdout.take().unwrap())
        .read_line(&mut pid)
        .unwrap();
    let child = format!("/proc/{}/stat", pid.trim());
    assert!(Path::new(&child).exists());
    host.kill().unwrap();
    host.wait().unwrap();
    eventually("the child ends", || {
        // In a container nobody may reap it.
        std::fs::read_to_string(&child).map_or(true, |stat| stat.contains(") Z "))
    });
}
