//! The configuration as a running server takes it or refuses it.

use meterbox_tests::{Host, HostBuilder, eventually, http};

/// Starts a host that must refuse: its output and exit code.
#[track_caller]
fn refused(builder: HostBuilder) -> (String, Option<i32>) {
    let mut host = builder.spawn();
    let status = host.wait();
    // The pipes may be read a moment after the end.
    let output = eventually("the host says why", || {
        let output = host.output();
        if output.is_empty() {
            Err(output)
        } else {
            Ok(output)
        }
    });
    assert!(
        !output.contains("listening on"),
        "nothing was bound: {output}"
    );
    (output, status.code())
}

#[test]
fn every_error_of_a_bad_file_is_told_at_once_with_its_line_and_the_exit_code_is_2() {
    let builder = Host::builder()
        .line("max_request_size=many")
        .line("enable_metrics_endpoints=perhaps")
        .line("default_response_timeout=-1")
        .line("metrics_mode=loud");
    let (output, code) = refused(builder);
    assert_eq!(code, Some(2), "{output}");
    for key in [
        "max_request_size",
        "enable_metrics_endpoints",
        "default_response_timeout",
        "metrics_mode",
    ] {
        let line = output.lines().find(|line| line.contains(key));
        let line = line.unwrap_or_else(|| panic!("{key} is missing:\n{output}"));
        assert!(line.contains("config.properties:"), "file and line: {line}");
    }
}

#[test]
fn an_unknown_key_is_a_warning_with_the_nearest_match() {
    let host = Host::builder().line("enable_metrics_endpoint=true").start();
    let output = host.output();
    let line = output
        .lines()
        .find(|line| line.contains("enable_metrics_endpoint "));
    let line = line.or_else(|| output.lines().find(|line| line.contains("unknown key")));
    let line = line.unwrap_or_else(|| panic!("no warning:\n{output}"));
    assert!(
        line.contains("enable_metrics_endpoints"),
        "the nearest match: {line}"
    );
}

#[test]
fn a_plugin_in_a_process_of_its_own_is_refused_while_there_is_no_such_thing() {
    let builder = Host::builder()
        .plugin("drift")
        .line("plugin.drift.isolation=process");
    let (output, code) = refused(builder);
    assert_eq!(code, Some(2), "{output}");
    assert!(output.contains("isolation"), "{output}");
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
    assert!(
        insecure.output().contains("disable_token_authorization"),
        "and a warning"
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
    let (output, code) = refused(Host::builder().line(format!("metrics_address=http://{address}")));
    assert_ne!(code, Some(0), "{output}");
    assert!(output.contains(&address.to_string()), "{output}");
}
