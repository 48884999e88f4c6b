//! F08 to F10: what happens to the file of a plugin that serves.

use super::run::Run;
use super::scene::{Scene, builder, library, serves, text};
use crate::{eventually, http};
use std::io::Write;

fn drift_serves(scene: &Scene<'_>) -> Result<(), String> {
    serves(&scene.host, "drift")
}

/// F08: the file under a serving plugin is overwritten in place, with garbage too: the running copy is
/// the host's own. Good traffic asks this very plugin.
pub(super) fn in_place(run: &mut Run) {
    let times = run.effort.pick(30, 1000);
    let good = library("drift");
    let mut scene = Scene::open(run, builder());
    scene.fault_begins();
    let file = scene.plugins().join("drift.so");
    for time in 0..times {
        // As `cp` does: the same inode, cut and written again.
        let mut open = std::fs::File::create(&file).expect("the file is ours");
        let half = good.len() / 2;
        open.write_all(&good[..half]).expect("there is room");
        if time % 2 == 0 {
            open.write_all(&vec![0xa5; half]).expect("there is room");
        }
    }
    scene.let_traffic_pass(20);
    std::fs::write(&file, &good).expect("the file is ours");
    scene.run.note(format!("overwritten {times} times"));
    scene.close_uncounted(drift_serves);
}

/// F09: renamed over, again and again; each reload takes the new one and fails nobody.
pub(super) fn by_rename(run: &mut Run) {
    let times = run.effort.pick(4, 50);
    let good = library("drift");
    let mut scene = Scene::open(run, builder().line("plugins_watch=false"));
    scene.fault_begins();
    let before = scene.plugin("drift");
    for time in 1..=times {
        // Bytes after the last section change the digest and nothing else.
        let mut next = good.clone();
        next.extend(vec![0; time]);
        scene.put("drift.so", next);
        let still = scene.plugin("drift");
        assert_eq!(
            still["generation"],
            before["generation"].as_u64().unwrap_or(0) + time as u64 - 1
        );
        let answer = http::post(scene.host.management(), "/plugins/drift/reload", b"");
        assert_eq!(answer.status, 200, "{}", answer.text());
        assert_ne!(answer.json()["sha256"], still["sha256"]);
    }
    scene.run.note(format!("replaced {times} times"));
    scene.close_uncounted(drift_serves);
}

/// F10: deleted while it runs: it keeps serving, and a reload says that the file is gone.
pub(super) fn deleted(run: &mut Run) {
    let good = library("drift");
    let mut scene = Scene::open(run, builder().line("plugins_watch=false"));
    scene.fault_begins();
    std::fs::remove_file(scene.plugins().join("drift.so")).expect("the file is there");
    scene.let_traffic_pass(20);
    let answer = http::post(scene.host.management(), "/plugins/drift/reload", b"");
    assert!(
        answer.status >= 400 && answer.text().contains("gone"),
        "{}",
        answer.text()
    );
    drift_serves(&scene).expect("the generation in service goes on");
    scene.put("drift.so", good);
    let answer = http::post(scene.host.management(), "/plugins/drift/reload", b"");
    assert_eq!(answer.status, 200, "{}", answer.text());
    eventually("it is back", || {
        let plugin = scene.plugin("drift");
        (text(&plugin, "state") == "started")
            .then_some(())
            .ok_or(plugin.to_string())
    });
    scene.close_uncounted(drift_serves);
}
