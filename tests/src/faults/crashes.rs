//! F15 to F20: calls that end the plugin's process, and the one that does not.

use super::craft::{Craft, api_of};
use super::run::Run;
use super::scene::{Scene, builder, faulty_serves, library, text, with_faulty};
use crate::{Folder, eventually};
use serde_json::Value;

/// Room for every crash that a fault makes before the plugin is quarantined.
const MANY: &str = "plugin_crashes_max=1000";

/// F15: a panic that unwinds costs its own answer, not the process.
pub(super) fn panic_unwinding(run: &mut Run) {
    let times = run.effort.pick(5, 200);
    let mut scene = Scene::open_faulty(run, with_faulty().line("log_level=info"));
    let before = scene.plugin("faulty");
    scene.fault_begins();
    let answer = scene.ask("panic");
    assert_eq!(answer.status, 500, "{}", answer.text());
    assert!(answer.text().contains("told to panic"), "{}", answer.text());
    scene.logged_once(&["faulty", "told to panic"]);
    for _ in 1..times {
        // Many in a short time open the breaker, which answers 503.
        let status = scene.ask("panic").status;
        assert!(matches!(status, 500 | 503), "{status}");
    }
    let after = scene.plugin("faulty");
    assert_eq!(before["pid"], after["pid"], "the process is kept: {after}");
    assert!(scene.counted("meterbox_plugin_panics_total", &[("plugin", "faulty")]) >= 1.0);
    scene.close(|scene| {
        let serving = faulty_serves(scene);
        serving.or_else(|why| {
            if why.contains("breaker") || why.starts_with("503") {
                Ok(())
            } else {
                Err(why)
            }
        })
    });
}

/// F16: panics that end the process; a library built so is refused at once.
pub(super) fn panic_aborting(run: &mut Run) {
    let workshop = Folder::new("workshop");
    let api = api_of(&library("drift"));
    let mut scene = Scene::open_faulty(run, with_faulty().line(MANY));
    scene.fault_begins();
    dies(&mut scene, "panic_extern_c", "SIGABRT");
    dies(&mut scene, "panic_double", "SIGABRT");
    scene.put(
        "aborting.so",
        Craft::new("aborting", &api)
            .panic("abort")
            .build(workshop.path()),
    );
    let reason = scene.refusal("aborting.so");
    assert!(reason.contains("panic"), "{reason}");
    std::fs::remove_file(scene.plugins().join("aborting.so")).expect("it is there");
    scene.close(faulty_serves);
}

/// F17: `abort()`, with another call of the plugin in flight.
pub(super) fn abort(run: &mut Run) {
    // With every further one in a minute the pause before the next start doubles.
    let times = run.effort.pick(2, 4);
    let mut scene = Scene::open_faulty(run, with_faulty().line(MANY));
    scene.fault_begins();
    let in_flight = std::thread::scope(|scope| {
        let calls = scene.counted("meterbox_plugin_calls_total", &[("plugin", "faulty")]);
        let slow = scope.spawn(|| scene.try_ask("slow"));
        eventually("the slow call is in the plugin", || {
            let now = scene.counted("meterbox_plugin_calls_total", &[("plugin", "faulty")]);
            if now > calls {
                Ok(())
            } else {
                Err(now.to_string())
            }
        });
        let answer = scene.ask("abort");
        assert_eq!(answer.status, 502, "{}", answer.text());
        slow.join().expect("no panic")
    });
    let in_flight = in_flight.expect("an answer");
    assert_eq!(in_flight.status, 502, "in flight: {}", in_flight.text());
    scene.recovers(faulty_serves);
    for _ in 1..times {
        dies(&mut scene, "abort", "SIGABRT");
    }
    scene.run.note(format!("{times} crashes"));
    scene.close(faulty_serves);
}

/// Proves that the suite can fail: the same `abort()` with the plugin on threads of the host.
pub(super) fn abort_in_host(run: &mut Run) {
    let host = builder()
        .plugin("faulty")
        .line("plugin.faulty.isolation=thread");
    let mut scene = Scene::open(run, host);
    scene.serves("faulty");
    scene.fault_begins();
    let _ = scene.try_ask("abort");
    scene.close(faulty_serves);
}

/// F18: the signals of broken code; each is named.
pub(super) fn signals(run: &mut Run) {
    let mut scene = Scene::open_faulty(run, with_faulty().line(MANY));
    scene.fault_begins();
    for (fault, signal) in [
        ("segv", "SIGSEGV"),
        ("bus", "SIGBUS"),
        ("ill", "SIGILL"),
        ("fpe", "SIGFPE"),
        ("kill", "SIGKILL"),
    ] {
        dies(&mut scene, fault, signal);
    }
    scene.close(faulty_serves);
}

/// F19: the stack runs out.
pub(super) fn stack_overflow(run: &mut Run) {
    let mut scene = Scene::open_faulty(run, with_faulty().line(MANY));
    scene.fault_begins();
    dies(&mut scene, "overflow", "SIG");
    scene.close(faulty_serves);
}

/// F20: it ends its process in good order, which is as bad; status 0 too.
pub(super) fn exit(run: &mut Run) {
    let mut scene = Scene::open_faulty(run, with_faulty().line(MANY));
    scene.fault_begins();
    dies(&mut scene, "exit", "0");
    dies(&mut scene, "exit_3", "3");
    dies(&mut scene, "exit_raw", "0");
    scene.close(faulty_serves);
}

/// Asks for a fault that ends the process: 502 with the cause, counted and logged once, and the plugin
/// serves again from a new process.
#[track_caller]
pub(super) fn dies(scene: &mut Scene<'_>, fault: &str, cause: &str) {
    let crashes =
        |scene: &Scene<'_>| scene.counted("meterbox_plugin_crashes_total", &[("plugin", "faulty")]);
    let (before, counted) = (scene.plugin("faulty"), crashes(scene));
    let logged = scene.log().len();
    let answer = scene.ask(fault);
    assert_eq!(answer.status, 502, "{fault}: {}", answer.text());
    assert!(
        answer.text().contains(cause),
        "{fault} names {cause}: {}",
        answer.text()
    );
    scene.recovers(faulty_serves);
    let after = scene.plugin("faulty");
    assert_ne!(
        before["pid"], after["pid"],
        "{fault}: a new process: {after}"
    );
    let last = text_of(&after["last_crash"]);
    assert!(last.contains(cause), "{fault} names {cause}: {last}");
    let now = crashes(scene);
    assert!(
        (now - counted - 1.0).abs() < 0.5,
        "{fault}: {counted} crashes before, {now} after"
    );
    let lines = eventually("the crash is in the log", || {
        let log = scene.log().split_off(logged);
        let told = |line: &&String| {
            line.contains("WARN") && line.contains("faulty") && line.contains(cause)
        };
        let lines: Vec<String> = log.iter().filter(told).cloned().collect();
        if lines.is_empty() {
            Err(log.join("\n"))
        } else {
            Ok(lines)
        }
    });
    assert_eq!(lines.len(), 1, "{fault}: {lines:#?}");
}

fn text_of(crash: &Value) -> String {
    format!("{} {}", text(crash, "cause"), text(crash, "text"))
}
