//! A plugin in C that uses everything in the header, and tables that nothing should be called of.
//!
//! Without a C compiler nothing is tested, and a line says so.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod support;

use meterbox_plugin_abi::gather::{Filter, GatherSource, Kind};
use meterbox_plugin_abi::testing::{
    FakeHost, FakeRequest, Pushes, Recorder, Seen, TestFamily, TestSource,
};
use meterbox_plugin_abi::{
    Fact, Failure, Host, PluginObject, Reply, ReplyWatch, Request, Responder, Roles, Row, Status,
    Table, Verdict, events, models,
};
use meterbox_plugin_files::{self as file, Reason, Refusal};
use meterbox_plugin_loader::load::Loaded;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;
use support::{folder, policy, verified};

/// Builds the exercise as `<name>.so`; false, with a line, where there is no such compiler.
fn build(folder: &Path, compiler: &str, name: &str, arguments: &[&str]) -> bool {
    let package = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut command = Command::new(compiler);
    command
        .args([
            "-Wall",
            "-Wextra",
            "-Werror",
            "-pedantic",
            "-shared",
            "-fPIC",
        ])
        .args(arguments)
        .arg("-I")
        .arg(package.join("../../plugin-api/c"))
        .arg("-o")
        .arg(folder.join(format!("{name}.so")))
        .arg(package.join("tests/c/exercise.c"));
    let Ok(output) = command.output() else {
        #[allow(clippy::print_stderr, reason = "says why nothing was tested")]
        {
            eprintln!("skipped: there is no {compiler}");
        }
        return false;
    };
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{errors}");
    true
}

fn load(folder: &Path, name: &str) -> Result<Loaded, Refusal> {
    Loaded::load(verified(folder, &format!("{name}.so")))
}

fn created(folder: &Path, name: &str, host: &Arc<FakeHost>) -> PluginObject {
    let loaded = load(folder, name).unwrap();
    assert_eq!(loaded.origin().metadata.api, "c-1.0");
    loaded.create(Host::of(host.clone()), "{}").unwrap()
}

fn reply() -> (Responder, ReplyWatch, Recorder) {
    let recorder = Recorder::default();
    let (responder, watch) = Reply::over(recorder.sink());
    (responder, watch, recorder)
}

/// A host with a fact, a model and two families, that offers no end of timers.
fn exercise_host() -> Arc<FakeHost> {
    let host = FakeHost::default();
    host.set_fact(Fact::HOSTNAME, "a-rather-long-1");
    let model = Row::new().text(models::NAME, "noop");
    host.add_model(model.number(models::WORKERS_READY, 2.0));
    host.refuse("stop_timer", Failure::unsupported("a timer"));
    let mut one = TestFamily::new(Kind::GAUGE, "one").value("a=\"b\"", 4.5);
    one.segment.structure = 77;
    let two = TestFamily::new(Kind::HISTOGRAM, "two").bounds(&[1.0]);
    let two = two.histogram("a=\"b\"", &[3, 0], 1.5);
    host.show(TestSource::of(vec![one, two]));
    Arc::new(host)
}

/// A request with ten bytes of body.
fn request(rest: &str) -> Request {
    let request = FakeRequest::new("PUT", &format!("/exercise{rest}?a=b"))
        .header("x-color", "red")
        .header("x-shape", "round")
        .body([0; 10])
        .time_left(Duration::from_micros(5));
    Request::of(Arc::new(request))
}

/// What a request for `rest` was answered.
fn ask(plugin: &PluginObject, rest: &'static str) -> Vec<String> {
    let (responder, watch, recorder) = reply();
    watch.returned(&plugin.call(7, request(rest), responder));
    recorder.taken()
}

/// The lines that the plugin said about `rest`, each as `name=value`.
fn said(plugin: &PluginObject, rest: &'static str) -> String {
    let answered = ask(plugin, rest);
    let [head, text, end] = &answered[..] else {
        panic!("no whole answer: {answered:?}");
    };
    assert_eq!((head.as_str(), end.as_str()), ("head 200", "end"));
    text.clone()
}

#[track_caller]
fn has(said: &str, lines: &[&str]) {
    for line in lines {
        assert!(said.lines().any(|found| found == *line), "{line}:\n{said}");
    }
}

fn everything(plugin: &PluginObject, host: &Arc<FakeHost>) {
    let roles = plugin.roles();
    let all = [
        Roles::ENDPOINT,
        Roles::COLLECTOR,
        Roles::EXPORTER,
        Roles::LISTENER,
    ];
    assert!(all.into_iter().all(|role| roles.has(role)), "{roles:?}");
    let routes = plugin.routes().unwrap();
    assert_eq!(routes.len(), 1, "{routes:?}");
    assert_eq!((routes[0].id, routes[0].pattern.as_str()), (7, "exercise"));
    plugin.start().unwrap();

    answers(plugin, host);
    collects_listens_and_exports(plugin, host);
}

fn answers(plugin: &PluginObject, host: &Arc<FakeHost>) {
    let metrics = said(plugin, "/metrics");
    has(
        &metrics,
        &["register=0", "series=0", "too_many_values=2", "remove=0"],
    );
    has(
        &metrics,
        &["sentence=metric exercise_seconds has 1 labels, not 0"],
    );
    let head = host.store().head("exercise_seconds").unwrap();
    assert_eq!(head.bounds, [1.0, 2.0]);
    let changes = host.store().changes();
    let expected = [
        "add 3",
        "add 0.5",
        "set 4",
        "observe 1.5",
        "merge [1, 0, 2] 9",
    ];
    assert_eq!(changes, expected);

    let abuse = said(plugin, "/abuse");
    for line in abuse.lines() {
        let expected = if line.starts_with("null_table") {
            "0"
        } else {
            "2"
        };
        assert_eq!(line.split('=').next_back(), Some(expected), "{line}");
    }
    assert_eq!(abuse.lines().count(), 9, "{abuse}");

    let facts = said(plugin, "/facts");
    let lines = [
        "method=PUT",
        "path=/exercise/facts",
        "query=a=b",
        "peer=127.0.0.1:9",
        "header=red",
    ];
    has(&facts, &lines);
    let lines = [
        "no_header=0",
        "name=x-color",
        "name=x-shape",
        "left=5000",
        "fact=15",
    ];
    has(&facts, &lines);
    has(
        &facts,
        &[
            "cut=a-rathe",
            "no_fact=0",
            "clock=1.76723e+18",
            "enabled=1",
            "models=0",
            "rows=1",
        ],
    );
    has(
        &facts,
        &[
            "model=noop",
            "ready=2",
            "no_row=0",
            "subscribe=0",
            "timer=0",
            "no_timer=11",
        ],
    );
    assert_eq!(host.subscribed(), events::EventKinds(65));

    has(&said(plugin, "/body"), &["no_room=2", "body=10"]);
    let gathered = said(plugin, "/gather");
    has(
        &gathered,
        &[
            "gather=0",
            "family=one",
            "labels=a=\"b\"",
            "last=4.5",
            "structure=77",
        ],
    );
    has(
        &gathered,
        &[
            "family=two",
            "bounds=1",
            "first_bucket=3",
            "sum=1.5",
            "has_bounds=1",
        ],
    );
    assert_eq!(host.asked(), ["one", "two_sum"]);

    assert_eq!(
        ask(plugin, "/forget"),
        ["fail 500 the plugin returned without an answer"]
    );
    assert_eq!(ask(plugin, "/fail"), ["fail 409 it clashes"]);
    assert_eq!(
        ask(plugin, "/wordless"),
        ["fail 429 the plugin gave no reason"]
    );
    assert_eq!(ask(plugin, "/refuse"), ["fail 418 no coffee"]);
    assert_eq!(ask(plugin, "/ended"), ["head 200", "done", "end"]);
    let head = ask(plugin, "/head").join("|");
    let expected =
        "head 201 x-a|first\n|status=0\nbad_status=2\nheader=0\nbad_header=2\nclosed=0\n";
    assert!(head.starts_with(expected), "{head}");

    for (id, ended) in [
        (1, "head 200|later|end"),
        (2, "fail 500 the plugin dropped"),
    ] {
        let (responder, watch, recorder) = reply();
        watch.returned(&plugin.call(7, request("/later"), responder));
        assert_eq!(recorder.taken(), [""; 0], "it is kept");
        plugin.on_timer(id).unwrap();
        let taken = recorder.taken().join("|");
        assert!(taken.starts_with(ended), "{taken}");
    }
    let (responder, _watch, _recorder) = reply();
    let nowhere = plugin.call(8, request(""), responder);
    assert_eq!(
        nowhere.unwrap_err(),
        Failure::new(Status::NOT_FOUND, "no such route")
    );
}

fn collects_listens_and_exports(plugin: &PluginObject, host: &Arc<FakeHost>) {
    let mut body = Seen::default();
    let refused = plugin.collect(&Filter::ALL, &mut body).unwrap_err();
    assert_eq!(refused.status, Status::INVALID);
    assert!(
        refused.message.contains("does not fit total, a summary"),
        "{refused}"
    );
    let lines = body.lines();
    assert_eq!(lines[..2], ["family many", "segment 256"]);
    assert_eq!(
        lines[2..6],
        ["segment 44", "family spread", "segment 1", "family total"]
    );
    assert!(
        body.text().starts_with(r#"n="0\"\\\n"n="1\"\\\n"n="2"#),
        "{}",
        body.text()
    );
    assert!(body.text().ends_with(r#"n="299\"\\\n""#));
    let mut wanted = Seen::default();
    plugin
        .collect(
            &Filter {
                names: &["spread_sum"],
            },
            &mut wanted,
        )
        .unwrap_err();
    assert_eq!(wanted.lines(), ["family spread", "segment 1"]);
    let mut enough = Seen::stopping_after(1);
    plugin.collect(&Filter::ALL, &mut enough).unwrap();
    assert_eq!(enough.lines(), ["family many"]);

    let row = Row::new().text(events::PATH, "/predictions/noop");
    plugin.on_events(Table::of(Arc::new(vec![row]))).unwrap();
    assert!(
        host.lines()
            .contains(&"debug: /predictions/noop".to_owned())
    );

    let mut pushes = Pushes::default();
    plugin
        .export(host.as_ref() as &dyn GatherSource, &mut pushes)
        .unwrap();
    let [pushed] = &pushes.0[..] else {
        panic!("{:?}", pushes.0);
    };
    assert!(
        pushed.starts_with("PUT http://127.0.0.1/in x-kind=test family=one"),
        "{pushed}"
    );
    let drop = plugin.classify(503, b"long").unwrap();
    assert_eq!(drop, (Verdict::DROP, "too wordy".to_owned()));
    assert_eq!(plugin.classify(503, b"").unwrap().0, Verdict::RETRY);
    assert!(plugin.classify(0, b"").is_err());
}

#[test]
fn a_plugin_uses_everything_from_c_and_gives_everything_back() {
    let folder = folder("everything");
    if !build(&folder, "cc", "exercise", &["-std=c99"]) {
        return;
    }
    let host = exercise_host();
    let plugin = created(&folder, "exercise", &host);
    everything(&plugin, &host);
    drop(plugin);
    assert_eq!(host.lines().last().unwrap(), "info: destroyed");
    assert_eq!(host.store().holders(), 0, "all instruments were given back");
    assert_eq!(Arc::strong_count(&host), 1, "the host was given back");
}

#[test]
fn the_same_source_is_a_plugin_in_cplusplus() {
    let folder = folder("cplusplus");
    let arguments = [
        "-x",
        "c++",
        "-std=c++11",
        "-static-libstdc++",
        "-static-libgcc",
    ];
    if !build(&folder, "g++", "exercise", &arguments) {
        return;
    }
    let host = exercise_host();
    everything(&created(&folder, "exercise", &host), &host);
}

#[test]
fn a_smaller_table_of_an_older_header_has_just_what_it_has() {
    let folder = folder("older");
    let size = "-DTABLE_SIZE=offsetof(meterbox_plugin_v1, call) + 4";
    if !build(&folder, "cc", "exercise", &[size]) {
        return;
    }
    let host = exercise_host();
    let plugin = created(&folder, "exercise", &host);
    assert_eq!(
        plugin.roles(),
        Roles::ENDPOINT,
        "its routes are there, half a call is not"
    );
    let refused = ["fail 501 an endpoint is not offered here"];
    assert_eq!(ask(&plugin, "/facts"), refused);
    assert_eq!(plugin.on_timer(1).unwrap_err().status, Status::UNSUPPORTED);
    plugin.start().unwrap();
    assert_eq!(plugin.classify(200, b"").unwrap().0, Verdict::BY_STATUS);
}

#[test]
fn what_the_plugin_says_of_its_configuration_is_the_failure() {
    let folder = folder("configured");
    if !build(&folder, "cc", "exercise", &[]) {
        return;
    }
    let loaded = load(&folder, "exercise").unwrap();
    let refused = loaded.create(Host::of(exercise_host()), r#"{"a":1}"#);
    let failure = refused.map(drop).unwrap_err();
    let expected = Failure::new(Status::INVALID, "exercise takes no configuration");
    assert_eq!(failure, expected);
}

#[test]
fn damaged_tables_and_other_versions_are_refused_in_one_sentence() {
    let folder = folder("damaged");
    let json = |json: &str| format!("-DMETADATA=METERBOX_PLUGIN_METADATA_JSON({json:?})");
    let rust = format!(
        r#"{{"name":"x","version":"1","api":"{}","panic":"unwind"}}"#,
        meterbox_plugin_abi::API_VERSION
    );
    let table: [(&str, String, Reason, &str); 4] = [
        (
            "size",
            "-DTABLE_SIZE=16".into(),
            Reason::Header,
            "has 40 bytes or more, not 16",
        ),
        (
            "create",
            "-DCREATE=NULL".into(),
            Reason::Header,
            "has no create",
        ),
        (
            "major",
            "-DAPI_MAJOR=2".into(),
            Reason::Api,
            "the C api 2.0, this host has 1.0",
        ),
        (
            "rust",
            json(&rust),
            Reason::BadMetadata,
            "states other metadata than its file",
        ),
    ];
    for (name, argument, reason, words) in table {
        // What is left out is unused, which is no fault here.
        let arguments = [argument.as_str(), "-Wno-unused-function"];
        if !build(&folder, "cc", name, &arguments) {
            return;
        }
        let refusal = load(&folder, name).err().expect(name);
        assert_eq!(refusal.reason, reason, "{refusal}");
        assert!(refusal.text.contains(words), "{refusal}");
        assert_eq!(refusal.text.lines().count(), 1, "{refusal}");
    }
    let newer = r#"{"name":"x","version":"1","api":"c-2.0"}"#;
    build(&folder, "cc", "newer", &[&json(newer)]);
    let candidate = file::Candidate {
        folder: folder.clone(),
        file_name: "newer.so".into(),
    };
    let refusal = file::verify(&candidate, &policy()).unwrap_err();
    assert_eq!(refusal.reason, Reason::Api);
    let words = "needs plugin api c-2.0, this host has c-1.0";
    assert!(refusal.text.contains(words), "{refusal}");
}
