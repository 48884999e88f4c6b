//! The end and the change of a running server: SIGTERM under load, SIGHUP with good and bad files.

use meterbox_tests::{Host, eventually, http};
use rustix::process::Signal;
use std::sync::atomic::{AtomicUsize, Ordering};

#[test]
fn a_server_told_to_end_under_load_fails_no_request_it_took() {
    let mut host = Host::builder().start();
    host.serve_model("modes.mar", 2);
    let at = host.inference();
    let answered = AtomicUsize::new(0);
    let failures: Vec<String> = std::thread::scope(|scope| {
        let asking: Vec<_> = (0..4)
            .map(|_| {
                scope.spawn(|| {
                    let request = "POST /predictions/modes HTTP/1.1\r\nHost: localhost\r\n\
                                   Content-Type: application/x-www-form-urlencoded\r\n\
                                   Content-Length: 17\r\nConnection: close\r\n\r\nmode=sleep&s=0.05";
                    loop {
                        match http::raw::exchange(at, request.as_bytes()) {
                            // Refused: the listener is closed, and nobody was promised anything. A
                            // connection that was never accepted ends without a byte.
                            Err(_) => return None,
                            Ok(bytes) if bytes.is_empty() => return None,
                            Ok(bytes) => match http::raw::answer(&bytes) {
                                Ok(answer) if answer.status == 200 => {
                                    answered.fetch_add(1, Ordering::Relaxed);
                                }
                                Ok(answer) => return Some(format!("status {}", answer.status)),
                                Err(cut) => return Some(cut),
                            },
                        }
                    }
                })
            })
            .collect();
        eventually("the load runs", || {
            let count = answered.load(Ordering::Relaxed);
            if count >= 20 {
                Ok(())
            } else {
                Err(format!("{count} answers"))
            }
        });
        host.signal(Signal::TERM);
        asking
            .into_iter()
            .filter_map(|thread| thread.join().expect("no panic"))
            .collect()
    });
    assert!(failures.is_empty(), "{failures:?}\n{}", host.output());
    let status = host.wait();
    assert_eq!(status.code(), Some(0), "{status}\n{}", host.output());
}

#[test]
fn a_request_that_runs_when_the_server_is_told_to_end_is_answered() {
    let mut host = Host::start(&[]);
    host.serve_model("modes.mar", 1);
    let (inference, metrics) = (host.inference(), host.metrics());
    let running = std::thread::spawn(move || {
        let form = [("Content-Type", "application/x-www-form-urlencoded")];
        http::request(
            inference,
            "POST",
            "/predictions/modes",
            &form,
            b"mode=sleep&s=2",
        )
    });
    eventually("the request runs", || {
        let page = http::request(metrics, "GET", "/metrics", &[], &[])?.text();
        let running = page.lines().any(|line| {
            line.starts_with("meterbox_predictions_in_flight{") && line.ends_with(" 1.0")
        });
        running.then_some(()).ok_or(page)
    });
    host.signal(Signal::TERM);
    let answer = running.join().expect("no panic").expect("an answer");
    assert_eq!((answer.status, answer.text()), (200, "slept".to_owned()));
    let status = host.wait();
    assert_eq!(status.code(), Some(0), "{status}\n{}", host.output());
}

/// Writes the configuration again with other lines at its end and tells the host to read it.
fn reload(host: &Host, lines: &str) {
    let file = host.folder().join("config.properties");
    let text = std::fs::read_to_string(&file).expect("the host has a configuration");
    let kept: Vec<&str> = text
        .lines()
        .take_while(|line| *line != "# changed")
        .collect();
    std::fs::write(&file, format!("{}\n# changed\n{lines}\n", kept.join("\n")))
        .expect("it is ours");
    host.signal(Signal::HUP);
}

#[test]
fn a_reload_closes_the_metric_endpoints_and_opens_them_again() {
    let host = Host::start(&[]);
    let at = host.metrics();
    let closed = || match http::request(at, "GET", "/metrics", &[], &[]) {
        Err(_) => Ok(()),
        Ok(answer) => Err(format!("{} {}", answer.status, answer.text().len())),
    };
    assert_eq!(http::get(at, "/metrics").status, 200);
    reload(&host, "enable_metrics_endpoints=false");
    eventually("the metrics listener is closed", closed);
    let ping = http::get(host.inference(), "/ping");
    assert_eq!(ping.status, 200, "the rest goes on");
    for listener in [host.inference(), host.management()] {
        assert_eq!(
            http::get(listener, "/metrics").status,
            404,
            "no other way in"
        );
    }
    reload(&host, "enable_metrics_endpoints=true");
    eventually("a metrics listener is open again", || {
        let output = host.output();
        let places = output.lines().rev().filter_map(|line| {
            line.strip_prefix("listening on metrics at http://")?
                .trim()
                .parse()
                .ok()
        });
        let places: Vec<std::net::SocketAddr> = places.chain([at]).collect();
        places
            .iter()
            .find_map(|at| http::request(*at, "GET", "/metrics", &[], &[]).ok())
            .filter(|answer| answer.status == 200)
            .map(drop)
            .ok_or(output)
    });
}

#[test]
fn switched_off_at_the_start_no_metric_endpoint_exists() {
    let host = Host::builder()
        .plugin("prometheus")
        .line("enable_metrics_endpoints=false")
        .start();
    assert_eq!(host.listener("metrics"), None, "{}", host.output());
    for listener in [host.inference(), host.management()] {
        assert_eq!(http::get(listener, "/metrics").status, 404);
    }
}

#[test]
fn a_reload_of_a_bad_file_keeps_the_old_configuration() {
    let host = Host::start(&[]);
    reload(
        &host,
        "enable_metrics_endpoints=perhaps\nmax_request_size=many",
    );
    eventually("both errors are in the log", || {
        let output = host.output();
        let both = ["enable_metrics_endpoints", "max_request_size"];
        both.iter()
            .all(|key| output.contains(key))
            .then_some(())
            .ok_or(output)
    });
    assert_eq!(http::get(host.metrics(), "/metrics").status, 200);
    assert_eq!(http::get(host.inference(), "/ping").status, 200);
}
