//! Whole answers compared with files in `tests/golden/`, so that a change of any byte is one that somebody reads.
//!
//! `cargo xtask golden --bless` writes the files anew. What differs from run to run is replaced by
//! the placeholders of one list, [`VOLATILE`]; nothing else is. Pages after traffic are not here but
//! in `golden_pages`.

use meterbox_tests::{Host, Page, http};
use std::path::Path;

/// What differs from run to run or release to release: the text before it, the character after it,
/// and what stands for it.
const VOLATILE: &[(&str, char, &str)] = &[
    ("Hostname=\"", '"', "<hostname>"),
    ("uuid=\"", '"', "<uuid>"),
    ("\"since\": \"", '"', "<time>"),
    ("\"sha256\": \"", '"', "<digest>"),
    ("\"version\": \"", '"', "<version>"),
    ("\"api\": \"", '"', "<version>"),
    ("\"used\": ", ',', "<number>"),
    ("\"pid\": ", ',', "<pid>"),
    ("\"memory_bytes\": ", ',', "<bytes>"),
    // The harness asks whether the host is ready until it is.
    (
        "\nRequests2XX{Level=\"Host\",Hostname=\"<hostname>\",} ",
        '\n',
        "<count>",
    ),
    (
        "\nRequests5XX{Level=\"Host\",Hostname=\"<hostname>\",} ",
        '\n',
        "<count>",
    ),
];

/// `text` with the placeholders in it.
fn masked(text: &str) -> String {
    let mut text = text.to_owned();
    for (before, after, placeholder) in VOLATILE {
        let mut parts = text.split(before);
        let mut masked = parts.next().unwrap_or_default().to_owned();
        for part in parts {
            let end = part.find(*after).expect("something comes after a value");
            masked.push_str(before);
            masked.push_str(placeholder);
            masked.push_str(&part[end..]);
        }
        text = masked;
    }
    text
}

/// Compares what `host` answered with the file `name`, or writes the file if `BLESS` is set.
#[track_caller]
fn check(name: &str, host: &Host, text: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("golden")
        .join(name);
    let folder = host.folder().display().to_string();
    let text = masked(text).replace(&folder, "<folder>");
    if std::env::var_os("BLESS").is_some() {
        std::fs::write(&path, &text).expect("the golden folder is writable");
        return;
    }
    let expected = std::fs::read_to_string(&path).unwrap_or_else(|error| {
        panic!("{name}: {error}; `cargo xtask golden --bless` writes it");
    });
    let differs = expected
        .lines()
        .zip(text.lines())
        .position(|(expected, found)| expected != found)
        .unwrap_or(expected.lines().count().min(text.lines().count()));
    assert!(
        expected == text,
        "{name} differs from line {} on (`cargo xtask golden --bless` takes what was found)\n\
         expected: {:?}\n   found: {:?}",
        differs + 1,
        expected.lines().nth(differs),
        text.lines().nth(differs),
    );
}

/// A host with the default endpoint alone: without the system plugin nothing on its page moves.
fn host() -> Host {
    Host::builder()
        .plugin("prometheus")
        .line("metrics_names=torchserve,torchserve-plugin")
        .line("number_of_gpu=0")
        .start()
}

#[test]
fn a_fresh_page_of_the_inherited_names_is_the_golden_one() {
    let host = host();
    let page = http::get(host.metrics(), "/metrics").text();
    assert!(Page::read(&page).has_family("ts_queue_latency_milliseconds"));
    check("fresh_page.txt", &host, &page);
}

#[test]
fn the_description_of_a_registered_model_is_the_golden_one() {
    let host = host();
    host.serve_model("noop.mar", 0);
    let answer = http::get(host.management(), "/models/noop");
    assert_eq!(answer.status, 200, "{}", answer.text());
    check("describe_model.json", &host, &answer.text());
}

#[test]
fn the_list_of_plugins_is_the_golden_one() {
    let host = Host::builder()
        .plugin("prometheus")
        .plugin("summary")
        .plugin("banner")
        .start();
    let answer = http::get(host.management(), "/plugins");
    assert_eq!(answer.status, 200, "{}", answer.text());
    check("plugins.json", &host, &answer.text());
}

#[test]
fn the_api_description_of_the_metrics_listener_is_the_golden_one() {
    let host = host();
    let answer = http::request(host.metrics(), "OPTIONS", "/", &[], &[]).expect("an answer");
    assert_eq!(answer.status, 200, "{}", answer.text());
    check("api_description_metrics.json", &host, &answer.text());
}

#[test]
fn placeholders_stand_for_values_only() {
    let text = "QueueTime{Level=\"Host\",Hostname=\"vm\",} 0.0\n  \"version\": \"1.2.3\",\n";
    let expected =
        "QueueTime{Level=\"Host\",Hostname=\"<hostname>\",} 0.0\n  \"version\": \"<version>\",\n";
    assert_eq!(masked(text), expected);
    assert_eq!(masked(expected), expected);
    let count = "\nRequests2XX{Level=\"Host\",Hostname=\"vm\",} 3.0\n";
    assert!(masked(count).ends_with("Hostname=\"<hostname>\",} <count>\n"));
}
