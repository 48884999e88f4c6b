//! One plugin in every language: the same checks over `hello` in Rust, C and Python, each dropped into a
//! running host. What it does:
//!
//! | request | answer |
//! |---|---|
//! | `GET /hello?name=N` | 200, `x-hello: 1`, `{"greeting":"<greeting>, N!"}`; without a name `world` |
//! | `POST /hello` | the body and its content type back |
//! | `GET /hello/stream` | three writes |
//! | `GET /hello/later` | 202, given by another thread after the call |
//! | `GET /hello/fail` | a failure: 500 with its text |
//! | `GET /hello/crash` | `abort()` |
//! | anything below | 404; other methods 405 |
//!
//! It counts requests by page (`hello_calls_total`), sizes of echoed bodies (`hello_body_bytes`) and ticks
//! of its timer (`hello_ticks_total`), collects the temperature of two rooms (`hello_room_celsius`), and says
//! when it comes and goes. `hello.toml` has `greeting`, `tick_ms` and `broken_collector`: then the cellar fails.

use meterbox_tests::http::{self, Answer};
use meterbox_tests::{Folder, Host, Page, built, eventually};
use std::path::Path;
use std::process::Command;

#[test]
fn a_plugin_in_rust_behaves() {
    let library = built().plugin("behaviour");
    behaves("hello.so", &std::fs::read(library).expect("it was built"));
}

#[test]
fn a_plugin_in_python_behaves() {
    let text = built().root.join("python/examples/plugins/hello.py");
    behaves("hello.py", &std::fs::read(text).expect("the example"));
}

#[test]
fn a_plugin_in_c_behaves() {
    let folder = Folder::new("languages");
    let library = folder.path().join("hello.so");
    if compile(&built().root, &library) {
        behaves("hello.so", &std::fs::read(library).expect("it was built"));
    }
}

/// Whether there is a C compiler; then the plugin is at `library`.
fn compile(root: &Path, library: &Path) -> bool {
    let mut cc = Command::new("cc");
    cc.args([
        "-std=c99", "-Wall", "-Wextra", "-Werror", "-O1", "-shared", "-fPIC", "-I",
    ])
    .arg(root.join("plugin-api/c"))
    .arg("-o")
    .arg(library)
    .arg(root.join("tests/fixtures/c/hello.c"))
    .arg("-lpthread");
    let Ok(output) = cc.output() else {
        eprintln!("skipped: there is no C compiler (cc)");
        return false;
    };
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{errors}");
    true
}

fn behaves(file: &str, bytes: &[u8]) {
    let host = Host::builder().plugin("prometheus").start();
    assert_eq!(get(&host, "").status, 404);
    let plugins = host.folder().join("plugins");
    let config = "greeting = \"Good day\"\ntick_ms = 20\n";
    std::fs::write(plugins.join("hello.toml"), config).expect("it is ours");
    drop_in(&plugins, file, bytes);
    eventually("it serves", || answered(&host, get(&host, ""), 200));
    let listed = http::get(host.management(), "/plugins/hello").json();
    assert_eq!(listed["isolation"], "process", "{listed}");
    eventually("it said so", || said(&host, "hello is ready"));
    answers(&host);
    echoes_a_mebibyte(&host);
    let before = counts(&host);
    crashes_alone(&host, &before);
    changes_its_mind(&host, &before);
}

/// Puts a file into a folder in one step.
fn drop_in(folder: &Path, name: &str, bytes: &[u8]) {
    let beside = folder.join("coming");
    std::fs::write(&beside, bytes).expect("it is ours");
    std::fs::rename(&beside, folder.join(name)).expect("it is ours");
}

fn get(host: &Host, rest: &str) -> Answer {
    http::get(host.metrics(), &format!("/hello{rest}"))
}

fn answered(host: &Host, answer: Answer, status: u16) -> Result<Answer, String> {
    let text = answer.text();
    let fine = answer.status == status;
    fine.then_some(answer)
        .ok_or_else(|| format!("{text}\n{}", host.output()))
}

fn said(host: &Host, line: &str) -> Result<(), String> {
    let output = host.output();
    output.contains(line).then_some(()).ok_or(output)
}

/// Every row: request, status, a header, and what is in the body.
fn answers(host: &Host) {
    let json = ("content-type", "application/json");
    let text = ("content-type", "text/plain; charset=utf-8");
    let none = ("", "");
    let table = [
        ("GET", "", 200, json, r#"{"greeting":"Good day, world!"}"#),
        (
            "GET",
            "?name=Ada%20L",
            200,
            ("x-hello", "1"),
            r#"{"greeting":"Good day, Ada L!"}"#,
        ),
        ("HEAD", "", 200, ("x-hello", "1"), ""),
        ("GET", "/stream", 200, text, "part 0\npart 1\npart 2\n"),
        ("GET", "/later", 202, text, "later\n"),
        ("GET", "/fail", 500, none, "hello fails when asked"),
        ("GET", "/absent", 404, none, "no page /absent"),
        ("PUT", "", 405, ("allow", "GET, HEAD, POST"), ""),
    ];
    for (method, rest, status, (header, value), body) in table {
        let path = format!("/hello{rest}");
        let answer = http::request(host.metrics(), method, &path, &[], &[]).expect("an answer");
        let found = answer.text();
        assert_eq!(
            answer.status,
            status,
            "{method} {path}: {found}\n{}",
            host.output()
        );
        assert!(found.contains(body), "{method} {path}: {found}");
        if status < 300 {
            assert_eq!(found, body, "{method} {path}");
        }
        if !header.is_empty() {
            assert_eq!(answer.header(header), Some(value), "{method} {path}");
        }
    }
    let streamed = get(host, "/stream");
    assert_eq!(
        streamed.header("content-length"),
        None,
        "it comes in pieces"
    );
}

fn echoes_a_mebibyte(host: &Host) {
    let body: Vec<u8> = (0..1_u32 << 20).map(|at| (at * 7 % 251) as u8).collect();
    let image = [("content-type", "image/x-noise")];
    let answer = http::request(host.metrics(), "POST", "/hello", &image, &body).expect("an answer");
    assert_eq!(answer.status, 200, "{}", host.output());
    assert_eq!(answer.header("content-type"), Some("image/x-noise"));
    assert!(answer.body == body, "{} bytes came back", answer.body.len());
    let plain = http::post(host.metrics(), "/hello", b"short");
    assert_eq!(
        plain.header("content-type"),
        Some("application/octet-stream")
    );
}

/// Requests by page, as they are on the metrics page once the timer has ticked.
fn counts(host: &Host) -> Vec<(&'static str, f64)> {
    let page = eventually("the timer ticks", || {
        let page = host.scrape("/metrics");
        let ticks = page.value("hello_ticks_total", &[]);
        (ticks >= Some(2.0))
            .then_some(page)
            .ok_or_else(|| format!("{ticks:?}"))
    });
    let sizes = |name: &str, labels: &[_]| page.value(&format!("hello_body_bytes_{name}"), labels);
    assert_eq!(sizes("bucket", &[("le", "100.0")]), Some(1.0));
    assert_eq!(sizes("bucket", &[("le", "1000000.0")]), Some(1.0));
    assert_eq!(sizes("bucket", &[("le", "+Inf")]), Some(2.0));
    assert_eq!(sizes("sum", &[]), Some(1_048_581.0));
    assert_eq!(room(&page, "kitchen"), Some(21.5));
    assert_eq!(room(&page, "cellar"), Some(12.0));
    let pages = ["greet", "stream", "later", "fail", "other", "echo"];
    let expected = [3.0, 2.0, 1.0, 1.0, 1.0, 2.0];
    let found = pages.map(|name| (name, calls(&page, name).unwrap_or(-1.0)));
    for ((name, found), least) in found.into_iter().zip(expected) {
        // It was greeted while it was waited for, too.
        let fine = if name == "greet" {
            found >= least
        } else {
            found == least
        };
        assert!(fine, "{name}: {found}, expected {least}");
    }
    found.to_vec()
}

fn calls(page: &Page, name: &str) -> Option<f64> {
    page.value("hello_calls_total", &[("page", name)])
}

fn room(page: &Page, name: &str) -> Option<f64> {
    page.value("hello_room_celsius", &[("room", name)])
}

fn crashes_alone(host: &Host, before: &[(&str, f64)]) {
    let answer = get(host, "/crash");
    assert_eq!(answer.status, 502, "{}\n{}", answer.text(), host.output());
    assert!(answer.text().contains("SIGABRT"), "{}", answer.text());
    eventually("it serves again", || {
        answered(host, get(host, "/absent"), 404)
    });
    let page = host.scrape("/metrics");
    for &(name, count) in before {
        assert!(
            calls(&page, name) >= Some(count),
            "{name} survives the crash"
        );
    }
}

/// A changed configuration: the new generation has it, its counters go on, its collector fails alone.
fn changes_its_mind(host: &Host, before: &[(&str, f64)]) {
    let config = host.folder().join("plugins/hello.toml");
    std::fs::write(config, "greeting = \"Bye\"\nbroken_collector = true\n").expect("it is ours");
    eventually("the new greeting is there", || {
        let text = get(host, "").text();
        let fine = text == r#"{"greeting":"Bye, world!"}"#;
        fine.then_some(()).ok_or(text)
    });
    eventually("the old generation left", || said(host, "hello leaves"));
    let page = host.scrape("/metrics");
    for &(name, count) in before {
        assert!(
            calls(&page, name) >= Some(count),
            "{name} survives the reload"
        );
    }
    assert_eq!(
        room(&page, "kitchen"),
        Some(21.5),
        "shown before the failure"
    );
    assert_eq!(room(&page, "cellar"), None);
    let success = page.value("meterbox_collector_success", &[("plugin", "hello")]);
    assert_eq!(success, Some(0.0), "{}", host.output());
}

/// The sentence with which the host refuses a file of its plugin folder.
fn refusal(host: &Host, file: &str) -> String {
    eventually(file, || {
        let list = http::get(host.management(), "/plugins").json();
        let ends = format!("/{file}");
        let is_it = |plugin: &&serde_json::Value| {
            let path = plugin["path"].as_str();
            path.is_some_and(|path| path.ends_with(&ends)) && plugin["state"] == "rejected"
        };
        let found = list.as_array().into_iter().flatten().find(is_it);
        let text = found.and_then(|plugin| plugin["last_error"].as_str());
        text.map(str::to_owned).ok_or_else(|| list.to_string())
    })
}

#[test]
fn a_python_file_that_cannot_run_is_refused_with_its_line_and_what_to_do() {
    let block = |name: &str, api: u32| {
        format!("# /// meterbox\n# name = \"{name}\"\n# version = \"1\"\n# api = {api}\n# ///\n")
    };
    let class = "from meterbox_plugin import Plugin\nclass P(Plugin):\n    pass\n";
    let table = [
        (
            "plain.py",
            "print(1)\n".to_owned(),
            "it has no metadata block",
        ),
        (
            "newer.py",
            block("newer", 2) + class,
            "line 4: api is 2, and this host speaks version 1",
        ),
        (
            "typo.py",
            block("typo", 1) + "clas P:\n",
            "line 6: SyntaxError",
        ),
        (
            "empty.py",
            block("empty", 1),
            "needs one class derived from meterbox_plugin.Plugin",
        ),
        (
            "thread.py",
            block("thread", 1) + class,
            "always runs in a process of its own",
        ),
        (
            "gone.py",
            block("gone", 1) + "import os\nos._exit(3)\n",
            "exit",
        ),
    ];
    let builder = Host::builder().isolation("thread", "thread");
    let place = |builder: meterbox_tests::HostBuilder, row: &(&str, String, &str)| {
        builder.file(row.0, row.1.as_bytes())
    };
    let host = table.iter().fold(builder, place).start();
    for (file, _, expected) in &table {
        let text = refusal(&host, file);
        assert!(text.contains(expected), "{file}: {text}");
    }
}
