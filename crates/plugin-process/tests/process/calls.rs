//! What a plugin can do in a process of its own, seen from both sides.

use crate::actor::Text;
use crate::bench::{Bench, get};
use meterbox_plugin_abi::gather::Filter;
use meterbox_plugin_abi::testing::{Held, TestSource};
use meterbox_plugin_abi::{Failure, Field, Push, PushSink, Roles, Row, Status, Table, Verdict};
use std::sync::Arc;

pub(crate) const TESTS: crate::Tests = &[
    ("requests_and_answers_cross_whole", requests_and_answers),
    ("bodies_of_every_size_cross_both_ways", bodies),
    ("answers_may_come_in_parts_and_later", parts),
    ("errors_keep_their_kind_and_text", errors),
    ("every_kind_of_metric_reaches_the_host", metrics),
    ("all_metrics_can_be_gathered_and_shown", gathering),
    ("events_timers_and_exports_cross", other_entries),
    ("many_calls_at_once_are_told_apart", concurrency),
    ("output_becomes_lines_of_the_log", output),
    ("stop_calls_the_hook_and_ends_the_process", stopping),
];

fn requests_and_answers() {
    let bench = Bench::new("");
    assert_eq!(
        bench.object().roles(),
        Roles::ENDPOINT.with(Roles::COLLECTOR)
    );
    assert_eq!(bench.object().routes().unwrap()[0].pattern, "actor");
    let answer = bench.begin(get("head").header("x-ask", "why"));
    let answer = answer.0.wait();
    let expected = [
        ("x-query".to_owned(), b"a=b".to_vec()),
        ("x-ask".to_owned(), b"why".to_vec()),
    ];
    assert_eq!((answer.status, answer.headers), (202, expected.to_vec()));
    assert_eq!((answer.body, answer.length), (b"GET".to_vec(), Some(3)));
}

fn bodies() {
    let bench = Bench::new("");
    for bytes in [0, 1, 16_383, 16_384, 65_536, 65_537, 1 << 20, 5 << 20] {
        let body: Vec<u8> = (0..bytes).map(|at: u32| (at % 251) as u8).collect();
        for announced in [true, false] {
            let header = if announced {
                ("content-length", bytes.to_string())
            } else {
                ("transfer-encoding", "chunked".to_owned())
            };
            let request = get("echo").header(header.0, header.1).body(body.clone());
            let (place, result) = bench.begin(request);
            assert_eq!(result, Ok(()));
            let answer = place.wait();
            assert!(answer.body == body, "{bytes} bytes, announced: {announced}");
        }
    }
    assert_eq!(bench.get("big/40000000").body.len(), 40_000_000);
}

fn parts() {
    let bench = Bench::new("");
    let answer = bench.get("stream/3");
    assert_eq!(answer.text(), "part 0\npart 1\npart 2\nend");
    assert_eq!((answer.status, answer.length), (200, None));
    assert_eq!(bench.get("later").text(), "later");
    let (kept, result) = bench.begin(get("keep"));
    assert_eq!(result, Ok(()));
    assert_eq!(bench.isolated.status().open_calls, 1);
    drop(bench);
    let answer = kept.wait();
    assert_eq!((answer.status, answer.end), (502, "fail"), "{answer:?}");
}

fn errors() {
    let bench = Bench::new("");
    for (rest, status, message) in [
        ("fail", 404, "no such thing"),
        ("drop", 500, "the plugin returned without an answer"),
        ("panic", 500, "it panicked"),
        (
            "gather/refused",
            500,
            "plugin actor has no permission metrics.read",
        ),
    ] {
        let answer = bench.get(rest);
        assert_eq!((answer.status, answer.message.as_str()), (status, message));
    }
    assert_eq!(bench.get("ok").text(), "ok", "it goes on");
    assert_eq!(bench.isolated.status().crashes, 0);
}

fn metrics() {
    let bench = Bench::new("");
    bench.get("count/1000");
    bench.get("ok");
    bench.isolated.harvest();
    assert_eq!(bench.host.held("acts_total").value, 1002.0);
    assert_eq!(bench.host.held("level").value, 1000.0);
    let sizes = Held {
        value: 0.0,
        buckets: vec![0, 2, 0],
        sum: 10.0,
    };
    assert_eq!(bench.host.held("sizes"), sizes);
    assert_eq!(bench.host.held("spent").buckets, [2]);
    bench.isolated.harvest();
    assert_eq!(bench.host.held("sizes"), sizes, "nothing is counted twice");
    bench.get("ok");
    let host = bench.stop();
    assert_eq!(host.held("acts_total").value, 1003.0, "the last ones, too");
}

fn gathering() {
    let bench = Bench::new("");
    let page = bench.get("gather/all").text();
    assert_eq!(page.lines().count(), 20_000);
    assert!(page.starts_with("family_0 [0.0]\nfamily_1 [1.0]\n"));
    assert!(page.ends_with("family_19999 [19999.0]\n"));
    let page = bench.get("page").text();
    assert_eq!(page.lines().count(), 20_001, "written while it is gathered");
    assert!(page.ends_with("family_19999\nend\n"));
    let mut text = Text::default();
    let filter = Filter { names: &["a", "b"] };
    bench.object().collect(&filter, &mut text).unwrap();
    assert_eq!(text.0, "shown [2.0]\n");
}

struct Pushed(String);

impl PushSink for Pushed {
    fn push(&mut self, push: &Push<'_>) -> Result<(), Failure> {
        let body = String::from_utf8_lossy(push.body);
        self.0 = format!("{} {} {:?} {body}", push.method, push.url, push.headers);
        Err(Failure::new(Status::LIMIT, "too much waits already"))
    }
}

fn other_entries() {
    let bench = Bench::new("timer");
    bench.host.wait_told("timer 7 every 1s", 1);
    bench.object().on_timer(7).unwrap();
    let rows = vec![Row::new().text(Field(3), "noop"), Row::new()];
    bench.object().on_events(Table::of(Arc::new(rows))).unwrap();
    bench.isolated.harvest();
    assert_eq!(bench.host.held("acts_total").value, 9.0);

    let mut pushed = Pushed(String::new());
    let failure = bench
        .object()
        .export(&TestSource::default(), &mut pushed)
        .unwrap_err();
    assert_eq!(
        failure,
        Failure::new(Status::LIMIT, "too much waits already")
    );
    assert_eq!(pushed.0, "POST http://127.0.0.1/push [(\"x-a\", \"b\")] ");
    let verdict = bench.object().classify(507, b"full").unwrap();
    assert_eq!(verdict, (Verdict::DROP, "507 full".to_owned()));
    let host = bench.stop();
    host.wait_told("timer 7 stopped", 1);
}

fn concurrency() {
    let bench = Bench::new("");
    std::thread::scope(|scope| {
        for worker in 0..4 {
            let bench = &bench;
            scope.spawn(move || {
                for round in 0..200 {
                    let text = format!("{worker} {round}").repeat(round + 1).into_bytes();
                    let (place, _) = bench.begin(
                        get("echo")
                            .header("transfer-encoding", "chunked")
                            .body(text.clone()),
                    );
                    assert_eq!(place.wait().body, text);
                    assert_eq!(bench.get("later").text(), "later");
                }
            });
        }
    });
    bench.isolated.harvest();
    assert_eq!(bench.host.held("acts_total").value, 1600.0);
}

fn output() {
    let bench = Bench::new("");
    bench.host.wait_told("line Out created as", 1);
    bench.host.wait_told("log actor: ready", 1);
    bench.get("noise/5000");
    bench.host.wait_told("line Err a line of noise", 1);
    bench.host.wait_told("line Out noise 4999", 1);
}

fn stopping() {
    let bench = Bench::new("");
    let pid = bench.isolated.status().pid.unwrap();
    let isolated = bench.isolated.clone();
    let host = bench.stop();
    host.wait_told("log actor: leaving", 1);
    assert!(!std::path::Path::new(&format!("/proc/{pid}")).exists());
    assert_eq!(isolated.status().crashes, 0);
    assert_eq!(isolated.status().pid, None);
    let told = host.told();
    assert!(
        !told.iter().any(|told| told.contains("crashed")),
        "{told:#?}"
    );
    let late = Bench::with("stop=loop", crate::bench::quick());
    let pid = late.isolated.status().pid.unwrap();
    let limit = std::time::Duration::from_millis(100);
    let failure = late.object().stop(limit).unwrap_err();
    assert_eq!(failure.status, Status::TIMEOUT);
    assert!(
        failure.message.contains("its process was killed"),
        "{failure}"
    );
    assert!(!std::path::Path::new(&format!("/proc/{pid}")).exists());
}
