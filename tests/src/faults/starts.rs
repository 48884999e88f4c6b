//! F06, F07 and F30: plugins that never come into service.

use super::craft::{Craft, api_of};
use super::run::Run;
use super::scene::{Scene, builder, faulty_serves, library, nothing_more, text, with_faulty};
use crate::{Folder, eventually, http};

/// F06: a constructor ends its process; where pins are required it never runs.
pub(super) fn constructor(run: &mut Run) {
    let workshop = Folder::new("workshop");
    let api = api_of(&library("drift"));
    let marker = workshop.path().join("ran");
    let endings = [
        ("aborts", "abort();".to_owned(), "SIGABRT"),
        ("exits", "exit(0);".to_owned(), "ended"),
        ("leaves", "_exit(0);".to_owned(), "ended"),
        ("breaks", "*(volatile int *)16 = 1;".to_owned(), "SIGSEGV"),
        (
            "marks",
            format!("fclose(fopen({marker:?}, \"w\")); _exit(1);"),
            "ended",
        ),
    ];
    let build = |name: &str, body: &str| {
        let craft = Craft::new(name, &api).code("#include <stdio.h>\n");
        craft.constructor(body).build(workshop.path())
    };
    let mut scene = Scene::open(run, builder());
    scene.fault_begins();
    for (name, body, words) in &endings {
        let file = format!("{name}.so");
        scene.put(&file, build(name, body));
        let reason = scene.refusal(&file);
        assert!(reason.contains(words), "{file}: {reason}");
        scene.logged_once(&[&file, words]);
    }
    assert!(scene.counted("meterbox_plugin_load_errors_total", &[]) >= endings.len() as f64);
    scene.close(nothing_more);

    // The same file where only pinned ones may run.
    drop(std::fs::remove_file(&marker));
    let lock = workshop.write("pins", "# nothing is pinned\n");
    let strict = crate::Host::builder()
        .line("plugins_require_pins=true")
        .line(format!("plugins_lock={}", lock.display()))
        .file("marks.so", build("marks", &endings[4].1))
        .start();
    eventually("the file is refused", || {
        let list = http::get(strict.management(), "/plugins").text();
        if list.contains("pin") {
            Ok(())
        } else {
            Err(list)
        }
    });
    assert!(!marker.exists(), "the constructor of an unpinned file ran");
}

/// F07: a constructor, `new` and `start` that never come back; the server is ready without them.
pub(super) fn start_hangs(run: &mut Run) {
    let workshop = Folder::new("workshop");
    let api = api_of(&library("drift"));
    let sleeping = Craft::new("sleeping", &api).constructor("for (;;) pause();");
    // Present when the host starts: `open` returns, so it was ready without the plugin.
    let host = with_faulty()
        .line("plugin_start_deadline_ms=1500")
        .file("faulty.toml", "fault_in = \"new\"\nfault = \"hang\"\n")
        .file("sleeping.so", sleeping.build(workshop.path()));
    let mut scene = Scene::open(run, host);
    scene.fault_begins();
    for file in ["sleeping.so", "faulty.so"] {
        let reason = scene.refusal(file);
        assert!(reason.contains("1.5 s"), "{file}: {reason}");
    }
    for entry in ["start", "routes"] {
        scene.put(
            "faulty.toml",
            format!("fault_in = \"{entry}\"\nfault = \"hang\"\n"),
        );
        eventually(entry, || {
            let plugin = scene.plugin("faulty");
            let reason = text(&plugin, "last_error");
            let refused = plugin["state"] == "rejected" && reason.contains("1.5 s");
            let again = plugin.to_string();
            (refused && scene.log().iter().any(|line| line.contains(&reason)))
                .then_some(())
                .ok_or(again)
        });
    }
    scene.put("faulty.toml", "");
    scene.serves("faulty");
    scene.settle_here();
    scene.close(faulty_serves);
}

/// F30: a plugin that dies at each start is tried again, each time later, then only now and then; a
/// good configuration mends it.
pub(super) fn dies_at_start(run: &mut Run) {
    let mut scene = Scene::open_faulty(run, with_faulty());
    scene.fault_begins();
    // Until the marker is there it dies whenever it starts.
    scene.put("faulty.toml", "fault_in = \"start\"\nfault = \"abort\"\n");
    eventually("it failed", || {
        let plugin = scene.plugin("faulty");
        text(&plugin, "last_error")
            .contains("SIGABRT")
            .then_some(())
            .ok_or(plugin.to_string())
    });
    scene.put("faulty.toml", "");
    scene.close(faulty_serves);
}
