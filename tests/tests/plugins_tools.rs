//! The commands of `meterbox plugins`, each run for real: new projects are built and tested, files
//! checked and pinned, plugins of a running server listed, called and changed.

use meterbox_tests::{Folder, Host, built, eventually, http};
use serde_json::Value;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// What a command of `meterbox plugins` printed, and its exit code.
struct Said {
    code: i32,
    out: String,
    err: String,
}

impl Said {
    fn of(output: &Output) -> Self {
        Self {
            code: output.status.code().unwrap_or(-1),
            out: String::from_utf8_lossy(&output.stdout).into_owned(),
            err: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }

    #[track_caller]
    fn json(&self) -> Value {
        serde_json::from_str(&self.out)
            .unwrap_or_else(|error| panic!("no JSON ({error}): {}{}", self.out, self.err))
    }

    #[track_caller]
    fn expect(self, code: i32) -> Self {
        assert_eq!(self.code, code, "{}{}", self.out, self.err);
        self
    }
}

fn plugins(arguments: &[&str]) -> Said {
    let output = Command::new(&built().meterbox)
        .arg("plugins")
        .args(arguments)
        .output();
    Said::of(&output.expect("the program starts"))
}

/// Runs a command to its end, which must be a good one.
#[track_caller]
fn run(command: &mut Command) -> String {
    let said = Said::of(&command.output().expect("the program starts"));
    assert_eq!(said.code, 0, "{command:?}\n{}{}", said.out, said.err);
    said.out
}

/// Asks `host` by a command of `meterbox plugins`.
fn ask(host: &Host, arguments: &[&str]) -> Said {
    let config = host.folder().join("config.properties");
    let config = config.display().to_string();
    let management = format!("http://{}", host.management());
    let metrics = format!("http://{}", host.metrics());
    let mut all = arguments.to_vec();
    all.extend(["--config", &config, "--management-address", &management]);
    all.extend(["--metrics-address", &metrics]);
    plugins(&all)
}

/// Makes the project `name` and gives its folder.
#[track_caller]
fn new(parent: &Folder, name: &str, language: &str) -> PathBuf {
    let path = parent.path().display().to_string();
    let said = plugins(&["new", name, "--lang", language, "--path", &path, "--json"]).expect(0);
    let made = said.json();
    let folder = parent.path().join(name);
    assert_eq!(made["folder"], folder.display().to_string());
    let files = made["files"].as_array().expect("a list of files");
    for file in files.iter().filter_map(Value::as_str) {
        let text = std::fs::read_to_string(folder.join(file)).expect("the file is there");
        assert!(
            !text.contains("@NAME@") && !text.contains("@SDK@"),
            "{file}:\n{text}"
        );
    }
    folder
}

/// Puts a file into the plugin folder in one step.
fn drop_file(host: &Host, from: &Path, name: &str) {
    let folder = host.folder().join("plugins");
    let beside = folder.join(format!("{name}.part"));
    std::fs::copy(from, &beside).expect("the folder is writable");
    std::fs::rename(beside, folder.join(name)).expect("the folder is writable");
}

/// Drops the new plugin into a running server and calls it as its README says.
#[track_caller]
fn serves(name: &str, file: &Path) {
    let ending = file.extension().expect("an ending").to_string_lossy();
    let host = Host::builder().plugin("prometheus").start();
    drop_file(&host, file, &format!("{name}.{ending}"));
    eventually("the new plugin is in service", || {
        let plugin = http::get(host.management(), &format!("/plugins/{name}"));
        let started = plugin.status == 200 && plugin.json()["state"] == "started";
        started.then_some(()).ok_or_else(|| plugin.text())
    });
    let said = ask(&host, &["call", name]).expect(0);
    assert_eq!(
        (said.out.as_str(), said.err.as_str()),
        ("hello", "status 200\n")
    );
    let counted = host
        .scrape("/metrics")
        .value(&format!("{name}_requests_total"), &[]);
    assert_eq!(counted, Some(1.0), "{}", host.output());
}

fn cargo(project: &Path) -> Command {
    let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo.current_dir(project).env("RUST_BACKTRACE", "0");
    cargo
}

#[test]
fn a_new_rust_project_passes_its_tests_without_a_network_and_serves() {
    let parent = Folder::new("new");
    let project = new(&parent, "scaffolded", "rust");
    // What the workspace has built already, in the same versions, need not be built again.
    std::fs::copy(built().root.join("Cargo.lock"), project.join("Cargo.lock")).expect("writable");
    let ours = |command: &mut Command| run(command.env("CARGO_TARGET_DIR", &built().target));
    let tested = ours(cargo(&project).args(["test", "--offline", "--quiet"]));
    assert!(tested.contains("2 passed"), "{tested}");
    ours(cargo(&project).args(["build", "--offline", "--quiet"]));
    serves("scaffolded", &built().target.join("debug/libscaffolded.so"));
}

/// The same from nothing: an empty cargo home and the SDK of the release alone.
#[test]
#[ignore = "builds everything anew, about a minute; needs `cargo xtask sdk` before"]
fn a_new_rust_project_builds_with_an_empty_cargo_home_against_the_installed_sdk() {
    let parent = Folder::new("vendored");
    let sdk = built().target.join("dist/sdk");
    let (sdk, path) = (
        sdk.display().to_string(),
        parent.path().display().to_string(),
    );
    plugins(&["new", "vendored", "--path", &path, "--sdk", &sdk]).expect(0);
    let project = parent.path().join("vendored");
    let tested = run(cargo(&project)
        .args(["test", "--offline", "--quiet"])
        .env("CARGO_HOME", parent.path().join("cargo-home"))
        .env("CARGO_TARGET_DIR", parent.path().join("target")));
    assert!(tested.contains("2 passed"), "{tested}");
}

#[test]
fn a_new_c_project_passes_its_test_and_serves() {
    let parent = Folder::new("new");
    let project = new(&parent, "in_c", "c");
    let tested = run(Command::new("make").arg("test").current_dir(&project));
    assert!(tested.contains("in_c: ok"), "{tested}");
    serves("in_c", &project.join("in_c.so"));
}

#[test]
fn a_new_python_project_passes_its_tests_and_the_check_and_serves() {
    let parent = Folder::new("new");
    let project = new(&parent, "in_python", "python");
    run(Command::new("python3")
        .args(["-B", "test_in_python.py"])
        .current_dir(&project));
    let file = project.join("in_python.py");
    let report = plugins(&["check", &file.display().to_string(), "--json"])
        .expect(0)
        .json();
    assert_eq!(report["language"], "python");
    assert_eq!(report["routes"][0]["path"], "/in_python");
    serves("in_python", &file);
}

#[test]
fn nothing_is_overwritten_and_bad_names_are_refused() {
    let parent = Folder::new("new");
    let path = parent.path().display().to_string();
    let project = new(&parent, "once", "c");
    std::fs::write(project.join("once.c"), "mine").expect("the folder is ours");
    let again = plugins(&["new", "once", "--lang", "c", "--path", &path]).expect(1);
    assert!(again.err.contains("it is there already"), "{}", again.err);
    let kept = std::fs::read_to_string(project.join("once.c")).expect("it is there");
    assert_eq!(kept, "mine");
    for name in ["Once", "a-b", "../up", "metrics", "match", "1st"] {
        let said = plugins(&["new", name, "--path", &path]).expect(2);
        assert!(
            said.err.contains(name) && said.err.lines().count() == 1,
            "{}",
            said.err
        );
    }
    let said = plugins(&["new", "twice", "--path", &path, "--sdk", &path]).expect(1);
    assert!(said.err.contains("no SDK in"), "{}", said.err);
    assert!(!parent.path().join("twice").exists());
}

#[test]
fn the_check_of_a_good_library_tells_what_a_server_would_find() {
    let library = built().plugin("drift").display().to_string();
    let report = plugins(&["check", &library, "--json"]).expect(0).json();
    assert_eq!(
        (&report["fine"], &report["findings"]),
        (&true.into(), &serde_json::json!([]))
    );
    assert_eq!(
        (&report["name"], &report["owned"]),
        (&"drift".into(), &true.into())
    );
    assert_eq!(report["sha256"].as_str().map(str::len), Some(64));
    let abi = report["abi"].as_str().expect("a sentence");
    assert!(abi.starts_with("fits"), "{abi}");
    let needed = report["needed"].as_array().expect("a list");
    assert!(needed.contains(&"libc.so.6".into()), "{needed:?}");
    let glibc = report["glibc"].as_str().expect("a version");
    assert!(glibc.starts_with("2."), "{glibc}");
    let route =
        serde_json::json!([{"listener": "metrics", "path": "/drift", "methods": ["GET", "HEAD"]}]);
    assert_eq!(report["routes"], route);
    assert_eq!(report["metrics"][0]["name"], "drift_checks_total");
    let steps = report["dry_run"]["steps"].as_array().expect("steps");
    let entries: Vec<&str> = steps
        .iter()
        .filter_map(|step| step["entry"].as_str())
        .collect();
    assert_eq!(entries, ["load", "create", "start", "call", "stop"]);
    assert_eq!(
        (&steps[3]["status"], &steps[3]["bytes"]),
        (&200.into(), &14.into())
    );
    let peak = report["dry_run"]["memory_peak_bytes"].as_u64();
    assert!(peak.is_some_and(|bytes| bytes > 1 << 20), "{peak:?}");
    let text = plugins(&["check", &library]).expect(0).out;
    assert!(
        text.contains("GET /drift: 200, 14 bytes") && text.ends_with("no findings\n"),
        "{text}"
    );
}

#[test]
fn the_plugins_of_this_repository_pass_their_own_check() {
    for name in ["prometheus", "system", "summary", "banner", "bridge"] {
        let library = built().plugin(name).display().to_string();
        let report = plugins(&["check", &library, "--json"]).expect(0).json();
        assert_eq!(report["dry_run"]["crash"], Value::Null, "{name}: {report}");
        let collects = report["roles"]
            .as_array()
            .expect("roles")
            .contains(&"collector".into());
        let steps = report["dry_run"]["steps"].as_array().expect("steps");
        let collected = steps.iter().any(|step| step["entry"] == "collect");
        assert_eq!(collected, collects, "{name}: {report}");
    }
}

/// The findings of a check that must have some: codes and all text.
#[track_caller]
fn findings(file: &Path, arguments: &[&str]) -> (Vec<String>, String) {
    let file = file.display().to_string();
    let said = plugins(&[&["check", &file, "--json"], arguments].concat()).expect(1);
    let report = said.json();
    assert_eq!(report["fine"], false);
    let list = report["findings"].as_array().expect("a list").clone();
    for finding in &list {
        for part in ["code", "place", "cause", "fix"] {
            let text = finding[part].as_str().expect("a text");
            assert!(
                !text.is_empty() && !text.contains('\n'),
                "{part}: {finding}"
            );
        }
    }
    let codes = list.iter().filter_map(|finding| finding["code"].as_str());
    let codes = codes.map(str::to_owned).collect();
    let text = plugins(&[&["check", &file], arguments].concat())
        .expect(1)
        .out;
    let (_, shown) = text.split_once("finding").expect("the count of findings");
    for finding in shown.split("\n- ").skip(1) {
        assert!(finding.lines().count() <= 5, "{finding}");
    }
    (codes, said.out)
}

#[test]
fn the_check_of_a_bad_file_names_cause_place_and_fix() {
    let folder = Folder::new("check");
    let drift = std::fs::read(built().plugin("drift")).expect("the library is built");
    let mut other_api = drift.clone();
    let api = b"\"api\":\"0.";
    let at: Vec<usize> = (0..drift.len() - api.len())
        .filter(|&at| drift[at..].starts_with(api))
        .collect();
    for at in at {
        other_api[at + api.len()] = b'9';
    }
    let table = [
        ("text.so", b"no library\n".to_vec(), "not_elf"),
        ("empty.so", Vec::new(), "not_elf"),
        ("cut.so", drift[..drift.len() / 2].to_vec(), "truncated"),
        ("other.so", other_api, "api"),
        ("block.py", b"print('hello')\n".to_vec(), "no_metadata"),
    ];
    for (name, bytes, code) in table {
        let (codes, report) = findings(&folder.write(name, bytes), &[]);
        assert_eq!(codes, [code], "{report}");
    }
    let open = folder.write("open.so", &drift);
    std::fs::set_permissions(&open, PermissionsExt::from_mode(0o666)).expect("it is ours");
    let (codes, report) = findings(&open, &[]);
    assert_eq!(codes, ["permissions"], "the rest of it is fine: {report}");
    assert!(report.contains("\"status\": 200"), "{report}");
    let link = folder.path().join("link.so");
    std::os::unix::fs::symlink(built().plugin("drift"), &link).expect("a link");
    assert_eq!(findings(&link, &[]).0, ["symlink"]);
    let absent = folder.path().join("absent.so").display().to_string();
    let said = plugins(&["check", &absent]).expect(2);
    assert!(said.err.contains("cannot be read"), "{}", said.err);
    plugins(&["check"]).expect(2);
}

/// A C plugin made from the template, with changes in its text.
fn c_plugin(parent: &Folder, name: &str, changes: &[(&str, &str)]) -> PathBuf {
    let project = new(parent, name, "c");
    let file = project.join(format!("{name}.c"));
    let mut source = std::fs::read_to_string(&file).expect("it is there");
    for (from, to) in changes {
        assert!(source.contains(from), "{from}");
        source = source.replace(from, to);
    }
    std::fs::write(&file, source).expect("it is ours");
    run(Command::new("make").current_dir(&project));
    project.join(format!("{name}.so"))
}

#[test]
fn the_check_finds_what_only_running_shows() {
    let parent = Folder::new("check");
    let constructor = (
        "#include <stdlib.h>",
        "#include <stdlib.h>\n__attribute__((constructor)) static void at_once(void) { abort(); }",
    );
    let file = c_plugin(&parent, "at_load", &[constructor]);
    assert_eq!(findings(&file, &[]).0, ["probe_crashed"]);
    let crash = ("(void)request;", "(void)request; abort();");
    let (codes, report) = findings(&c_plugin(&parent, "at_call", &[crash]), &[]);
    assert!(
        codes.contains(&"crash".to_owned()) && report.contains("SIGABRT"),
        "{report}"
    );
    let name = ("names_requests_total", "ts_wait_ms");
    let (codes, report) = findings(&c_plugin(&parent, "names", &[name]), &[]);
    assert_eq!(
        codes, ["metric_name"; 3],
        "prefix, ending and unit: {report}"
    );
    let config = parent.write("actor.toml", "panic_in = \"new\"\n");
    let config = config.display().to_string();
    let actor = built().plugin("actor");
    let (codes, report) = findings(&actor, &["--plugin-config", &config]);
    assert_eq!(codes, ["create"], "{report}");
    assert!(report.contains("told to panic in new"), "{report}");
}

#[test]
fn a_running_servers_plugins_are_shown_called_and_changed() {
    let host = Host::builder().plugin("drift").plugin("actor").start();
    let list = ask(&host, &["list", "--json"]).expect(0).json();
    let names = list.as_array().expect("a list").iter();
    let names: Vec<&str> = names.filter_map(|one| one["name"].as_str()).collect();
    assert_eq!(names, ["actor", "drift"]);
    assert!(
        ask(&host, &["list"])
            .expect(0)
            .out
            .contains("metrics:/drift")
    );

    let answer = ask(&host, &["call", "drift", "--json"]).expect(0).json();
    assert_eq!(
        (&answer["status"], &answer["body"]),
        (&200.into(), &r#"{"drift":0.02}"#.into())
    );
    assert_eq!(answer["headers"]["content-type"], "application/json");
    let said = ask(&host, &["call", "actor", "/actor/echo?x", "-d", "a body"]).expect(0);
    assert_eq!(
        (said.out.as_str(), said.err.as_str()),
        ("a body", "status 200\n")
    );
    let said = ask(&host, &["call", "drift", "-X", "DELETE"]).expect(1);
    assert!(said.err.contains("status 405"), "{}", said.err);
    let said = ask(&host, &["call", "drift", "/actor"]).expect(1);
    assert!(said.err.contains("no route for /actor"), "{}", said.err);

    let shown = ask(&host, &["show", "drift", "--json"]).expect(0).json();
    assert_eq!(
        (&shown["name"], &shown["generation"]),
        (&"drift".into(), &1.into())
    );
    assert!(
        ask(&host, &["show", "drift"])
            .expect(0)
            .out
            .contains("metrics /drift GET,HEAD")
    );
    assert_eq!(
        ask(&host, &["reload", "drift", "--json"]).expect(0).json()["generation"],
        2
    );
    assert!(
        ask(&host, &["disable", "drift"])
            .expect(0)
            .out
            .contains("drift 0.1.0: disabled")
    );
    let said = ask(&host, &["call", "drift"]).expect(1);
    assert!(said.err.contains("its state is disabled"), "{}", said.err);
    assert_eq!(
        ask(&host, &["enable", "drift", "--json"]).expect(0).json()["state"],
        "started"
    );
    ask(&host, &["call", "drift"]).expect(0);

    for command in ["show", "call", "reload", "enable", "disable"] {
        let said = ask(&host, &[command, "nobody"]).expect(1);
        assert!(
            said.err.contains("answers 404") && said.err.contains("nobody"),
            "{}",
            said.err
        );
        ask(&host, &[command, "no/body"]).expect(2);
        ask(&host, &[command]).expect(2);
    }
    let nobody = ["list", "--management-address", "unix:/nowhere/at/all.sock"];
    assert!(
        plugins(&nobody)
            .expect(1)
            .err
            .contains("is the server running")
    );
}

#[test]
fn a_pinned_file_is_the_only_one_of_its_name_that_loads() {
    let host = Host::builder().plugin("drift").start();
    let file = host.folder().join("plugins/drift.so");
    let lock = host.folder().join("plugins/plugins.lock");
    std::fs::write(&lock, "# ours\n").expect("the folder is ours");
    let path = file.display().to_string();
    let pinned = ask(&host, &["pin", &path, "--json"]).expect(0).json();
    assert_eq!(
        (&pinned[0]["name"], &pinned[0]["replaced"]),
        (&"drift.so".into(), &false.into())
    );
    assert_eq!(pinned[0]["lock"], lock.display().to_string());
    let sha256 = ask(&host, &["show", "drift", "--json"]).expect(0).json()["sha256"].clone();
    assert_eq!(
        pinned[0]["sha256"], sha256,
        "the digest that the loader has"
    );
    let text = std::fs::read_to_string(&lock).expect("it is there");
    assert_eq!(
        text,
        format!(
            "# ours\n{}  drift.so\n",
            sha256.as_str().unwrap_or_default()
        )
    );
    let mode = std::fs::metadata(&lock)
        .expect("it is there")
        .permissions()
        .mode();
    assert_eq!(mode & 0o022, 0, "nobody else may change it: {mode:o}");
    ask(&host, &["reload", "drift"]).expect(0);

    drop_file(&host, &built().plugin("versioned"), "drift.so");
    let said = ask(&host, &["reload", "drift"]).expect(1);
    assert!(said.err.contains("is not the pinned"), "{}", said.err);
    let again = ask(&host, &["pin", &path, "--json"]).expect(0).json();
    assert_eq!(again[0]["replaced"], true);
    let named = host.folder().join("other.lock");
    let option = format!("plugins_lock={}", named.display());
    ask(&host, &["pin", &path, "--set", &option]).expect(0);
    assert!(named.is_file());
    std::fs::write(&named, "nonsense\n").expect("the folder is ours");
    let said = ask(&host, &["pin", &path, "--set", &option]).expect(1);
    assert!(said.err.contains("line 1 is not a sha256"), "{}", said.err);
    ask(&host, &["pin", "/nowhere/at/all.so"]).expect(1);
    ask(&host, &["pin"]).expect(2);
}

#[test]
fn every_command_says_its_exit_codes() {
    for command in [
        "new", "check", "list", "show", "call", "reload", "enable", "disable", "pin",
    ] {
        let help = plugins(&[command, "--help"]).expect(0).out;
        assert!(
            help.contains("Exit codes: 0") && help.contains("--json"),
            "{command}:\n{help}"
        );
    }
}
