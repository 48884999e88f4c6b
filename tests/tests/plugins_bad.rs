//! Files that are no good plugins, and plugins that fail: the server lives on, keeps its page, and says why.

use meterbox_tests::{Host, built, eventually, http};
use serde_json::Value;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::Command;

fn host() -> Host {
    Host::builder().plugin("prometheus").start()
}

fn library(name: &str) -> Vec<u8> {
    std::fs::read(built().plugin(name)).expect("the library is built")
}

/// Writes a file into the plugin folder in one step.
fn put(host: &Host, name: &str, bytes: impl AsRef<[u8]>) -> PathBuf {
    let folder = host.folder().join("plugins");
    let beside = folder.join(format!("{name}.part"));
    std::fs::write(&beside, bytes).expect("the folder is writable");
    let file = folder.join(name);
    std::fs::rename(beside, &file).expect("the folder is writable");
    file
}

/// The plugin whose file is `file`, as the list shows it, once `wanted` is true of it.
#[track_caller]
fn listed(host: &Host, file: &str, wanted: impl Fn(&Value) -> bool) -> Value {
    eventually(file, || {
        let list = http::get(host.management(), "/plugins").json();
        let found = list.as_array().into_iter().flatten().find(|plugin| {
            plugin["path"]
                .as_str()
                .is_some_and(|path| path.ends_with(&format!("/{file}")))
        });
        found
            .filter(|plugin| wanted(plugin))
            .cloned()
            .ok_or_else(|| list.to_string())
    })
}

/// The one sentence why `file` was refused; it must be in the log, too.
#[track_caller]
fn refusal(host: &Host, file: &str) -> String {
    let plugin = listed(host, file, |plugin| plugin["last_error"].is_string());
    assert_eq!(plugin["state"], "rejected", "{plugin}");
    let reason = plugin["last_error"].as_str().unwrap_or_default().to_owned();
    assert!(
        !reason.contains('\n') && reason.len() < 500,
        "one sentence: {reason}"
    );
    eventually("the log has the reason", || {
        let output = host.output();
        output.contains(&reason).then_some(()).ok_or(output)
    });
    reason
}

#[track_caller]
fn serves(host: &Host) {
    let page = host.scrape("/metrics");
    assert!(
        page.has_family("meterbox_build_info"),
        "the server's own families are there"
    );
}

#[test]
fn files_that_are_no_plugins_are_refused_with_their_reason() {
    let host = host();
    let drift = library("drift");
    let text = String::from_utf8_lossy(&drift).into_owned();
    let api = "\"api\":\"0.3.0\"";
    assert!(text.contains(api), "the metadata names the API");
    let mut wrong_api = drift.clone();
    for at in 0..drift.len() - api.len() {
        if drift[at..].starts_with(api.as_bytes()) {
            wrong_api[at..at + api.len()].copy_from_slice(b"\"api\":\"0.9.0\"");
        }
    }
    put(&host, "text.so", "this is no library\n");
    put(&host, "empty.so", "");
    put(&host, "wrong_api.so", wrong_api);
    put(&host, "cut.so", &drift[..drift.len() / 2]);
    let c = host.folder().join("foreign.c");
    std::fs::write(&c, "int answer(void) { return 42; }\n").expect("the folder is writable");
    let built = host.folder().join("foreign.out");
    let status = Command::new("cc")
        .args(["-shared", "-fPIC", "-o"])
        .arg(&built)
        .arg(&c)
        .status();
    assert!(status.expect("cc starts").success());
    put(
        &host,
        "foreign.so",
        std::fs::read(built).expect("cc wrote it"),
    );
    let open = put(&host, "open.part", &drift);
    std::fs::set_permissions(&open, PermissionsExt::from_mode(0o777)).expect("it is ours");
    std::fs::rename(&open, host.folder().join("plugins/open.so")).expect("it is ours");
    let link = host.folder().join("plugins/link.so");
    std::os::unix::fs::symlink(host.folder().join("plugins/prometheus.so"), link).expect("a link");
    for (file, words) in [
        ("text.so", "ELF"),
        ("empty.so", "ELF"),
        ("wrong_api.so", "needs plugin api 0.9"),
        ("cut.so", "cut"),
        ("foreign.so", "no Meterbox plugin"),
        ("open.so", "writ"),
        ("link.so", "link"),
    ] {
        let reason = refusal(&host, file);
        assert!(
            reason.contains(words) && reason.contains(file),
            "{file}: {reason}"
        );
    }
    serves(&host);
}

#[test]
fn a_library_cut_at_fifty_points_never_hurts_the_server() {
    let host = host();
    let drift = library("drift");
    for point in 0..50 {
        put(
            &host,
            &format!("cut{point:02}.so"),
            &drift[..drift.len() * point / 50],
        );
    }
    for point in 0..50 {
        refusal(&host, &format!("cut{point:02}.so"));
    }
    serves(&host);
    let errors = host.scrape("/metrics");
    let counted: f64 = errors
        .samples("meterbox_plugin_load_errors_total")
        .iter()
        .map(|sample| sample.value)
        .sum();
    assert!(counted >= 50.0, "every refusal is counted: {counted}");
}

/// Drops the actor with a configuration.
fn act(host: &Host, config: &str) {
    put(host, "actor.toml", config);
    host.drop_plugin("actor");
}

#[test]
fn a_plugin_that_cannot_start_is_refused_and_the_page_goes_on() {
    let host = host();
    for (config, words) in [
        ("panic_in = \"new\"\n", "told to panic in new"),
        ("panic_in = \"routes\"\n", "told to panic in routes"),
        ("panic_in = \"start\"\n", "told to panic in start"),
        ("route = 5\n", "route"),
        ("route = \n", "actor.toml"),
        ("route = \"models\"\n", "belongs to the host"),
    ] {
        act(&host, config);
        let says = |plugin: &Value| {
            plugin["last_error"]
                .as_str()
                .is_some_and(|reason| reason.contains(words))
        };
        let plugin = listed(&host, "actor.so", says);
        assert_eq!(plugin["state"], "rejected", "{config}: {plugin}");
        serves(&host);
    }
    put(&host, "actor.toml", "");
    listed(&host, "actor.so", |plugin| plugin["state"] == "started");
    assert_eq!(
        http::get(host.metrics(), "/actor").text(),
        "ok",
        "a good configuration mends it"
    );
}

#[test]
fn a_plugin_that_fails_in_a_call_costs_only_its_own_answer() {
    let host = host();
    act(&host, "");
    listed(&host, "actor.so", |plugin| plugin["state"] == "started");
    for (path, status, words) in [
        ("/actor/panic", 500, "told to panic"),
        ("/actor/error", 400, "told to refuse"),
        ("/actor/forget", 500, "without an answer"),
        ("/actor/later", 200, "later"),
        ("/actor", 200, "ok"),
    ] {
        let answer = http::get(host.metrics(), path);
        assert_eq!(answer.status, status, "{path}: {}", answer.text());
        assert!(answer.text().contains(words), "{path}: {}", answer.text());
    }
    let half = http::request(host.metrics(), "GET", "/actor/half", &[], &[]);
    let complaint = half.expect_err("an answer that breaks off must not look whole");
    assert!(complaint.contains("cut"), "{complaint}");
    let plugin = listed(&host, "actor.so", |_| true);
    // A request that the plugin refuses is the client's fault: panic, forget and half are left.
    assert_eq!(plugin["errors"], 3, "{plugin}");
    assert!(plugin["last_error"].is_string(), "{plugin}");
    serves(&host);
}

#[test]
fn a_call_that_hangs_is_ended_by_its_deadline_and_the_page_goes_on() {
    let host = Host::builder()
        .plugin("prometheus")
        .plugin("actor")
        .line("plugin.actor.scrape_deadline_ms=300")
        .line("plugin.actor.deadline_ms=300")
        .start();
    let answer = http::get(host.metrics(), "/actor/hang");
    assert_eq!(answer.status, 504, "{}", answer.text());
    assert!(
        answer.text().contains("did not answer within 0.3 s"),
        "{}",
        answer.text()
    );
    assert_eq!(http::get(host.metrics(), "/actor").status, 200);
    serves(&host);
}

#[test]
fn a_collector_that_panics_shows_its_failure_and_never_breaks_the_page() {
    let host = host();
    act(&host, "collector = true\npanic_in = \"collect\"\n");
    listed(&host, "actor.so", |plugin| plugin["state"] == "started");
    let page = host.scrape("/metrics");
    let labels = [("plugin", "actor")];
    let success = page.value("meterbox_collector_success", &labels);
    assert_eq!(
        success,
        Some(0.0),
        "{:?}",
        page.samples("meterbox_collector_success")
    );
    serves(&host);
}

#[test]
fn a_plugin_that_panics_while_it_stops_is_gone_all_the_same() {
    let host = host();
    act(&host, "panic_in = \"stop\"\n");
    listed(&host, "actor.so", |plugin| plugin["state"] == "started");
    std::fs::remove_file(host.folder().join("plugins/actor.so")).expect("the file is there");
    eventually("the route is gone", || {
        let answer = http::get(host.metrics(), "/actor");
        (answer.status == 404)
            .then_some(())
            .ok_or_else(|| answer.text())
    });
    serves(&host);
}

#[test]
fn panics_that_panic_again_and_headers_that_split_the_answer_hurt_nobody() {
    let host = host();
    act(&host, "panic_in = \"drop\"\n");
    listed(&host, "actor.so", |plugin| plugin["state"] == "started");
    // Five failures would open the breaker, and all of these are some.
    for _ in 0..2 {
        let answer = http::get(host.metrics(), "/actor/bomb");
        assert_eq!(answer.status, 500, "{}", answer.text());
    }
    let answer = http::get(host.metrics(), "/actor/header");
    assert_eq!(answer.header("x-injected"), None, "{:?}", answer.headers);
    let large = http::request(host.metrics(), "GET", "/actor/stream?chunks=300", &[], &[]);
    let complaint = large.expect_err("an answer over the cap must not look whole");
    assert!(complaint.contains("cut"), "{complaint}");
    assert_eq!(http::get(host.metrics(), "/actor").text(), "ok");
    // Its value is dropped with the file, and panics there.
    std::fs::remove_file(host.folder().join("plugins/actor.so")).expect("the file is there");
    eventually("the route is gone", || {
        let answer = http::get(host.metrics(), "/actor");
        (answer.status == 404)
            .then_some(())
            .ok_or_else(|| answer.text())
    });
    host.drop_plugin("actor");
    listed(&host, "actor.so", |plugin| plugin["state"] == "started");
    serves(&host);
}
