//! F01 to F05: files that are no good library. Each is refused with its reason before it hurts anyone.

use super::craft::{Craft, EXAMPLE, api_of, example};
use super::damage::{damage, renamed};
use super::run::Run;
use super::scene::{Scene, builder, is_decided, library, nothing_more, serves, text};
use crate::{Folder, eventually};
use serde_json::Value;
use std::fs::File;
use std::os::unix::net::UnixListener;

/// Damaged files that lie in the folder at once.
const BATCH: usize = 50;
const STEP_BYTES: usize = 10;

/// F01: a library cut after every ten bytes is refused each time.
pub(super) fn cut_short(run: &mut Run) {
    let workshop = Folder::new("workshop");
    let whole = example(workshop.path());
    let cuts: Vec<usize> = (0..whole.len()).step_by(STEP_BYTES).collect();
    let every = run.effort.pick(cuts.len().div_ceil(60), 1);
    let cuts: Vec<usize> = cuts.into_iter().step_by(every).collect();
    let mut scene = Scene::open(run, builder());
    scene.fault_begins();
    for batch in cuts.chunks(4 * BATCH) {
        let names: Vec<String> = batch.iter().map(|cut| format!("cut{cut:06}.so")).collect();
        for (name, cut) in names.iter().zip(batch) {
            scene.put(name, &whole[..*cut]);
        }
        for (plugin, cut) in decided(&scene, &names).iter().zip(batch) {
            let reason = text(plugin, "last_error");
            assert_eq!(plugin["state"], "rejected", "cut at {cut}: {plugin}");
            let known = reason.contains("cut short") || reason.contains("no shared library");
            assert!(known, "cut at {cut}: {reason}");
        }
        clear(&scene, &names);
    }
    scene.run.note(format!(
        "{} cuts of {} bytes, all refused",
        cuts.len(),
        whole.len()
    ));
    let refused = scene.counted("meterbox_plugin_load_errors_total", &[]);
    assert!(
        refused >= cuts.len() as f64,
        "{refused} counted of {}",
        cuts.len()
    );
    scene.close(nothing_more);
}

/// F02: damaged libraries that nobody pinned go the whole way; a pinned one stops at its digest.
pub(super) fn flipped_bits(run: &mut Run) {
    let workshop = Folder::new("workshop");
    let good = example(workshop.path());
    let count = run.effort.pick(200, 5000);
    let first = run.seed;
    let lock = workshop.write("pins", format!("{}  pinned.so\n", "0".repeat(64)));
    let lock = format!("plugins_lock={}", lock.display());
    let host = builder().line("plugins_max_generations=10000").line(lock);
    let mut scene = Scene::open(run, host);
    scene.fault_begins();
    let pinned = renamed(&good, EXAMPLE, "pinned0");
    scene.put("pinned.so", pinned);
    let reason = scene.refusal("pinned.so");
    assert!(reason.contains("sha256"), "{reason}");
    let (mut refused, mut serving) = (0, 0);
    let seeds: Vec<u64> = (first..first + count).collect();
    for seeds in seeds.chunks(BATCH) {
        let mut names = Vec::new();
        let mut ways = Vec::new();
        for (number, seed) in seeds.iter().enumerate() {
            let mut bytes = renamed(&good, EXAMPLE, &format!("d{number:06}"));
            ways.push(format!("seed {seed}: {}", damage(&mut bytes, *seed)));
            names.push(format!("d{number:06}.so"));
            scene.put(&names[number], bytes);
        }
        for (plugin, way) in decided(&scene, &names).iter().zip(&ways) {
            let reason = text(plugin, "last_error");
            match plugin["state"].as_str() {
                Some("started") => serving += 1,
                _ if !reason.is_empty() => refused += 1,
                _ => panic!("{way}: neither refused with a reason nor serving: {plugin}"),
            }
        }
        clear(&scene, &names);
    }
    let last = first + count - 1;
    scene.run.note(format!(
        "seeds {first}..={last}: {refused} refused, {serving} serving, 0 host deaths"
    ));
    scene.close(nothing_more);
}

/// Waits until each of these files serves or was refused, and gives their status.
#[track_caller]
fn decided(scene: &Scene<'_>, names: &[String]) -> Vec<Value> {
    eventually("every file is decided", || {
        let list = scene.list();
        let found: Vec<Value> = names
            .iter()
            .filter_map(|name| is_decided(&list, name).cloned())
            .collect();
        if found.len() == names.len() {
            Ok(found)
        } else {
            Err(format!("{} of {}", found.len(), names.len()))
        }
    })
}

/// Removes these files and waits until the host knows.
#[track_caller]
fn clear(scene: &Scene<'_>, names: &[String]) {
    for name in names {
        std::fs::remove_file(scene.plugins().join(name)).expect("the file is there");
    }
    eventually("the files are forgotten", || {
        let list = scene.list();
        let left = list.iter().filter(|plugin| {
            let path = text(plugin, "path");
            names.iter().any(|name| path.ends_with(&format!("/{name}")))
        });
        let left = left.count();
        if left == 0 {
            Ok(())
        } else {
            Err(format!("{left} left"))
        }
    });
}

/// F03: what is no library for this machine, or no file at all. A FIFO never blocks.
pub(super) fn no_library(run: &mut Run) {
    let good = library("drift");
    let mut scene = Scene::open(run, builder());
    scene.fault_begins();
    let changed = |at: usize, bytes: &[u8]| {
        let mut copy = good.clone();
        copy[at..at + bytes.len()].copy_from_slice(bytes);
        copy
    };
    let foreign: u16 = if cfg!(target_arch = "x86_64") {
        183
    } else {
        62
    };
    scene.put("text.so", "this is no library\n");
    scene.put("empty.so", "");
    scene.put("bits32.so", changed(4, &[1]));
    scene.put("machine.so", changed(18, &foreign.to_le_bytes()));
    scene.put(
        "program.so",
        std::fs::read("/proc/self/exe").expect("a program"),
    );
    let folder = scene.plugins();
    std::fs::create_dir(folder.join("folder.so")).expect("the folder is writable");
    let socket = UnixListener::bind(folder.join("socket.so")).expect("the folder is writable");
    let sparse = File::create(folder.join(".sparse.part")).expect("the folder is writable");
    sparse
        .set_len(10 << 30)
        .expect("a sparse file takes no room");
    std::fs::rename(folder.join(".sparse.part"), folder.join("sparse.so")).expect("it is ours");
    let mut expected = vec![
        ("text.so", "ELF"),
        ("empty.so", "ELF"),
        ("bits32.so", "64-bit"),
        ("machine.so", "the host runs on"),
        ("program.so", "librar"),
        ("folder.so", "no regular file"),
        ("socket.so", "no regular file"),
        ("sparse.so", "more than a plugin may have"),
    ];
    if special(&folder.join("fifo.so"), rustix::fs::FileType::Fifo, 0) {
        expected.push(("fifo.so", "no regular file"));
    }
    // The null device; making one needs privileges.
    if special(
        &folder.join("device.so"),
        rustix::fs::FileType::CharacterDevice,
        rustix::fs::makedev(1, 3),
    ) {
        expected.push(("device.so", "no regular file"));
    } else {
        scene.run.note("no device: not allowed to make one");
    }
    for (file, words) in &expected {
        let reason = scene.refusal(file);
        assert!(
            reason.contains(words) && reason.contains(file),
            "{file}: {reason}"
        );
        scene.logged_once(&[file, words]);
    }
    scene.run.note(format!("{} kinds refused", expected.len()));
    drop(socket);
    scene.close(nothing_more);
}

fn special(path: &std::path::Path, kind: rustix::fs::FileType, device: u64) -> bool {
    let mode = rustix::fs::Mode::RUSR | rustix::fs::Mode::WUSR;
    rustix::fs::mknodat(rustix::fs::CWD, path, kind, mode, device).is_ok()
}

/// F04: a library for another border is refused from its metadata; its constructor never runs.
pub(super) fn other_border(run: &mut Run) {
    let workshop = Folder::new("workshop");
    let here = api_of(&library("drift"));
    let craft = |name: &str, api: &str| {
        // A constructor that ran would show: its process ends instead of being refused.
        let craft = Craft::new(name, api).constructor("_exit(77);");
        craft.build(workshop.path())
    };
    let mut scene = Scene::open(run, builder());
    scene.fault_begins();
    for (name, api) in [("older", "0.0.9"), ("newer", "0.99.0"), ("later", "7.0.0")] {
        let file = format!("{name}.so");
        scene.put(&file, craft(name, api));
        let reason = scene.refusal(&file);
        let (theirs, ours) = (minor(api), minor(&here));
        let names_both = reason.contains(&theirs) && reason.contains(&ours);
        assert!(
            names_both,
            "{file}: names not both {theirs} and {ours}: {reason}"
        );
    }
    let without = Craft::new("without", &here).constructor("_exit(77);");
    let without = without.build(workshop.path());
    scene.put("without.so", renamed(&without, ".meterbox", ".nothing_"));
    let reason = scene.refusal("without.so");
    assert!(reason.contains("no Meterbox plugin"), "{reason}");
    let aborting = Craft::new("aborting", &here)
        .panic("abort")
        .constructor("_exit(77);");
    scene.put("aborting.so", aborting.build(workshop.path()));
    let reason = scene.refusal("aborting.so");
    assert!(reason.contains("panic"), "{reason}");
    let log = scene.log().join("\n");
    assert!(!log.contains("code 77"), "a constructor ran: {log}");
    scene.close(nothing_more);
}

/// `major.minor` of a version.
fn minor(version: &str) -> String {
    version.split('.').take(2).collect::<Vec<_>>().join(".")
}

/// F05: what a library needs is not there; other libraries of the folder load.
pub(super) fn missing_symbol(run: &mut Run) {
    let workshop = Folder::new("workshop");
    let here = api_of(&library("drift"));
    std::fs::write(
        workshop.path().join("gone.c"),
        "int gone(void) { return 1; }\n",
    )
    .expect("ours");
    let status = std::process::Command::new("cc")
        .current_dir(workshop.path())
        .args(["-shared", "-fPIC", "-o", "libgone.so", "gone.c"])
        .status();
    assert!(status.expect("cc starts").success());
    let library_path = format!("-L{}", workshop.path().display());
    let needing = Craft::new("needing", &here)
        .code("int gone(void); int *use(void) { static int used; used = gone(); return &used; }\n")
        .argument(&library_path)
        .argument("-lgone");
    let symbol = Craft::new("symbol", &here)
        .code("extern int nobody_defines_this; int *needed = &nobody_defines_this;\n");
    let header = Craft::new("header", &here);
    let mut scene = Scene::open(run, builder().line("plugins_needed_extra=libgone.so"));
    scene.fault_begins();
    for (name, craft) in [("needing", needing), ("symbol", symbol), ("header", header)] {
        scene.put(&format!("{name}.so"), craft.build(workshop.path()));
    }
    scene.put("other.so", library("summary"));
    for (file, words) in [
        ("needing.so", "libgone.so"),
        ("symbol.so", "nobody_defines_this"),
        ("header.so", "header"),
    ] {
        let reason = scene.refusal(file);
        assert!(reason.contains(words), "{file}: {reason}");
        scene.logged_once(&[file, words]);
    }
    scene.serves("summary");
    scene.settle_here();
    scene.close(|scene| serves(&scene.host, "summary"));
}
