//! Plugins in processes of their own: whatever ends such a process costs that plugin its calls and nobody else any.

use meterbox_tests::http::{self, Answer};
use meterbox_tests::{Host, HostBuilder, eventually};
use serde_json::Value;
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::Duration;

/// A host with the page, a plugin that breaks itself and a good one beside it, both isolated.
fn builder() -> HostBuilder {
    Host::builder()
        .plugin("prometheus")
        .plugin("versioned")
        .plugin("faulty")
        .line("plugin_crashes_max=1000")
}

#[track_caller]
fn plugin(host: &Host, name: &str) -> Value {
    let answer = http::get(host.management(), &format!("/plugins/{name}"));
    assert_eq!(answer.status, 200, "{}", answer.text());
    answer.json()
}

#[track_caller]
fn pid(host: &Host, name: &str) -> u32 {
    eventually("it has a process", || {
        let plugin = plugin(host, name);
        let pid = plugin["pid"]
            .as_u64()
            .and_then(|pid| u32::try_from(pid).ok());
        pid.ok_or_else(|| plugin.to_string())
    })
}

/// Whether a process is there and has not ended; one that nobody has waited for yet has.
fn is_alive(pid: u32) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    let state = stat
        .rsplit(") ")
        .next()
        .and_then(|rest| rest.chars().next());
    !matches!(state, None | Some('Z' | 'X'))
}

fn faulty(host: &Host, fault: &str) -> Answer {
    http::get(host.metrics(), &format!("/faulty/{fault}"))
}

/// Asks until the plugin serves again. No other answer than a good one is the plugin's own.
#[track_caller]
fn wait_until_it_serves(host: &Host) {
    eventually("the plugin serves again", || {
        let answer = faulty(host, "");
        match answer.status {
            200 => Ok(()),
            502..=504 => Err(answer.text()),
            status => panic!("{status}: {}", answer.text()),
        }
    });
}

#[test]
fn a_dropped_plugin_runs_in_a_process_of_its_own_and_what_is_shipped_does_not() {
    let host = builder().start();
    let child = pid(&host, "versioned");
    assert_ne!(child, host.pid());
    let status = std::fs::read_to_string(format!("/proc/{child}/status")).expect("it is there");
    let parent = format!("PPid:\t{}", host.pid());
    assert!(status.lines().any(|line| line == parent), "{status}");
    let versioned = plugin(&host, "versioned");
    assert_eq!(versioned["isolation"], "process");
    assert_eq!(
        (&versioned["restarts"], &versioned["crashes"]),
        (&0.into(), &0.into())
    );
    assert!(
        versioned["memory_bytes"]
            .as_u64()
            .is_some_and(|bytes| bytes > 100_000),
        "{versioned}"
    );
    assert_eq!(versioned["budgets"]["memory"]["limit"], 256 << 20);
    let page = plugin(&host, "prometheus");
    assert_eq!(
        (&page["isolation"], &page["pid"]),
        (&"thread".into(), &Value::Null)
    );
    let answer = http::get(host.metrics(), "/versioned");
    assert_eq!(
        (answer.status, answer.text().as_str()),
        (200, "edition-0001")
    );
    let labels = [("plugin", "versioned")];
    let page = host.scrape("/metrics");
    assert_eq!(page.value("versioned_asked_total", &[]), Some(1.0));
    assert_eq!(page.value("meterbox_plugin_up", &labels), Some(1.0));
    assert!(
        page.value("meterbox_plugin_memory_bytes", &labels)
            .is_some()
    );
}

/// A client's pause between two requests.
const REST: Duration = Duration::from_millis(20);

/// Good traffic until the other end of `stopped` is gone: how many good answers there were, and the
/// others.
fn traffic(host: &Host, path: &str, stopped: &Receiver<()>) -> (u64, Vec<String>) {
    let (mut good, mut bad) = (0, Vec::new());
    while stopped.recv_timeout(REST) == Err(RecvTimeoutError::Timeout) {
        match http::request(host.metrics(), "GET", path, &[], &[]) {
            Ok(answer) if answer.status == 200 => good += 1,
            Ok(answer) => bad.push(answer.text()),
            Err(error) => bad.push(error),
        }
    }
    (good, bad)
}

#[test]
fn crashes_cost_only_their_own_calls_and_no_count() {
    let host = builder()
        .line("plugin.faulty.memory_bytes_max=67108864")
        .start();
    let faults = [
        ("abort", "SIGABRT"),
        ("segv", "SIGSEGV"),
        ("exit", "exit code 0"),
        ("exit_raw", "exit code 0"),
        ("overflow", "SIGABRT"),
        ("panic_extern_c", "SIGABRT"),
        ("leak", "out of memory"),
    ];
    wait_until_it_serves(&host);
    let mut calls = 1;
    std::thread::scope(|scope| {
        // Dropped, and the clients end, when a fault below is not what it should be.
        let beside = ["/metrics", "/versioned"].map(|path| {
            let (stop, stopped) = channel();
            let host = &host;
            (stop, scope.spawn(move || traffic(host, path, &stopped)))
        });
        for (fault, words) in faults {
            let before = pid(&host, "faulty");
            let answer = faulty(&host, fault);
            assert_eq!(answer.status, 502, "{fault}: {}", answer.text());
            let text = answer.text();
            assert!(
                text.contains("faulty") && text.contains(words),
                "{fault}: {text}"
            );
            eventually("its process has ended", || {
                (!is_alive(before))
                    .then_some(())
                    .ok_or_else(|| fault.to_owned())
            });
            wait_until_it_serves(&host);
            calls += 2;
        }
        for (stop, thread) in beside {
            drop(stop);
            let (good, bad) = thread.join().expect("no panic");
            assert!(good > 0 && bad.is_empty(), "{good} good, then {bad:?}");
        }
    });
    let page = host.scrape("/metrics");
    assert_eq!(
        page.value("faulty_calls_total", &[]),
        Some(calls as f64),
        "one count over all crashes"
    );
    let crashes: f64 = page
        .samples("meterbox_plugin_crashes_total")
        .iter()
        .map(|sample| sample.value)
        .sum();
    assert_eq!(crashes, faults.len() as f64);
    let restarts = page.value("meterbox_plugin_restarts_total", &[("plugin", "faulty")]);
    assert_eq!(restarts, Some(crashes));
    let survived = |kind| page.value("meterbox_faults_total", &[("kind", kind)]);
    assert!(
        survived("plugin_crash") >= Some(6.0),
        "{:?}",
        survived("plugin_crash")
    );
    assert_eq!(survived("plugin_memory"), Some(1.0), "the leak");
    let status = plugin(&host, "faulty");
    assert_eq!(status["crashes"], faults.len());
    assert!(status["last_crash"]["text"].is_string(), "{status}");
    assert!(status["last_error"].is_string(), "{status}");
    assert_eq!(plugin(&host, "versioned")["crashes"], 0);
}

#[test]
fn an_endless_loop_is_a_504_and_its_process_is_ended() {
    let host = builder().line("plugin.faulty.deadline_ms=500").start();
    let before = pid(&host, "faulty");
    let answer = faulty(&host, "loop");
    assert_eq!(answer.status, 504, "{}", answer.text());
    assert!(
        answer.text().contains("did not answer within 0.5 s"),
        "{}",
        answer.text()
    );
    eventually("its process has ended", || {
        (!is_alive(before))
            .then_some(())
            .ok_or_else(|| "it spins".to_owned())
    });
    wait_until_it_serves(&host);
    assert_ne!(pid(&host, "faulty"), before);
    let page = host.scrape("/metrics");
    let killed = page.value("meterbox_faults_total", &[("kind", "plugin_killed")]);
    assert!(killed >= Some(1.0), "{killed:?}");
    let late = [("plugin", "faulty"), ("budget", "call_time")];
    let late = page.value("meterbox_plugin_over_budget_total", &late);
    assert!(late >= Some(1.0), "{late:?}");
}

#[test]
fn too_many_crashes_quarantine_it_until_a_trial_goes_well() {
    let host = builder()
        .line("plugin_crashes_max=2")
        .line("plugin_trial_interval_ms=700")
        .start();
    assert_eq!(faulty(&host, "abort").status, 502);
    wait_until_it_serves(&host);
    assert_eq!(faulty(&host, "abort").status, 502);
    let refused = faulty(&host, "");
    assert_eq!(refused.status, 503, "{}", refused.text());
    assert!(
        refused.header("retry-after").is_some(),
        "{:?}",
        refused.headers
    );
    eventually("a log line says so", || {
        let output = host.output();
        output.contains("quarantined").then_some(()).ok_or(output)
    });
    wait_until_it_serves(&host);
    assert_eq!(plugin(&host, "faulty")["state"], "started");
    assert_eq!(http::get(host.metrics(), "/versioned").status, 200);
}

#[test]
fn no_process_is_left_after_the_end_of_the_host() {
    use rustix::process::Signal;
    for signal in [Signal::TERM, Signal::KILL] {
        let mut host = builder().start();
        let children = [pid(&host, "versioned"), pid(&host, "faulty")];
        assert!(children.iter().all(|&child| is_alive(child)));
        host.signal(signal);
        host.wait();
        for child in children {
            eventually("the child is gone", || {
                (!is_alive(child))
                    .then_some(())
                    .ok_or_else(|| format!("{child} after {signal:?}"))
            });
        }
    }
}

#[test]
fn what_it_logs_and_prints_is_in_the_log_under_its_name() {
    let host = builder().start();
    let says = |words: &str| {
        eventually(words, || {
            let output = host.output();
            let said = output
                .lines()
                .any(|line| line.contains(words) && line.contains("plugin.faulty"));
            said.then_some(()).ok_or(output)
        });
    };
    let answer = faulty(&host, "panic");
    assert_eq!(answer.status, 500, "a panic is caught: {}", answer.text());
    says("told to panic");
    assert_eq!(plugin(&host, "faulty")["crashes"], 0);
    // Printed by the runtime when there is no stack left to log anything.
    assert_eq!(faulty(&host, "overflow").status, 502);
    says("has overflowed its stack");
    says("its process was killed by SIGABRT");
}

#[test]
fn the_page_itself_may_be_served_by_a_process() {
    let host = builder().isolation("prometheus", "process").start();
    let page = host.scrape("/metrics");
    assert!(page.has_family("meterbox_build_info"));
    assert_eq!(
        page.value("meterbox_plugin_up", &[("plugin", "faulty")]),
        Some(1.0)
    );
    assert_eq!(faulty(&host, "abort").status, 502);
    assert!(host.scrape("/metrics").has_family("faulty_calls_total"));
}

#[test]
fn an_answer_that_fails_after_its_first_piece_is_broken_off() {
    let torn = "# /// meterbox\n# name = \"torn\"\n# version = \"0.1.0\"\n# api = 1\n# ///\n\
                from meterbox_plugin import Plugin, get\n\n\
                def parts():\n    yield 'half'\n    raise ValueError('the other half is missing')\n\n\
                class Torn(Plugin):\n    @get('torn')\n    def show(self, request):\n        return parts()\n";
    let host = builder().file("torn.py", torn).start();
    let answer = http::request(host.metrics(), "GET", "/torn", &[], &[]);
    assert!(answer.is_err(), "half an answer looks whole: {answer:?}");
    eventually(
        "the failure is counted",
        || match plugin(&host, "torn")["errors"].as_u64() {
            Some(1) => Ok(()),
            errors => Err(format!("{errors:?} errors")),
        },
    );
}

#[test]
fn a_series_that_is_removed_while_it_is_asked_for_never_counts_into_another() {
    let host = builder().start();
    std::thread::scope(|scope| {
        let races = scope.spawn(|| faulty(&host, "races"));
        // Cells of removed series are used again once their values were read.
        while !races.is_finished() {
            drop(host.scrape("/metrics"));
        }
        let answer = races.join().expect("it is answered");
        assert_eq!(answer.status, 200, "{}", answer.text());
    });
    let page = host.scrape("/metrics");
    for round in 0..400 {
        let of = |id: String| page.value("faulty_races_total", &[("id", &id)]);
        assert_eq!(
            of(format!("y{round}")),
            Some(0.0),
            "nobody counted y{round}"
        );
        // The handles from before the removal count nowhere, those from after it a thousand each.
        let x = of(format!("x{round}")).unwrap_or_default();
        assert!(x <= 8000.0 && x % 1000.0 == 0.0, "x{round} has {x}");
    }
}
