//! F27 to F29: plugins that bend signals, answers and the moment of their end.

use super::run::Run;
use super::scene::{Scene, faulty_serves, with_faulty};
use crate::http;

/// F27: it ignores and blocks every signal; the host's SIGTERM works as always (`close` sends it).
pub(super) fn signals(run: &mut Run) {
    let host = with_faulty()
        .line("plugin.faulty.deadline_ms=400")
        .line("plugin_crashes_max=1000");
    let mut scene = Scene::open_faulty(run, host);
    scene.fault_begins();
    let answer = scene.ask("signals");
    assert_eq!(answer.status, 200, "{}", answer.text());
    let report = answer.text();
    scene.run.note(report);
    // It cannot hold off the kill of a stuck call.
    let answer = scene.ask("hang");
    assert_eq!(answer.status, 504, "{}", answer.text());
    scene.recovers(faulty_serves);
    // And once more, so that the host's end meets a process that ignores all signals.
    let answer = scene.ask("signals");
    assert_eq!(answer.status, 200, "{}", answer.text());
    scene.close(faulty_serves);
}

/// F28: heads that HTTP does not allow, and a page with families that cannot be shown.
pub(super) fn bad_replies(run: &mut Run) {
    let mut scene = Scene::open_faulty(run, with_faulty());
    scene.fault_begins();
    for fault in [
        "header_crlf",
        "header_nul",
        "header_name",
        "status_99",
        "status_101",
        "status_999",
    ] {
        let answer = scene.ask_rested(fault);
        assert!(
            matches!(answer.status, 500 | 502),
            "{fault}: {} {}",
            answer.status,
            answer.text()
        );
        assert_eq!(answer.header("x-injected"), None, "{fault}");
    }
    for (fault, name) in [
        ("header_cookie", "set-cookie"),
        ("header_cors", "access-control-allow-origin"),
        ("header_chunked", "transfer-encoding"),
    ] {
        let answer = scene.ask_rested(fault);
        let passed = answer.status == 200 && answer.header(name).is_some();
        assert!(!passed, "{fault}: {:?}", answer.headers);
    }
    let answer = scene.ask_rested("header_length");
    let whole = answer.status != 200 || answer.text() == "with a header";
    assert!(
        whole,
        "a declared length is the host's to set: {}",
        answer.text()
    );
    let answer = scene.ask_rested("header_many");
    assert!(
        answer.status != 200 || answer.headers.len() < 200,
        "{}",
        answer.headers.len()
    );
    let answer = scene.ask_rested("forget");
    assert_eq!(answer.status, 500, "{}", answer.text());
    drop(scene.host.scrape("/metrics"));
    let _ = http::get(scene.host.metrics(), "/faulty");
    scene.close(faulty_serves);
}

/// F29: half an answer, then the end of the process: the connection is cut, never a short whole.
pub(super) fn stall(run: &mut Run) {
    let mut scene = Scene::open_faulty(run, with_faulty().line("plugin_crashes_max=1000"));
    scene.fault_begins();
    for fault in ["half", "stall"] {
        match scene.try_ask(fault) {
            Err(complaint) => assert!(complaint.contains("cut"), "{fault}: {complaint}"),
            Ok(answer) => assert_eq!(answer.status, 502, "{fault}: {}", answer.text()),
        }
        scene.recovers(faulty_serves);
    }
    scene.close(faulty_serves);
}
