//! What a plugin may spend: more is refused and counted, and everybody can see it.

use meterbox_tests::{Host, HostBuilder, eventually, http};
use serde_json::Value;

fn builder() -> HostBuilder {
    Host::builder().plugin("prometheus")
}

#[track_caller]
fn plugin(host: &Host, name: &str) -> Value {
    let answer = http::get(host.management(), &format!("/plugins/{name}"));
    assert_eq!(answer.status, 200, "{}", answer.text());
    answer.json()
}

/// A plugin is over `budget`: in the list, on the page and, once, in the log.
#[track_caller]
fn is_over(host: &Host, name: &str, budget: &str, limit: u64) {
    let status = plugin(host, name)["budgets"][budget].clone();
    assert_eq!(status["limit"], limit, "{status}");
    let exceeded = status["exceeded"].as_u64().unwrap_or_default();
    assert!(exceeded >= 1, "{status}");
    let labels = [("plugin", name), ("budget", budget)];
    let page = host.scrape("/metrics");
    let counted = page.value("meterbox_plugin_over_budget_total", &labels);
    assert!(
        counted >= Some(exceeded as f64),
        "{counted:?}, not {exceeded}"
    );
    let words = format!("over its budget of {budget}");
    let output = eventually("the log says so", || {
        let output = host.output();
        output
            .contains(&words)
            .then(|| output.clone())
            .ok_or(output)
    });
    assert_eq!(
        output.matches(&words).count(),
        1,
        "once is enough: {output}"
    );
}

#[test]
fn series_and_families_beyond_the_budget_are_refused_and_counted() {
    let filler = || {
        builder()
            .plugin("filler")
            .file("filler.toml", "series = 100\n")
    };
    for (host, budget, limit) in [
        (filler().line("plugin.filler.max_series=10"), "series", 10),
        (filler().line("plugin_families_max=3"), "families", 3),
    ] {
        let host = host.start();
        assert_eq!(plugin(&host, "filler")["state"], "rejected");
        is_over(&host, "filler", budget, limit);
    }
}

#[test]
fn an_answer_over_its_cap_or_with_a_header_of_the_servers_is_502_and_counted() {
    for isolation in ["process", "thread"] {
        let host = builder()
            .plugin("faulty")
            .isolation("faulty", isolation)
            .line("plugin_reply_bytes_max=65536")
            .start();
        let ask = |fault: &str| {
            http::request(host.metrics(), "GET", &format!("/faulty/{fault}"), &[], &[])
        };
        let large = ask("giant_at_once");
        assert!(
            large.as_ref().map_or(true, |answer| answer.status == 502),
            "{isolation}: half an answer looks whole: {large:?}"
        );
        is_over(&host, "faulty", "reply_bytes", 65536);
        let failed = plugin(&host, "faulty");
        assert_eq!(failed["errors"], 1, "{failed}");
        for header in ["header_cookie", "header_cors"] {
            let answer = ask(header).expect("an answer");
            assert_eq!(answer.status, 502, "{header}: {}", answer.text());
        }
        let page = host.scrape("/metrics");
        let counted = page.value("meterbox_faults_total", &[("kind", "plugin_reply")]);
        assert_eq!(counted, Some(3.0), "one answer too long, two with a header");
        assert_eq!(ask("").map(|answer| answer.status), Ok(200));
    }
}
