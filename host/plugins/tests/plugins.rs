//! The catalog with real libraries: folders, generations, claims, faults, the watch.

mod support;

use meterbox_config::PluginGrants;
use meterbox_plugin_abi::events::{self, EventKinds};
use meterbox_plugin_abi::{Listener, Row};
use meterbox_plugin_files::Reason;
use meterbox_plugin_loader::running::State;
use meterbox_plugins::{FolderWatch, call};
use std::sync::Arc;
use std::time::Duration;
use support::{Site, until};

#[test]
fn a_dropped_plugin_serves_and_a_removed_one_is_gone() {
    let site = Site::new("dropped");
    site.put("meterbox-plugin-drift", "a.so");
    let scan = site.catalog.scan();
    assert_eq!(scan.started, ["drift"], "{scan:?}");
    assert_eq!(site.get("/drift"), (200, r#"{"drift":0.02}"#.to_owned()));
    assert_eq!(site.get("/absent").0, 404);
    let status = site.catalog.plugin("drift").unwrap();
    assert_eq!((status.state, status.generation), (State::Started, 1));
    assert_eq!(status.endpoints[0].pattern, "drift");
    assert_eq!(status.endpoints[0].listener, Listener::METRICS);
    assert_eq!(status.sha256.unwrap().len(), 64);
    assert!(
        site.page()
            .contains(&("drift_checks_total".to_owned(), 1.0))
    );
    site.remove("a.so");
    assert_eq!(site.catalog.scan().removed, ["drift"]);
    assert_eq!(site.get("/drift").0, 404);
    assert!(site.catalog.plugins().is_empty());
    site.put("meterbox-plugin-drift", "again.so");
    site.catalog.scan();
    assert_eq!(site.get("/drift").0, 200);
    let status = site.catalog.plugin("drift").unwrap();
    assert_eq!(
        (status.generation, status.counts.calls),
        (2, 2),
        "counters never go back"
    );
}

#[test]
fn a_new_generation_takes_over_and_series_go_on() {
    let site = Site::new("generations");
    site.put("meterbox-fixture-actor", "actor.so");
    site.catalog.scan();
    assert_eq!(site.get("/actor/ok").0, 200);
    for generation in 2..=4 {
        let status = site.catalog.reload("actor").unwrap();
        assert_eq!(status.generation, generation);
        assert_eq!(site.get("/actor/ok").0, 200);
    }
    assert!(site.page().contains(&("actor_calls_total".to_owned(), 4.0)));
    assert_eq!(
        site.catalog.scan().started,
        Vec::<String>::new(),
        "nothing has changed"
    );
    site.config("actor", "route = \"other\"\n");
    assert_eq!(
        site.catalog.scan().started,
        ["actor"],
        "its configuration has"
    );
    assert_eq!(
        (site.get("/actor/ok").0, site.get("/other/ok").0),
        (404, 200)
    );
}

#[test]
fn what_cannot_start_leaves_the_generation_before_in_service() {
    let site = Site::new("kept");
    site.put("meterbox-fixture-actor", "actor.so");
    site.catalog.scan();
    for (config, words) in [
        (
            "panic_in = \"new\"\n",
            "its constructor panicked: told to panic in new",
        ),
        (
            "panic_in = \"routes\"\n",
            "its constructor panicked: told to panic in routes",
        ),
        (
            "panic_in = \"start\"\n",
            "its start hook panicked: told to panic in start",
        ),
        ("hang_in = \"start\"\n", "its start took more than"),
        ("route = 5\n", "route: 5 is not a string"),
        ("route = \"models\"\n", "this path belongs to the host"),
        ("route = \n", "actor.toml: line 1:"),
    ] {
        site.config("actor", config);
        let scan = site.catalog.scan();
        assert_eq!(scan.refused.len(), 1, "{config}: {scan:?}");
        assert!(
            scan.refused[0].text.contains(words),
            "{config}: {}",
            scan.refused[0]
        );
        let status = site.catalog.plugin("actor").unwrap();
        assert_eq!(status.state, State::Started, "{config}");
        assert_eq!(
            status.last_error.as_deref(),
            Some(scan.refused[0].text.as_str())
        );
        assert_eq!(site.get("/actor/ok").0, 200, "{config}");
    }
    std::fs::write(site.folder().join("actor.so"), "no library").unwrap();
    assert_eq!(site.catalog.scan().refused.len(), 1);
    assert_eq!(site.get("/actor/ok").0, 200);
}

#[test]
fn of_two_users_plugins_the_later_by_file_name_does_not_get_the_route() {
    let site = Site::new("claims");
    site.put("meterbox-plugin-drift", "b.so");
    site.put("meterbox-fixture-actor", "c.so");
    site.config("actor", "route = \"drift\"\n");
    let scan = site.catalog.scan();
    assert_eq!(scan.started, ["drift"]);
    let text = &scan.refused[0].text;
    assert!(
        text.contains("route drift on metrics belongs to plugin drift (b.so)"),
        "{text}"
    );
    assert_eq!(site.catalog.plugin("actor").unwrap().state, State::Rejected);
    site.put("meterbox-plugin-drift", "d.so");
    let scan = site.catalog.scan();
    assert!(
        scan.refused[0].text.contains("plugin drift is loaded from"),
        "{scan:?}"
    );
    site.remove("b.so");
    let scan = site.catalog.scan();
    assert_eq!(scan.started, ["actor"], "it comes before d.so: {scan:?}");
    assert_eq!(site.get("/drift/ok").1, "ok");
}

#[test]
fn a_users_plugin_goes_before_a_bundled_one_until_it_is_removed() {
    let site = Site::new("bundled");
    site.put_bundled("meterbox-plugin-drift", "drift.so");
    site.catalog.scan();
    assert_eq!(site.get("/drift").0, 200);
    site.put("meterbox-fixture-actor", "zz.so");
    site.config("actor", "route = \"drift\"\n");
    let scan = site.catalog.scan();
    assert_eq!((scan.started.len(), scan.refused.len()), (1, 0), "{scan:?}");
    assert_eq!(site.get("/drift/ok").1, "ok");
    site.remove("zz.so");
    site.catalog.scan();
    assert_eq!(site.get("/drift").1, r#"{"drift":0.02}"#);
    assert!(site.catalog.plugin("drift").unwrap().bundled);
}

#[test]
fn a_file_dropped_and_pinned_beside_what_was_shipped_stays_the_users() {
    let site = Site::new("beside");
    site.put_bundled("meterbox-plugin-drift", "drift.so");
    site.drop_beside_bundled("meterbox-fixture-actor", "actor.so");
    let scan = site.catalog.scan();
    assert_eq!((scan.started.len(), scan.refused.len()), (2, 0), "{scan:?}");
    let bundled = |name: &str| site.catalog.plugin(name).unwrap().bundled;
    assert!(bundled("drift"));
    assert!(!bundled("actor"));
}

#[test]
fn every_bad_answer_is_an_answer() {
    let site = Site::new("answers");
    site.put("meterbox-fixture-actor", "actor.so");
    site.catalog.scan();
    let table = [
        ("/actor/panic", 500, "plugin actor: told to panic"),
        ("/actor/error", 400, "plugin actor: told to refuse"),
        (
            "/actor/forget",
            500,
            "plugin actor: the plugin returned without an answer",
        ),
        ("/actor/later", 200, "later"),
        ("/actor/ok", 200, "ok"),
    ];
    for (path, status, body) in table {
        assert_eq!(site.get(path), (status, body.to_owned()), "{path}");
    }
    assert_eq!(
        site.get("/actor/stream?chunks=40"),
        (200, "x".repeat(40 * 65_536))
    );
    let (status, body) = site.get("/actor/half");
    assert!(
        status == 0 && body.starts_with("broken: "),
        "{status} {body}"
    );
    let (status, body) = site.get("/actor/stream?chunks=300");
    assert!(
        status == 0 && body.contains("is longer than one of this plugin may be"),
        "{status} {body}"
    );
    let counts = site.catalog.plugin("actor").unwrap().counts;
    assert_eq!((counts.calls, counts.panics), (8, 2));
}

#[test]
fn a_hanging_call_is_answered_in_time_and_the_next_one_works() {
    let site = Site::new("hangs");
    site.put("meterbox-fixture-actor", "actor.so");
    site.catalog.scan();
    let (status, body) = site.get("/actor/hang");
    assert_eq!(
        (status, body.as_str()),
        (504, "plugin actor did not answer within 0.2 s")
    );
    assert_eq!(site.get("/actor/ok").0, 200);
    let status = site.catalog.plugin("actor").unwrap();
    assert_eq!((status.counts.timeouts, status.stuck_threads), (1, 1));
}

#[test]
fn a_slow_client_is_not_the_plugins_fault() {
    let site = Site::new("slow");
    site.put("meterbox-fixture-actor", "actor.so");
    site.catalog.scan();
    site.runtime.block_on(async {
        let routes = site.catalog.routes();
        let (endpoint, rest) = routes.find(Listener::METRICS, "/actor/stream").unwrap();
        let request = support::request("/actor/stream", rest, "chunks=20");
        let mut reply = call(endpoint, endpoint.route("GET").unwrap(), &request)
            .await
            .unwrap();
        let mut bytes = 0;
        while let Some(chunk) = reply.body.next().await.unwrap() {
            bytes += chunk.len();
            // The client takes longer in all than the plugin may.
            tokio::time::sleep(Duration::from_millis(30)).await;
        }
        assert_eq!(bytes, 20 * 65_536);
    });
    assert_eq!(site.catalog.plugin("actor").unwrap().counts.timeouts, 0);
}

#[test]
fn a_collector_that_fails_or_hangs_costs_only_what_it_had_not_shown() {
    for (name, config, success, shown) in [
        ("collects", "", 1.0, true),
        // It panics after the family was shown.
        ("panics", "panic_in = \"collect\"\n", 0.0, true),
        ("hangs", "hang_in = \"collect\"\n", 0.0, false),
    ] {
        let site = Site::new(&format!("collector-{name}"));
        site.put("meterbox-fixture-actor", "actor.so");
        site.put("meterbox-plugin-drift", "drift.so");
        site.config("actor", &format!("collector = true\n{config}"));
        site.catalog.scan();
        let page = site.page();
        let value = |name: &str| {
            page.iter()
                .find(|(found, _)| found == name)
                .map(|(_, v)| *v)
        };
        assert_eq!(value("drift_checks_total"), Some(0.0), "{name}");
        assert_eq!(value("meterbox_collector_success"), Some(success), "{name}");
        assert_eq!(value("actor_collected"), shown.then_some(7.0), "{name}");
    }
}

#[test]
fn a_hanging_collector_leaves_the_page_enough_of_the_scrapes_time() {
    let site = Site::new("deadline");
    site.put("meterbox-fixture-actor", "actor.so");
    site.put("meterbox-plugin-prometheus", "prometheus.so");
    site.config("actor", "collector = true\nhang_in = \"collect\"\n");
    site.catalog.scan();
    let (status, page) = site.get("/metrics");
    assert_eq!(status, 200, "{page}");
    assert!(
        page.contains("meterbox_collector_success{plugin=\"actor\",} 0.0"),
        "{page}"
    );
}

#[test]
fn timers_tick_until_the_plugin_is_disabled_and_again_when_it_is_enabled() {
    let site = Site::new("timers");
    site.put("meterbox-fixture-actor", "actor.so");
    site.config("actor", "timer = true\n");
    site.catalog.scan();
    let ticks = || {
        let page = site.page();
        page.iter()
            .find(|(name, _)| name == "actor_ticks_total")
            .map_or(0.0, |(_, ticks)| *ticks)
    };
    until("three ticks", || ticks() >= 3.0);
    let status = site.catalog.disable("actor").unwrap();
    assert_eq!(status.state, State::Disabled);
    assert_eq!(site.get("/actor/ok").0, 404);
    assert!(
        site.catalog.scan().started.is_empty(),
        "a scan does not enable it"
    );
    let refusal = site.catalog.reload("actor").unwrap_err();
    assert_eq!(refusal.reason, Reason::Disabled, "nor does a reload");
    site.put("meterbox-fixture-actor", "again.so");
    assert!(
        site.catalog.scan().started.is_empty(),
        "nor another file of its name"
    );
    site.remove("again.so");
    site.catalog.scan();
    assert_eq!(site.catalog.enable("actor").unwrap().state, State::Started);
    let before = ticks();
    until("another tick", || ticks() > before);
    assert_eq!(
        site.catalog.reload("nobody").unwrap_err().text,
        "there is no plugin named nobody"
    );
}

#[test]
fn a_listener_gets_every_event_it_asked_for_and_no_other() {
    let site = Site::new("listener");
    site.put("meterbox-fixture-actor", "actor.so");
    site.config("actor", "listener = true\n");
    site.catalog.scan();
    for number in 0..1000 {
        let event = Row::new().number(events::STATUS, f64::from(number));
        site.subscribers.publish(EventKinds::REQUEST_DONE, &event);
        site.subscribers.publish(EventKinds::MODEL_LOADED, &event);
    }
    let seen = || {
        let page = site.page();
        page.iter()
            .find(|(name, _)| name == "actor_events_total")
            .map_or(0.0, |(_, seen)| *seen)
    };
    until("a thousand events", || seen() >= 1000.0);
    assert_eq!(seen(), 1000.0);
}

#[test]
fn the_servers_metrics_say_what_plugins_do() {
    let site = Site::new("metrics");
    site.put("meterbox-fixture-actor", "actor.so");
    std::fs::write(site.folder().join("text.so"), "no library").unwrap();
    site.catalog.scan();
    site.get("/actor/panic");
    site.get("/actor/ok");
    for (name, expected) in [
        ("meterbox_plugin_calls_total", 2.0),
        ("meterbox_plugin_errors_total", 1.0),
        ("meterbox_plugin_panics_total", 1.0),
        ("meterbox_plugin_up", 1.0),
        ("meterbox_plugin_series", 3.0),
        ("meterbox_plugin_load_errors_total", 1.0),
    ] {
        // What a call did is counted when its thread is done with it, which may be after the answer.
        until(name, || {
            let page = site.page();
            let found = page.iter().find(|(found, _)| found == name);
            found.is_some_and(|(_, value)| *value == expected)
        });
    }
}

#[test]
fn of_two_files_with_one_name_the_metrics_show_the_one_in_service() {
    let site = Site::new("one-name");
    site.put_bundled("meterbox-plugin-drift", "drift.so");
    site.put("meterbox-plugin-drift", "own.so");
    site.catalog.scan();
    let value = |name: &str| {
        let page = site.page();
        let found = page.into_iter().find(|(found, _)| found == name);
        found.map(|(_, value)| value)
    };
    assert_eq!(site.catalog.plugins().len(), 2);
    assert_eq!(value("meterbox_plugin_up"), Some(1.0));
    assert_eq!(value("meterbox_plugin_generation"), Some(1.0));
    for file in ["own.so", "../bundled/drift.so"] {
        site.remove(file);
    }
    site.catalog.scan();
    assert_eq!(value("meterbox_plugin_up"), None);
}

#[test]
fn the_watch_takes_copies_moves_and_removals_within_two_seconds() {
    let site = Site::new("watch");
    let _watch = FolderWatch::start(&site.catalog).unwrap();
    site.put("meterbox-plugin-drift", "drift.so");
    until("the copied plugin serves", || site.get("/drift").0 == 200);
    site.put("meterbox-fixture-actor", ".hidden");
    std::fs::rename(
        site.folder().join(".hidden"),
        site.folder().join("actor.so"),
    )
    .unwrap();
    until("the moved plugin serves", || site.get("/actor/ok").0 == 200);
    site.config("actor", "route = \"renamed\"\n");
    until("the new configuration holds", || {
        site.get("/renamed/ok").0 == 200
    });
    site.remove("drift.so");
    until("the removed plugin is gone", || site.get("/drift").0 == 404);
}

#[test]
fn new_options_switch_plugins_and_metric_endpoints_off_and_on() {
    let site = Site::new("options");
    site.put("meterbox-fixture-actor", "actor.so");
    site.put("meterbox-plugin-drift", "drift.so");
    site.catalog.scan();
    let with = |endpoints, enabled| {
        let mut settings = site.settings();
        settings.metrics.endpoints_enabled = endpoints;
        let own = settings.plugins.default_grants.clone();
        let actor = PluginGrants { enabled, ..own };
        settings.plugins.grants.insert("actor".to_owned(), actor);
        site.catalog.apply(Arc::new(settings)).unwrap();
        [site.get("/drift").0, site.get("/actor/ok").0]
    };
    assert_eq!(with(true, false), [200, 404]);
    assert_eq!(site.catalog.plugin("actor").unwrap().state, State::Disabled);
    assert_eq!(with(true, true), [200, 200]);
    assert_eq!(with(false, true), [404, 404]);
    assert_eq!(site.catalog.plugin("actor").unwrap().state, State::Started);
    assert_eq!(with(true, true), [200, 200]);
}

#[test]
fn replacing_a_plugin_under_load_fails_no_request() {
    let site = Site::new("swap");
    site.put("meterbox-fixture-actor", "actor.so");
    site.catalog.scan();
    let stop = std::sync::atomic::AtomicBool::new(false);
    std::thread::scope(|scope| {
        let asking = scope.spawn(|| {
            let mut answered = 0;
            while !stop.load(std::sync::atomic::Ordering::Relaxed) {
                assert_eq!(site.get("/actor/ok"), (200, "ok".to_owned()));
                answered += 1;
            }
            answered
        });
        for _ in 0..20 {
            site.catalog.reload("actor").unwrap();
        }
        stop.store(true, std::sync::atomic::Ordering::Relaxed);
        assert!(asking.join().unwrap() > 0);
    });
    site.catalog.stop();
    assert_eq!(site.get("/actor/ok").0, 404);
}
