//! The configuration as a running server takes it or refuses it.

use meterbox_tests::{Host, HostBuilder, eventually, http};

/// Starts a host that must refuse with exit code `code` and print all of `lines`: its output.
#[track_caller]
fn refused(builder: HostBuilder, code: i32, lines: &[&str]) -> String {
    let mut host = builder.spawn();
    let status = host.wait();
    // The pipes may be read a moment after the end.
    let output = eventually("the host says why", || {
        let output = host.output();
        let missing = lines
            .iter()
            .find(|line| !output.lines().any(|known| known.ends_with(*line)));
        missing.map_or(Ok(output.clone()), |line| {
            Err(format!("{line}\n  is missing in\n{output}"))
        })
    });
    assert!(
        !output.contains("listening on"),
        "nothing was bound: {output}"
    );
    assert_eq!(status.code(), Some(code), "{output}");
    output
}

#[test]
fn every_error_of_a_bad_file_is_told_at_once_with_its_line_and_the_exit_code_is_2() {
    let builder = Host::builder()
        .line("max_request_size=many")
        .line("enable_metrics_endpoints=perhaps")
        .line("default_response_timeout=-1")
        .line("metrics_mode=loud")
        .line("metrics_address=ftp://127.0.0.1");
    let faults = [
        ": max_request_size: \"many\" is not an integer (expected 1..=1099511627776 bytes, default 6553500)",
        ": enable_metrics_endpoints: \"perhaps\" is neither true nor false (expected true or false, default true)",
        ": default_response_timeout: -1 is out of range (expected 1..=86400 s, default 120)",
        ": metrics_mode: \"loud\" is not known (expected prometheus, log, legacy, both, default prometheus)",
        ": metrics_address: \"ftp://127.0.0.1\" does not start with http:// or unix: (expected \
         http://host:port or unix:/path, default http://127.0.0.1:8082)",
    ];
    let output = refused(builder, 2, &faults);
    let numbers: Vec<usize> = output
        .lines()
        .filter_map(|line| line.split_once("config.properties:")?.1.split_once(": "))
        .filter_map(|(number, _)| number.parse().ok())
        .collect();
    assert_eq!(numbers.len(), faults.len(), "a line each: {output}");
    let last = numbers[0] + faults.len();
    let expected: Vec<usize> = (numbers[0]..last).collect();
    assert_eq!(numbers, expected, "in the order of the file: {output}");
}

#[test]
fn a_file_that_is_named_and_missing_is_refused_by_name() {
    let builder = Host::builder().environment("TS_CONFIG_FILE", "nosuch.properties");
    let why = "nosuch.properties: No such file or directory (os error 2) (TS_CONFIG_FILE names this file)";
    refused(builder, 2, &[why]);
}

#[test]
fn a_model_store_that_is_not_there_is_refused_before_anything_is_bound() {
    let builder = Host::builder().line("model_store=nosuch");
    let why = "/nosuch is not a folder; create it or name another one";
    let output = refused(builder, 2, &[why]);
    assert!(output.contains(": model_store: "), "{output}");
}

#[test]
fn an_unknown_key_is_a_warning_with_the_nearest_match() {
    let host = Host::builder().line("enable_metrics_endpoint=true").start();
    printed(
        &host,
        "enable_metrics_endpoint: unknown key, did you mean enable_metrics_endpoints?",
    );
}

/// Waits until the host has printed `text`; its log and its other lines come by two pipes.
#[track_caller]
fn printed(host: &Host, text: &str) {
    eventually("the host says it", || {
        let output = host.output();
        let said = output.contains(text);
        if said { Ok(()) } else { Err(output) }
    });
}

#[test]
fn off_loopback_the_management_listener_wants_tokens_unless_the_file_says_not() {
    let open = "management_address=http://0.0.0.0:0";
    let insecure = Host::builder().plugin("prometheus").line(open).start();
    let page = insecure.scrape("/metrics");
    assert_eq!(
        page.value("meterbox_insecure_listener", &[]),
        Some(1.0),
        "a metric tells"
    );
    printed(
        &insecure,
        "disable_token_authorization: http://0.0.0.0:0 can be reached from other machines and \
         needs no token",
    );
    let landing = http::get(insecure.metrics(), "/").text();
    assert!(
        landing.to_lowercase().contains("token"),
        "and the landing page: {landing}"
    );
    let guarded = Host::builder()
        .line(open)
        .line("disable_token_authorization=false")
        .spawn();
    let at = eventually("the host listens", || {
        guarded
            .listener("management")
            .ok_or_else(|| guarded.output())
    });
    let answer = eventually("it answers", || {
        http::request(at, "GET", "/models", &[], &[])
    });
    assert_eq!(
        (answer.status, &answer.json()["type"]),
        (400, &"InvalidKeyException".into())
    );
}

#[test]
fn models_of_the_file_are_loaded_at_the_start() {
    let host = Host::builder()
        .line("load_models=noop=noop.mar,echo.mar")
        .start();
    let list = http::get(host.management(), "/models").json();
    let names: Vec<&str> = list["models"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(|model| model["modelName"].as_str())
        .collect();
    assert_eq!(names, ["echo", "noop"]);
    eventually("predictions are answered", || {
        let answer = http::get(host.inference(), "/predictions/noop");
        if answer.status == 200 {
            Ok(())
        } else {
            Err(answer.text())
        }
    });
}

#[test]
fn an_address_that_is_taken_refuses_the_start_and_names_it() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = taken.local_addr().expect("bound");
    let builder = Host::builder().line(format!("metrics_address=http://{address}"));
    let why = "; stop it or choose another port";
    let output = refused(builder, 2, &[why]);
    let what = format!("cannot listen for metrics on http://{address}: ");
    assert!(output.contains(&what), "{output}");
}

#[test]
fn only_the_file_can_turn_tokens_off_where_other_machines_reach() {
    let host = Host::builder()
        .line("management_address=http://0.0.0.0:0")
        .line("disable_token_authorization=false")
        .argument("--set")
        .argument("disable_token_authorization=true")
        .spawn();
    let management = eventually("the host listens", || {
        host.listener("management").ok_or_else(|| host.output())
    });
    let answer = eventually("it answers", || {
        http::request(management, "GET", "/models", &[], &[])
    });
    assert_eq!(answer.status, 400, "{}", answer.text());
    let why = "disable_token_authorization: is not obeyed, tokens stay on: http://0.0.0.0:0 can be \
               reached from other machines";
    printed(&host, why);
}
