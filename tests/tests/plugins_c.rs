//! The example plugin in C, built by the machine's own compiler and dropped into a running host.

use meterbox_tests::{Folder, Host, built, eventually, http};
use std::path::{Path, PathBuf};
use std::process::Command;

/// Builds the example as `hello_c.so` in `folder`; `None`, with a line, where there is no compiler.
fn example(folder: &Path) -> Option<PathBuf> {
    let (root, library) = (&built().root, folder.join("hello_c.so"));
    let mut cc = Command::new("cc");
    cc.args([
        "-std=c99", "-Wall", "-Wextra", "-Werror", "-O1", "-shared", "-fPIC",
    ])
    .arg("-I")
    .arg(root.join("plugin-api/c"))
    .arg("-o")
    .arg(&library)
    .arg(root.join("plugin-api/c/example/hello.c"))
    .arg("-lpthread");
    let Ok(output) = cc.output() else {
        eprintln!("skipped: there is no C compiler (cc)");
        return None;
    };
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{errors}");
    Some(library)
}

#[test]
fn a_plugin_in_c_serves_from_a_process_of_its_own() {
    serves("process");
}

#[test]
fn a_plugin_in_c_serves_on_threads_of_the_host() {
    serves("thread");
}

/// It answers, streams, answers later, counts, collects, and reads its configuration.
fn serves(place: &str) {
    let folder = Folder::new("plugins-c");
    let Some(library) = example(folder.path()) else {
        return;
    };
    let host = Host::builder()
        .plugin("prometheus")
        .isolation("hello_c", place)
        .start();
    let plugins = host.folder().join("plugins");
    std::fs::write(plugins.join("hello_c.toml"), "greeting = \"Moin\"\n").expect("it is ours");
    let beside = plugins.join("hello_c.part");
    std::fs::copy(library, &beside).expect("the plugin folder is writable");
    std::fs::rename(&beside, plugins.join("hello_c.so")).expect("the plugin folder is writable");

    let path = "/hello_c/kitchen";
    eventually("the plugin in C answers", || {
        let answer = http::get(host.metrics(), path);
        (answer.status == 200)
            .then_some(())
            .ok_or_else(|| host.output())
    });
    let answer = http::request(host.metrics(), "POST", path, &[], b"12345").expect("an answer");
    assert_eq!(answer.header("content-type"), Some("application/json"));
    let said = answer.json();
    assert_eq!(said["greeting"], "Moin", "{said}");
    assert_eq!(said["path"], path);
    assert_eq!(said["body_bytes"], 5);
    let streamed = http::get(host.metrics(), "/hello_c_stream").text();
    assert_eq!(streamed.lines().count(), 10, "{streamed}");
    assert_eq!(streamed.lines().last(), Some("Moin 9"));
    let later = http::get(host.metrics(), "/hello_c_later");
    assert_eq!((later.status, later.text().as_str()), (200, "at last\n"));

    eventually("what it counted and collected is on the page", || {
        let page = host.scrape("/metrics");
        let greetings = page.value("hello_c_greetings_total", &[("language", "c")]);
        let observed = page.value("hello_c_greeting_seconds_count", &[]);
        let ticks = page.value("hello_c_ticks", &[]);
        // Asked: until it answered, once by POST, streamed, and later, which is counted but not timed.
        let fine = observed >= Some(3.0)
            && greetings == observed.map(|timed| timed + 1.0)
            && ticks >= Some(1.0);
        fine.then_some(())
            .ok_or_else(|| format!("{greetings:?} {observed:?} {ticks:?}"))
    });
    let state = http::get(host.management(), "/plugins/hello_c").json();
    assert_eq!(state["api"], "c-1.0", "{state}");
    assert_eq!(state["isolation"], place, "{state}");
    assert!(host.output().contains("hello from C"), "{}", host.output());
}
