//! F21, F22 and F31: calls and hooks that never come back.

use super::census::is_alive;
use super::run::Run;
use super::scene::{Scene, faulty_serves, nothing_more, with_faulty};
use crate::{HostBuilder, eventually, http};

fn impatient() -> HostBuilder {
    with_faulty()
        .line("plugin.faulty.deadline_ms=400")
        .line("plugin_scrape_deadline_ms=400")
        .line("plugin_stop_deadline_ms=700")
        .line("plugin_crashes_max=1000")
}

/// F21: an endless loop: 504 at the deadline, the process is killed at twice of it; in a collector the
/// page goes out without it.
pub(super) fn endless_loop(run: &mut Run) {
    let mut scene = Scene::open_faulty(run, impatient());
    scene.fault_begins();
    is_killed(&mut scene, "loop");
    scene.put(
        "faulty.toml",
        "collector = true\nfault_in = \"collect\"\nfault = \"loop\"\n",
    );
    eventually("the page shows the collector's failure", || {
        let page = scene.host.scrape("/metrics");
        let labels = [("plugin", "faulty")];
        let success = page.value("meterbox_collector_success", &labels);
        let rest = page.has_family("meterbox_build_info");
        (success == Some(0.0) && rest)
            .then_some(())
            .ok_or(format!("{success:?} {rest}"))
    });
    scene.put("faulty.toml", "");
    scene.close(faulty_serves);
}

/// F22: two threads of it wait for each other.
pub(super) fn deadlock(run: &mut Run) {
    let mut scene = Scene::open_faulty(run, impatient());
    scene.fault_begins();
    is_killed(&mut scene, "deadlock");
    scene.close(faulty_serves);
}

/// 504 at the deadline, then the end of that process and a new one.
#[track_caller]
fn is_killed(scene: &mut Scene<'_>, fault: &str) {
    let before = scene.plugin("faulty");
    let pid = before["pid"]
        .as_u64()
        .and_then(|pid| u32::try_from(pid).ok());
    let pid = pid.unwrap_or_else(|| panic!("no pid: {before}"));
    let answer = scene.ask(fault);
    assert_eq!(answer.status, 504, "{}", answer.text());
    assert!(
        answer.text().contains("did not answer within 0.4 s"),
        "{}",
        answer.text()
    );
    eventually("its process is killed", || {
        if is_alive(pid) {
            Err(format!("{pid} lives"))
        } else {
            Ok(())
        }
    });
    scene.recovers(faulty_serves);
    let killed = [("plugin", "faulty"), ("cause", "deadline")];
    assert!(scene.counted("meterbox_plugin_crashes_total", &killed) >= 1.0);
    assert!(scene.counted("meterbox_plugin_timeouts_total", &killed[..1]) >= 1.0);
}

/// F31: the stop hook hangs: killed when its time is over, at a removal and at the host's end.
pub(super) fn stop_hangs(run: &mut Run) {
    let hanging = "fault_in = \"stop\"\nfault = \"hang\"\n";
    let mut scene = Scene::open_faulty(run, impatient().file("faulty.toml", hanging));
    scene.fault_begins();
    let before = scene.kin();
    std::fs::remove_file(scene.plugins().join("faulty.so")).expect("it is there");
    eventually("the plugin is gone", || {
        let answer = http::get(scene.host.metrics(), "/faulty");
        if answer.status == 404 {
            Ok(())
        } else {
            Err(answer.text())
        }
    });
    eventually("its process is gone", || {
        let now = scene.kin();
        let fewer = now.kin().len() < before.kin().len();
        fewer.then_some(()).ok_or(format!("{:?}", now.kin()))
    });
    // Back again, so that the host's own end meets it, too: `close` asserts that it ends with 0.
    scene.host.drop_plugin("faulty");
    scene.serves("faulty");
    scene.close(nothing_more);
}
