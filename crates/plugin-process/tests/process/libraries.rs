//! Real libraries, loaded in a confined child: a good one, and one with every fault.

use crate::bench::{Bench, get, quick, spawner};
use crate::host::{Watcher, host};
use meterbox_plugin_files::{ApiVersion, Candidate, Policy, Verified, verify};
use meterbox_plugin_loader::load::Origin;
use meterbox_plugin_process::parent::{ChildCommand, Isolated, Plugin, ProcessSettings};
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

pub(crate) const TESTS: crate::Tests = &[
    ("a_real_library_runs_in_a_confined_child", good),
    ("every_fault_of_a_library_stays_in_its_child", faults),
];

/// The library of a package of this workspace.
fn library(package: &str) -> Verified {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let built = Command::new(env!("CARGO"))
        .current_dir(&root)
        .args(["build", "--quiet", "-p", package])
        .status();
    assert!(built.unwrap().success(), "{package}");
    // CARGO_TARGET_TMPDIR is <target>/tmp; a plain build of the same tree writes beside it.
    let temporary = Path::new(env!("CARGO_TARGET_TMPDIR"));
    let name = package.replace('-', "_");
    let folder = temporary.join(format!("{name}-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let file_name = format!("{name}.so");
    let built = temporary.join(format!("../debug/lib{file_name}"));
    std::fs::copy(built, folder.join(&file_name)).unwrap();
    let candidate = Candidate {
        folder: folder.clone(),
        file_name: file_name.into(),
    };
    let api = ApiVersion::parse(meterbox_plugin_abi::API_VERSION).unwrap();
    let verified = verify(&candidate, &Policy::new(api)).unwrap();
    std::fs::remove_dir_all(&folder).unwrap();
    verified
}

fn bench(package: &str, settings: ProcessSettings) -> Bench {
    let verified = library(package);
    let host = host();
    let plugin = Plugin {
        origin: Arc::new(Origin::of(&verified)),
        file: verified.copy.share().unwrap(),
        name: verified.metadata.name.clone(),
        services: host.clone(),
        config: "{}".to_owned(),
        command: ChildCommand {
            program: std::env::current_exe().unwrap(),
            arguments: vec!["__plugin".into()],
        },
        settings,
        observer: Arc::new(Watcher(host.clone())),
        host_version: "1".to_owned(),
    };
    let isolated = Isolated::new(plugin, &spawner());
    let object = isolated.create().unwrap();
    object.start().unwrap();
    Bench {
        isolated,
        host,
        route: object.routes().unwrap()[0].id,
        object: Some(object),
    }
}

fn good() {
    let bench = bench("meterbox-plugin-drift", quick());
    for _ in 0..3 {
        assert_eq!(bench.get("").text(), r#"{"drift":0.02}"#);
    }
    bench.isolated.harvest();
    assert_eq!(bench.host.held("drift_checks_total").value, 3.0);
    bench.stop();
}

fn faults() {
    let settings = ProcessSettings {
        entry_limit: Duration::from_millis(200),
        ..quick()
    };
    let bench = bench("meterbox-fixture-faulty", settings);
    let mut crashes = 0;
    let begin = std::time::Instant::now();
    for (fault, cause) in [
        ("panic_extern_c", "SIGABRT"),
        ("panic_double", "SIGABRT"),
        ("abort", "SIGABRT"),
        ("exit", "exit"),
        ("exit_raw", "exit"),
        ("segv", "SIGSEGV"),
        ("bus", "SIGBUS"),
        ("ill", "SIGILL"),
        ("fpe", "SIGFPE"),
        ("kill", "SIGKILL"),
        ("overflow", "SIG"),
        ("loop", "deadline"),
        ("deadlock", "deadline"),
        ("hang", "deadline"),
        ("leak", "memory"),
    ] {
        let limit = Duration::from_millis(if cause == "deadline" { 200 } else { 30_000 });
        let (place, _) = bench.begin(get(fault).time_left(limit));
        let answer = place.wait();
        assert_eq!(answer.status, 502, "{fault}: {answer:?}");
        crashes += 1;
        let name = bench.isolated.status().last_crash.unwrap().cause.name();
        assert!(name.starts_with(cause), "{fault}: {name}: {answer:?}");
        bench.wait_up(crashes + 1);
        assert_eq!(bench.get("").text(), "ok", "after {fault}");
    }
    // These come back, or close what the host listens on.
    for fault in ["panic", "leak_fds", "fork", "signals", "close_fds"] {
        let answer = bench.get(fault);
        assert!(
            [200, 500, 502].contains(&answer.status),
            "{fault}: {answer:?}"
        );
        println!("  {fault}: {} {}", answer.text(), answer.message);
        bench.wait_for(|bench| bench.get("").text() == "ok");
    }
    println!("  all of them took {:?}", begin.elapsed());
    bench.stop();
}
