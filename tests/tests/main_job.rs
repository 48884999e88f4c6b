//! The main job, word for word: register, scale, predict and scrape with a real curl, seen by a real Prometheus.

use meterbox_tests::{Folder, Host, Page, Program, curl, eventually, find_program};
use std::net::TcpListener;
use std::process::Command;

/// A host that answers a few predictions of `noop` with three workers, as the README tells it.
fn host_with_traffic() -> Host {
    let host = Host::start(&[]);
    let management = host.management();
    let registered = curl(&[
        "-X",
        "POST",
        &format!("http://{management}/models?url=noop.mar"),
    ]);
    assert_eq!(
        registered,
        "{\n  \"status\": \"Model \\\"noop\\\" Version: 1.11 registered with 0 initial workers. \
         Use scale workers API to add workers for the model.\"\n}\n"
    );
    let scale = format!("http://{management}/models/noop?min_worker=3&synchronous=true");
    let scaled = curl(&["-X", "PUT", &scale]);
    assert_eq!(
        scaled,
        "{\n  \"status\": \"Workers scaled to 3 for model: noop\"\n}\n"
    );
    for _ in 0..5 {
        assert_eq!(
            curl(&[&format!("http://{}/predictions/noop", host.inference())]),
            "OK"
        );
    }
    host
}

/// What curl prints with these arguments, once the system plugin's readings are on it.
///
/// A collector that is late is left out of that page alone, as the design wants it, and on a busy
/// machine the first reading of a fresh process can be late.
fn page_with_memory(host: &Host, arguments: &[&str]) -> String {
    eventually("the machine's memory is on the page", || {
        let text = curl(arguments);
        if text.lines().any(|line| line.starts_with("memory_used{")) {
            return Ok(text);
        }
        let said = text.lines().filter(|line| line.contains("_collector_"));
        let said = said.collect::<Vec<_>>().join("\n");
        Err(format!("{said}\n{}", host.output()))
    })
}

#[test]
fn the_five_lines_of_the_readme_work_as_typed() {
    let host = host_with_traffic();
    let url = format!("http://{}/metrics", host.metrics());
    let labels = [("model_name", "noop"), ("model_version", "default")];
    // A handler's lines come by the worker's standard output, beside the answers.
    let page = eventually("the handler's times are counted", || {
        let page = Page::read(&curl(&[&url]));
        match page.value("ts_handler_latency_milliseconds_count", &labels) {
            Some(5.0) if page.value("memory_used", &[]).is_some() => Ok(page),
            count => Err(format!("{count:?} times")),
        }
    });
    assert_eq!(
        page.value("ts_queue_latency_milliseconds_count", &labels),
        Some(5.0)
    );
    assert!(
        page.value("memory_used", &[])
            .is_some_and(|megabytes| megabytes > 0.0)
    );
    assert_eq!(
        page.value("ts_inference_requests_total", &[("model_name", "noop")]),
        Some(5.0)
    );
}

#[test]
fn the_queue_histogram_is_printed_in_the_inherited_form() {
    let host = host_with_traffic();
    let text = page_with_memory(&host, &[&format!("http://{}/metrics", host.metrics())]);
    let name = "ts_queue_latency_milliseconds";
    let lines: Vec<&str> = text.lines().filter(|line| line.contains(name)).collect();
    assert_eq!(
        lines[0],
        format!("# HELP {name} Cumulative Queue duration in milliseconds")
    );
    assert_eq!(lines[1], format!("# TYPE {name} histogram"));
    let bounds = [
        "0.005", "0.01", "0.025", "0.05", "0.075", "0.1", "0.25", "0.5", "0.75", "1.0", "2.5",
        "5.0", "7.5", "10.0", "+Inf",
    ];
    let uuid = lines[2]
        .split_once("uuid=\"")
        .and_then(|(_, rest)| rest.split_once('"'))
        .map(|(uuid, _)| uuid)
        .expect("the first label is uuid");
    assert_eq!(uuid.len(), 36, "one random UUID a process: {uuid}");
    let labels = format!("uuid=\"{uuid}\",model_name=\"noop\",model_version=\"default\",");
    for (line, bound) in lines[2..].iter().zip(bounds) {
        let start = format!("{name}_bucket{{{labels}le=\"{bound}\",}} ");
        assert!(
            line.starts_with(&start),
            "{line}\nshould start with\n{start}"
        );
    }
    assert_eq!(
        lines[16],
        format!("{name}_bucket{{{labels}le=\"+Inf\",}} 5.0")
    );
    assert_eq!(lines[17], format!("{name}_count{{{labels}}} 5.0"));
    assert!(
        lines[18].starts_with(&format!("{name}_sum{{{labels}}} ")),
        "{}",
        lines[18]
    );
    assert_eq!(lines.len(), 19, "nothing after the sum: {lines:#?}");
    let is_memory =
        |line: &&str| line.contains(" memory_used ") || line.starts_with("memory_used{");
    let memory: Vec<&str> = text.lines().filter(is_memory).collect();
    assert_eq!(memory[0], "# HELP memory_used System Memory used");
    assert_eq!(memory[1], "# TYPE memory_used gauge");
    assert!(
        memory[2].starts_with(&format!("memory_used{{uuid=\"{uuid}\",}} ")),
        "{}",
        memory[2]
    );
}

#[test]
fn the_filter_prints_only_the_two_samples_with_their_help_and_type() {
    let host = host_with_traffic();
    let url = format!(
        "http://{}/metrics?name[]=ts_queue_latency_milliseconds_sum&name[]=memory_used",
        host.metrics()
    );
    let text = page_with_memory(&host, &["--globoff", &url]);
    let mut starts: Vec<&str> = text
        .lines()
        .map(|line| line.split('{').next().unwrap_or_default())
        .collect();
    starts.sort_unstable();
    assert_eq!(
        starts,
        [
            "# HELP memory_used System Memory used",
            "# HELP ts_queue_latency_milliseconds Cumulative Queue duration in milliseconds",
            "# TYPE memory_used gauge",
            "# TYPE ts_queue_latency_milliseconds histogram",
            "memory_used",
            "ts_queue_latency_milliseconds_sum",
        ]
    );
}

#[test]
fn a_real_prometheus_sees_the_target_up_and_stores_its_samples() {
    let host = host_with_traffic();
    let folder = Folder::new("prometheus");
    let config = folder.write(
        "prometheus.yml",
        format!(
            "scrape_configs: [{{job_name: meterbox, scrape_interval: 1s, \
             static_configs: [{{targets: ['{}']}}]}}]\n",
            host.metrics()
        ),
    );
    // Prometheus cannot bind port 0 and tell: a port that was free a moment ago is the next best.
    let port = TcpListener::bind("127.0.0.1:0")
        .and_then(|free| free.local_addr())
        .expect("a port");
    let _prometheus = Program::start(
        Command::new(find_program("prometheus"))
            .arg(format!("--config.file={}", config.display()))
            .arg(format!(
                "--storage.tsdb.path={}",
                folder.path().join("data").display()
            ))
            .arg(format!("--web.listen-address={port}")),
    );
    let query = |query: &str| {
        let answer = meterbox_tests::http::request(
            port,
            "GET",
            &format!("/api/v1/query?query={query}"),
            &[],
            &[],
        )?;
        let json: serde_json::Value =
            serde_json::from_slice(&answer.body).map_err(|error| error.to_string())?;
        json["data"]["result"][0]["value"][1]
            .as_str()
            .map(str::to_owned)
            .ok_or_else(|| answer.text())
    };
    let up = eventually("the target is up", || {
        let up = query("up")?;
        if up == "1" {
            Ok(up)
        } else {
            Err(format!("up is {up}"))
        }
    });
    assert_eq!(up, "1");
    let stored = eventually("the count is stored", || {
        query("ts_queue_latency_milliseconds_count")
    });
    assert_eq!(stored, "5");
}

#[test]
fn without_the_plugin_file_the_metrics_path_is_not_found() {
    let host = Host::builder().start();
    let answer = meterbox_tests::http::get(host.metrics(), "/metrics");
    assert_eq!(answer.status, 404, "{}", answer.text());
    assert_eq!(answer.json()["type"], "ResourceNotFoundException");
    assert!(
        host.output().contains("no plugin serves /metrics"),
        "{}",
        host.output()
    );
}
