//! Who may decide what runs: pinned digests, and files that somebody else could change.

use meterbox_tests::faults::craft::{Craft, api_of};
use meterbox_tests::{Folder, Host, HostBuilder, built, eventually, http};
use serde_json::Value;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

/// What the list of plugins says about a file, once `words` are in its last error.
#[track_caller]
fn refused(host: &Host, file: &str, words: &str) -> Value {
    eventually(words, || {
        let list = http::get(host.management(), "/plugins").json();
        let found = list.as_array().into_iter().flatten().find(|plugin| {
            let is_it = plugin["path"]
                .as_str()
                .is_some_and(|path| path.ends_with(file));
            let text = plugin["last_error"].as_str().unwrap_or_default();
            is_it && text.contains(words)
        });
        found.cloned().ok_or_else(|| list.to_string())
    })
}

#[track_caller]
fn serves(host: &Host, path: &str) -> String {
    eventually(path, || {
        let answer = http::request(host.metrics(), "GET", path, &[], &[])?;
        let text = answer.text();
        if answer.status == 200 {
            Ok(text)
        } else {
            Err(format!("{text}\n{}", host.output()))
        }
    })
}

#[track_caller]
fn mode(path: &Path, mode: u32) {
    std::fs::set_permissions(path, PermissionsExt::from_mode(mode)).expect("the file is ours");
}

/// `meterbox plugins pin` for a file in the host's folder.
#[track_caller]
fn pin(host: &Host, file: &str) {
    let status = Command::new(&built().meterbox)
        .args(["plugins", "pin", "--config"])
        .arg(host.folder().join("config.properties"))
        .arg(host.folder().join("plugins").join(file))
        .status()
        .expect("the program starts");
    assert!(status.success(), "{status}");
}

#[test]
fn nothing_of_an_unpinned_file_runs_where_pins_are_required() {
    let folder = Folder::new("marks");
    let mark = folder.path().join("mark");
    let body = format!("close(open(\"{}\", 65, 0600));", mark.display());
    let api = api_of(&std::fs::read(built().plugin("drift")).expect("it is built"));
    let library = Craft::new("marks", &api)
        .code("#include <fcntl.h>\n#include <unistd.h>\n")
        .constructor(&body)
        .build(folder.path());
    let script = "# /// meterbox\n# name = \"marks-too\"\n# ///\nprint(\"the script ran\")\n";
    let host = |lines: &[&str]| {
        let builder = Host::builder()
            .plugin("prometheus")
            .file("marks.so", library.clone())
            .file("marks-too.py", script)
            .line("isolation=thread");
        let with = |builder: HostBuilder, line: &&str| builder.line(*line);
        lines.iter().fold(builder, with).start()
    };
    // It does run where nobody asks for pins, and be it in a probe.
    let trusting = host(&[]);
    refused(&trusting, "marks.so", "header");
    assert!(mark.is_file(), "the constructor leaves its mark");
    std::fs::remove_file(&mark).expect("the folder is ours");
    for isolation in ["isolation=thread", "isolation=process", "isolation=auto"] {
        let strict = host(&["plugins_require_pins=true", isolation]);
        for file in ["marks.so", "marks-too.py", "prometheus.so"] {
            refused(&strict, file, "no lock file lists it");
        }
        let output = strict.output();
        assert!(!output.contains("the script ran"), "{output}");
        assert_eq!(http::get(strict.metrics(), "/metrics").status, 404);
        assert!(
            !mark.exists(),
            "code of an unpinned file ran with {isolation}"
        );
    }
}

#[test]
fn a_file_goes_into_service_when_it_is_pinned_and_no_other_bytes_do() {
    let host = Host::builder()
        .plugin("versioned")
        .line("plugins_require_pins=true")
        .start();
    refused(&host, "versioned.so", "no lock file lists it");
    pin(&host, "versioned.so");
    assert_eq!(
        serves(&host, "/versioned"),
        "edition-0001",
        "without a restart"
    );
    let file = host.folder().join("plugins/versioned.so");
    let mut bytes = std::fs::read(&file).expect("it is there");
    bytes.push(0);
    let beside = file.with_extension("new");
    std::fs::write(&beside, bytes).expect("the folder is ours");
    std::fs::rename(beside, &file).expect("the folder is ours");
    let plugin = refused(&host, "versioned.so", "is not the pinned");
    assert_eq!(
        plugin["state"], "started",
        "what was pinned goes on: {plugin}"
    );
    assert_eq!(serves(&host, "/versioned"), "edition-0001");
    pin(&host, "versioned.so");
    eventually("the new bytes are in service", || {
        let plugin = http::get(host.management(), "/plugins/versioned").json();
        let taken = plugin["generation"] == 2 && plugin["last_error"].is_null();
        taken.then_some(()).ok_or_else(|| plugin.to_string())
    });
}

#[test]
fn a_configuration_or_lock_file_that_others_can_write_is_refused() {
    let host = Host::builder().plugin("versioned").start();
    serves(&host, "/versioned");
    let folder = host.folder().join("plugins");
    let write = |name: &str, text: &str| {
        let path = folder.join(name);
        let beside = folder.join(format!("{name}.part"));
        std::fs::write(&beside, text).expect("the folder is ours");
        mode(&beside, 0o666);
        std::fs::rename(beside, &path).expect("the folder is ours");
        path
    };
    for (name, text) in [
        ("versioned.toml", "# nothing\n"),
        ("plugins.lock", "# nothing\n"),
    ] {
        let path = write(name, text);
        let plugin = refused(&host, "versioned.so", "everybody may write this file");
        let reason = plugin["last_error"].as_str().unwrap_or_default();
        assert!(reason.contains(name), "{reason}");
        assert_eq!(plugin["state"], "started", "the one before it goes on");
        mode(&path, 0o644);
        eventually("mended, it is taken", || {
            let plugin = http::get(host.management(), "/plugins/versioned").json();
            plugin["last_error"]
                .is_null()
                .then_some(())
                .ok_or_else(|| plugin.to_string())
        });
    }
}
