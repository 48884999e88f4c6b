//! F06, F07 and F30: plugins that never come into service.

use super::craft::{Craft, api_of};
use super::run::Run;
use super::scene::{Scene, builder, faulty_serves, library, nothing_more, text, with_faulty};
use crate::{Folder, eventually, http};

/// F06: a constructor ends its process; where pins are required it never runs.
pub(super) fn constructor(run: &mut Run) {
    let workshop = Folder::new("workshop");
    let api = api_of(&library("drift"));
    let endings = [
        ("aborts", "abort();", "SIGABRT"),
        ("exits", "exit(0);", "code 0"),
        ("leaves", "_exit(0);", "code 0"),
        ("breaks", "*(volatile int *)16 = 1;", "SIGSEGV"),
        ("marks", "_exit(77);", "code 77"),
    ];
    let build = |name: &str, body: &str| {
        let craft = Craft::new(name, &api);
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
    let lock = workshop.write("pins", "# nothing is pinned\n");
    let strict = crate::Host::builder()
        .line("plugins_require_pins=true")
        .line(format!("plugins_lock={}", lock.display()))
        .file("marks.so", build("marks", "_exit(77);"))
        .start();
    eventually("the file is refused", || {
        let list = http::get(strict.management(), "/plugins").text();
        if list.contains("pin") {
            Ok(())
        } else {
            Err(list)
        }
    });
    assert!(
        !strict.output().contains("code 77"),
        "the constructor of an unpinned file ran"
    );
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

/// F30: a plugin that dies at its start is refused; one that dies soon after each start is started
/// again, later each time, then only tried now and then; a good configuration mends it.
pub(super) fn dies_at_start(run: &mut Run) {
    let host = with_faulty()
        .line("plugin_crashes_max=3")
        .line("plugin_trial_interval_ms=500");
    let mut scene = Scene::open_faulty(run, host);
    scene.fault_begins();
    scene.put("faulty.toml", "fault_in = \"start\"\nfault = \"abort\"\n");
    eventually("the new generation is refused", || {
        let plugin = scene.plugin("faulty");
        let said = text(&plugin, "last_error").contains("SIGABRT");
        said.then_some(()).ok_or(plugin.to_string())
    });
    faulty_serves(&scene).expect("the generation before stays in service");
    scene.put("faulty.toml", "fault_in = \"timer\"\nfault = \"abort\"\n");
    let crashes =
        |scene: &Scene<'_>| scene.counted("meterbox_plugin_crashes_total", &[("plugin", "faulty")]);
    let quarantined = eventually("it is quarantined", || {
        let plugin = scene.plugin("faulty");
        let state = plugin["state"] == "quarantined";
        state.then(|| crashes(&scene)).ok_or(plugin.to_string())
    });
    assert!(quarantined >= 3.0, "{quarantined} crashes");
    let answer = eventually("503 while it is away", || {
        let answer = scene.ask("");
        if answer.status == 503 {
            Ok(answer)
        } else {
            Err(answer.text())
        }
    });
    assert!(
        answer.header("retry-after").is_some(),
        "{:?}",
        answer.headers
    );
    eventually("it is tried again", || {
        let now = crashes(&scene);
        if now > quarantined {
            Ok(())
        } else {
            Err(format!("{now}"))
        }
    });
    scene.put("faulty.toml", "");
    scene.close(faulty_serves);
}
