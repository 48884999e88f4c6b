//! Every way in which a process can end, and how the next one comes.

use crate::bench::{Bench, get, isolated, plugin, quick};
use crate::host::host;
use meterbox_plugin_abi::testing::{PATIENCE, Recorder};
use meterbox_plugin_abi::{Failure, Status};
use meterbox_plugin_loader::running::{
    Ended, Lane, Monotonic, RejectReason, Running, Settings, State, Supervisor,
};
use meterbox_plugin_process::parent::{Backoff, Phase, ProcessSettings, RestartSettings};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

pub(crate) const TESTS: crate::Tests = &[
    ("every_end_is_named_and_answered_with_502", ends),
    ("an_endless_call_is_killed_at_twice_its_deadline", deadline),
    ("what_was_counted_before_a_crash_is_counted_once", counters),
    ("answers_half_way_or_kept_break_off", answers_under_way),
    (
        "a_client_that_is_slow_does_not_delay_the_next_process",
        slow_client,
    ),
    ("a_start_that_fails_is_one_sentence", first_start),
    ("another_route_after_a_restart_is_refused", other_routes),
    ("many_crashes_are_a_quarantine_with_trials", quarantine),
    ("a_running_plugin_refuses_calls_while_it_is_down", running),
    ("garbage_from_a_child_ends_the_child_alone", hostile),
];

fn ends() {
    let bench = Bench::new("timer");
    for (at, (rest, cause, words)) in [
        ("abort", "SIGABRT", "was killed by SIGABRT"),
        ("segv", "SIGSEGV", "was killed by SIGSEGV"),
        ("exit", "exit", "ended by itself with exit code 0"),
        ("memory", "memory", "ran out of memory"),
    ]
    .into_iter()
    .enumerate()
    {
        let answer = bench.get(rest);
        let expected = format!("its process {words}; it is being restarted");
        assert_eq!((answer.status, answer.message), (502, expected));
        bench
            .host
            .wait_told(&format!("crashed {cause}: {words}"), 1);
        bench.wait_up(at as u64 + 2);
        bench.host.wait_told("started again=true", at + 1);
        assert_eq!(bench.get("ok").text(), "ok");
    }
    let status = bench.isolated.status();
    assert_eq!((status.starts, status.crashes), (5, 4));
    assert_eq!(status.last_crash.unwrap().cause.name(), "memory");
    assert!(status.resident_bytes.unwrap() > 100_000);
    bench.host.wait_told("timer 7 stopped", 4);
    bench.host.wait_told("timer 7 every", 5);
}

fn deadline() {
    let settings = ProcessSettings {
        entry_limit: Duration::from_millis(100),
        ..quick()
    };
    let bench = Bench::with("", settings);
    let answer = bench.begin(get("loop").time_left(Duration::from_millis(100)));
    let answer = answer.0.wait();
    let words =
        "its process took more than twice its deadline and was killed; it is being restarted";
    assert_eq!((answer.status, answer.message.as_str()), (502, words));
    bench.host.wait_told("crashed deadline", 1);
    bench.wait_up(2);
    assert_eq!(bench.get("ok").text(), "ok");
}

fn counters() {
    let bench = Bench::new("");
    for crash in 1..=10_u32 {
        assert_eq!(bench.get("count-abort").status, 502);
        let so_far = f64::from(crash * 1001);
        assert_eq!(bench.host.held("acts_total").value, so_far);
        assert_eq!(bench.host.held("sizes").sum, f64::from(crash * 5));
        bench.wait_up(u64::from(crash) + 1);
        bench.isolated.harvest();
        assert_eq!(bench.host.held("acts_total").value, so_far);
    }
}

fn answers_under_way() {
    let bench = Bench::new("");
    let (kept, _) = bench.begin(get("keep"));
    let answer = bench.get("stream-abort");
    assert_eq!(
        (answer.text().as_str(), answer.end),
        ("half of it", "abort")
    );
    let answer = kept.wait();
    let words = "its process was killed by SIGABRT; it is being restarted";
    assert_eq!((answer.status, answer.message.as_str()), (502, words));
    bench.wait_up(2);
    assert_eq!(bench.isolated.status().open_calls, 0);
}

fn slow_client() {
    let bench = Bench::new("");
    let place = Recorder::default();
    place.block(true);
    let result = bench.begin_at(&place, get("stream-abort"));
    assert_eq!(result.unwrap_err().status, Status::CRASHED);
    bench.wait_up(2);
    assert_eq!(bench.get("ok").text(), "ok");
    place.block(false);
    assert_eq!(place.wait().end, "abort");
}

fn first_start() {
    let create = |mode: &str| -> Failure {
        let host = host();
        let isolated = isolated(mode, &host, quick());
        let created = isolated.create();
        let failure = created.and_then(|object| object.start()).unwrap_err();
        assert_eq!(isolated.status().pid, None, "{mode}");
        assert!(!host.told().iter().any(|told| told.contains("again")));
        failure
    };
    assert_eq!(
        create("new=fail"),
        Failure::new(Status::INVALID, "no such key")
    );
    let killed = "its process was killed by SIGABRT";
    assert_eq!(create("new=abort"), Failure::new(Status::CRASHED, killed));
    assert_eq!(create("start=abort"), Failure::new(Status::CRASHED, killed));

    let host = host();
    let settings = ProcessSettings {
        start_limit: Duration::from_millis(300),
        ..quick()
    };
    let slow = isolated("new=loop", &host, settings);
    let failure = slow.create().err().unwrap();
    let words = "its process took more than 0.3 s to start and was killed";
    assert_eq!(failure, Failure::new(Status::TIMEOUT, words));
    host.wait_told(
        "crashed start: could not be started: it took more than 0.3 s",
        1,
    );
    assert_eq!(slow.status().pid, None);
}

/// A file that is not there yet.
fn mark(name: &str) -> PathBuf {
    let path =
        Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{name}-{}", std::process::id()));
    let _ = std::fs::remove_file(&path);
    path
}

fn other_routes() {
    let path = mark("other-route");
    let bench = Bench::new(&format!("other-route-if={}", path.display()));
    std::fs::write(&path, "").unwrap();
    bench.get("abort");
    bench.host.wait_told(
        "crashed start: could not be started: it states other roles or routes than before",
        2,
    );
    assert!(bench.isolated.outage().is_some());
    std::fs::remove_file(&path).unwrap();
    bench.wait_up(2);
    assert_eq!(bench.get("ok").text(), "ok");
}

fn quarantine() {
    let path = mark("start-fails");
    let settings = ProcessSettings {
        restarts: RestartSettings {
            crashes_max: 3,
            window: Duration::from_secs(3600),
            backoff: Backoff {
                first: Duration::from_millis(1),
                longest: Duration::from_millis(1),
            },
            trial_interval: Duration::from_millis(200),
        },
        ..quick()
    };
    let bench = Bench::with(&format!("start-fails-if={}", path.display()), settings);
    std::fs::write(&path, "").unwrap();
    bench.get("abort");
    bench
        .host
        .wait_told("crashed start: could not be started: the mark is set", 2);
    bench.host.wait_told("quarantined for 200ms", 3);
    bench.wait_for(|bench| bench.isolated.status().phase == Phase::Quarantined);
    let outage = bench.isolated.outage();
    // A trial may be over just now; the next one fails as well.
    if let Some(outage) = outage {
        assert!(outage.quarantined, "{outage:?}");
        assert!(outage.sentence.contains("crashed too often"), "{outage:?}");
    }
    std::fs::remove_file(&path).unwrap();
    bench.wait_up(2);
    assert_eq!(bench.get("ok").text(), "ok", "the trial serves");
    let told = bench.host.told();
    let before = told.iter().filter(|told| told.contains("quarantined"));
    let before = before.count();
    bench.get("abort");
    // One crash of a trial is enough.
    bench.host.wait_told("quarantined", before + 1);
    bench.wait_up(3);
}

fn running() {
    let host = host();
    let settings = ProcessSettings {
        restarts: RestartSettings::new(1, Duration::from_secs(60), Duration::from_secs(3600)),
        ..quick()
    };
    let isolated = isolated("", &host, settings);
    let created = isolated.clone();
    let running = Running::start_with(
        Arc::new(isolated_origin()),
        move || created.create(),
        Some(isolated.clone()),
        Settings::new(4, 64, PATIENCE, PATIENCE),
        Arc::new(Monotonic::default()),
        Arc::default(),
    )
    .unwrap();
    assert_eq!(running.state(), State::Started);
    let work = |object: &meterbox_plugin_abi::PluginObject| object.on_timer(1);
    let ticket = running.run(Lane::Ordinary, work, Box::new(|_| {})).unwrap();
    assert_eq!(ticket.wait(PATIENCE), Ended::Returned(Ok(())));
    let pid = isolated.status().pid.unwrap();
    let pid = rustix::process::Pid::from_raw(i32::try_from(pid).unwrap()).unwrap();
    rustix::process::kill_process(pid, rustix::process::Signal::KILL).unwrap();
    host.wait_told("crashed SIGKILL", 1);
    let reject = running
        .run(Lane::Ordinary, work, Box::new(|_| {}))
        .err()
        .unwrap();
    assert_eq!(reject.reason, RejectReason::Quarantined);
    assert!(reject.retry_after.unwrap() > Duration::from_secs(1000));
    assert_eq!(running.state(), State::Quarantined);
    running.drain().unwrap();
    assert_eq!(isolated.status().phase, Phase::Stopped);
}

fn isolated_origin() -> meterbox_plugin_loader::load::Origin {
    meterbox_plugin_loader::load::Origin {
        path: PathBuf::from("/plugins/actor.so"),
        metadata: crate::bench::metadata(),
        sha256: "00".to_owned(),
        mapped_bytes: 0,
    }
}

fn hostile() {
    for seed in 0..40 {
        let host = host();
        let settings = ProcessSettings {
            start_limit: Duration::from_secs(5),
            ..quick()
        };
        let plugin = plugin("", &format!("__hostile={seed}"), &host, settings);
        if let Ok(object) = plugin.create() {
            // It happened to say the right thing; whatever it is asked now is answered in some way.
            let _ = object.start();
            let _ = object.on_timer(1);
        }
        assert_eq!(plugin.status().pid, None, "seed {seed}");
    }
    let bench = Bench::new("");
    assert_eq!(bench.get("ok").text(), "ok", "this process is as it was");
}
