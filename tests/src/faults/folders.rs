//! F11 to F14: what is wrong with folders, and with files beside each other.

use super::craft::{Craft, EXAMPLE, api_of, example};
use super::damage::renamed;
use super::run::Run;
use super::scene::{Scene, builder, library, nothing_more, serves, text};
use crate::{Folder, Host, eventually};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

/// F11: a folder that is not there, is a file, or goes away while its plugins serve.
pub(super) fn unusable(run: &mut Run) {
    for (path, words) in [
        ("nowhere", "nowhere"),
        ("config.properties", "config.properties"),
    ] {
        let strict = Host::builder()
            .line(format!("plugins_path={path}"))
            .line("plugins_strict=true");
        let mut strict = strict.spawn();
        let status = strict.wait();
        assert!(!status.success(), "{path}: {status}\n{}", strict.output());
        eventually("it says which folder", || {
            let output = strict.output();
            if output.contains(words) {
                Ok(())
            } else {
                Err(output)
            }
        });
        let lenient = Host::builder().line(format!("plugins_path={path}")).start();
        eventually("it says which folder", || {
            let output = lenient.output();
            if output.contains(words) {
                Ok(())
            } else {
                Err(output)
            }
        });
    }
    let mut scene = Scene::open(run, builder().line("plugins_strict=true"));
    scene.fault_begins();
    let (folder, aside) = (scene.plugins(), scene.host.folder().join("aside"));
    std::fs::rename(&folder, &aside).expect("the folder is ours");
    scene.let_traffic_pass(scene.run.effort.pick(60, 2000));
    std::fs::write(&folder, "no folder").expect("the folder is ours");
    scene.let_traffic_pass(scene.run.effort.pick(30, 1000));
    std::fs::remove_file(&folder).expect("the file is ours");
    std::fs::rename(&aside, &folder).expect("the folder is ours");
    scene.logged_once(&["cannot list this plugin folder", "No such file"]);
    scene.close(|scene| serves(&scene.host, "drift"));
}

/// F12: files and folders that others may write, and names that are swapped between check and load.
pub(super) fn open_to_others(run: &mut Run) {
    let workshop = Folder::new("workshop");
    let good = library("drift");
    let bad = Craft::new("swapped", &api_of(&good)).constructor("_exit(77);");
    let bad = workshop.write("bad.so", bad.build(workshop.path()));
    let mut scene = Scene::open(run, builder());
    scene.fault_begins();
    let open = |path: &std::path::Path| {
        std::fs::set_permissions(path, PermissionsExt::from_mode(0o777)).expect("it is ours");
    };
    let file = scene.plugins().join(".open.part");
    std::fs::write(&file, &good).expect("the folder is writable");
    open(&file);
    std::fs::rename(&file, scene.plugins().join("open.so")).expect("it is ours");
    let reason = scene.refusal("open.so");
    assert!(reason.contains("writ"), "{reason}");
    symlink(&bad, scene.plugins().join("link.so")).expect("a link");
    let reason = scene.refusal("link.so");
    assert!(reason.contains("link"), "{reason}");

    // A good file and a link to the bad one take turns under one name.
    let times = scene.run.effort.pick(10, 300);
    let name = scene.plugins().join("swapped.so");
    let (stop, aside) = (AtomicBool::new(false), scene.plugins());
    let swapped = renamed(&good, "drift", "swapd");
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let next = aside.join(".next");
            while !stop.load(Ordering::Relaxed) {
                drop(std::fs::remove_file(&next));
                symlink(&bad, &next).expect("a link");
                std::fs::rename(&next, &name).expect("it is ours");
                std::fs::write(&next, &swapped).expect("the folder is writable");
                std::fs::rename(&next, &name).expect("it is ours");
            }
        });
        for _ in 0..times {
            let path = "/plugins/swapd/reload";
            // Refused or taken, as the moment has it; only the bad one may never run.
            drop(crate::http::post(scene.host.management(), path, b""));
            scene.let_traffic_pass(1);
        }
        stop.store(true, Ordering::Relaxed);
    });
    let log = scene.log().join("\n");
    assert!(
        !log.contains("code 77"),
        "a link to a library was followed: {log}"
    );
    std::fs::remove_file(&name).expect("it is there");
    scene.close(nothing_more);
    drop(workshop);

    // A whole folder that everybody may write.
    let host = Host::builder().start();
    let folder = host.folder().join("plugins");
    open(&folder);
    std::fs::write(folder.join("drift.so"), &good).expect("the folder is writable");
    eventually("the folder is refused", || {
        let output = host.output();
        let line = output
            .lines()
            .find(|line| line.contains("drift.so") && line.contains("writ"));
        line.map(|_| ()).ok_or(output.clone())
    });
}

/// F13: a second plugin of a name, a route or a series: the first is untouched.
pub(super) fn duplicates(run: &mut Run) {
    let good = library("drift");
    let host = builder().plugin("faulty");
    let mut scene = Scene::open(run, host);
    scene.serves("faulty");
    scene.settle_here();
    scene.fault_begins();
    let before = scene.plugin("drift");
    scene.put("twin.so", &good);
    let reason = scene.refusal("twin.so");
    assert!(reason.contains("drift"), "{reason}");
    // Another name, the same route.
    scene.put("zlaim0.toml", "route = \"drift\"\n");
    scene.put("zlaim0.so", renamed(&library("faulty"), "faulty", "zlaim0"));
    let reason = scene.refusal("zlaim0.so");
    assert!(reason.contains("drift"), "{reason}");
    // Another name, the same series of a metric: it is its maker's alone.
    let shares = renamed(
        &library("faulty"),
        "\"name\":\"faulty\"",
        "\"name\":\"shares\"",
    );
    scene.put("shares.toml", "route = \"shares\"\n");
    scene.put("shares.so", shares);
    let reason = scene.refusal("shares.so");
    assert!(reason.contains("plugin.faulty made"), "{reason}");
    let after = scene.plugin("drift");
    for field in ["generation", "sha256", "path"] {
        assert_eq!(before[field], after[field], "the first is untouched");
    }
    scene.settle_here();
    scene.close(|scene| serves(&scene.host, "drift"));
}

/// F14: one bad file of many keeps none of the others out.
pub(super) fn one_bad(run: &mut Run) {
    let count = run.effort.pick(30, 1000);
    let workshop = Folder::new("workshop");
    let good = example(workshop.path());
    // A process for each of a thousand is what no machine of a test has; these are in threads.
    let isolation = run.effort.pick("auto", "thread");
    let host = builder()
        .line(format!("isolation={isolation}"))
        .line("plugin_threads=1");
    let mut scene = Scene::open(run, host);
    scene.fault_begins();
    let libraries: Vec<(String, Vec<u8>)> = (1..count)
        .map(|number| format!("m{number:06}"))
        .map(|name| (format!("{name}.so"), renamed(&good, EXAMPLE, &name)))
        .collect();
    let begin = Instant::now();
    for (file, bytes) in &libraries {
        scene.put(file, bytes);
    }
    scene.put("bad.so", &good[..good.len() / 2]);
    // They load in the order of their names: one wait for each tenth of them.
    for tenth in 1..=10 {
        let number = (count - 1) * tenth / 10;
        scene.serves(&format!("m{number:06}"));
    }
    let took = begin.elapsed();
    let list = scene.list();
    let started = list.iter().filter(|plugin| plugin["state"] == "started");
    let done = started.filter(|plugin| text(plugin, "name").starts_with('m'));
    let done = done.count();
    assert_eq!(done, libraries.len());
    scene.refusal("bad.so");
    // Printed and not asserted: the goal of 10 s for 1,000 files is one of the reference machine.
    scene.run.note(format!(
        "{done} load beside 1 bad in {:.1} s ({isolation})",
        took.as_secs_f64()
    ));
    scene.settle_here();
    scene.close(nothing_more);
}
