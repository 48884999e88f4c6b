//! Libraries that kill, end or block whoever opens them, opened in a probe process.
//!
//! This binary is its own probe process: started with `__probe` it is the child.
#![allow(
    clippy::print_stdout,
    reason = "a test binary without the usual harness says what it does"
)]
#![allow(clippy::unwrap_used, reason = "this is a test")]

mod support;

use meterbox_plugin_files::Reason;
use meterbox_plugin_loader::probe::{ProbeCommand, child_main, probe};
use std::path::Path;
use std::time::{Duration, Instant};
use support::{Library, folder, package, verified};

const TESTS: &[(&str, fn())] = &[
    ("a_good_plugin_passes", a_good_plugin_passes),
    (
        "a_library_that_harms_its_opener_harms_only_the_probe",
        harmful_libraries,
    ),
    (
        "the_child_has_no_environment_but_the_copy",
        the_child_has_no_environment,
    ),
];

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    if arguments.iter().any(|argument| argument == "__probe") {
        child_main();
    }
    // The usual harness lists and filters; so much of it is understood here.
    if arguments.iter().any(|argument| argument == "--list") {
        TESTS.iter().for_each(|(name, _)| println!("{name}: test"));
        return;
    }
    let wanted = arguments
        .get(1)
        .filter(|argument| !argument.starts_with('-'));
    for (name, test) in TESTS
        .iter()
        .filter(|(name, _)| wanted.is_none_or(|w| name.contains(w)))
    {
        test();
        println!("test {name} ... ok");
    }
}

fn command() -> ProbeCommand {
    let program = std::env::current_exe().unwrap();
    ProbeCommand {
        program,
        arguments: vec!["__probe".into()],
    }
}

fn refused(folder: &Path, name: &str, limit: Duration) -> (Reason, String) {
    let refusal = probe(&verified(folder, name), &command(), limit).unwrap_err();
    (refusal.reason, refusal.text)
}

fn a_good_plugin_passes() {
    let folder = folder("good");
    package("meterbox-plugin-drift", &folder);
    let verified = verified(&folder, "meterbox_plugin_drift.so");
    let begin = Instant::now();
    probe(&verified, &command(), Duration::from_secs(10)).unwrap();
    println!("  probe took {:?}", begin.elapsed());
}

fn harmful_libraries() {
    let folder = folder("harmful");
    let build = |name: &str, body: &str| Library::new(name).constructor(body).build(&folder);
    build("aborts", "std::process::abort()");
    build("exits", "std::process::exit(0)");
    build(
        "segfaults",
        "unsafe { std::ptr::null_mut::<u8>().write_volatile(1) }",
    );
    build("hangs", "loop { std::thread::park() }");
    build("spoofs", "println!(\"hello\"); std::process::exit(7)");
    Library::new("symbol")
        .code("unsafe extern \"C\" { fn missing_symbol(); }\n")
        .code("#[unsafe(no_mangle)] pub extern \"C\" fn call() { unsafe { missing_symbol() } }\n")
        .link("-Wl,--unresolved-symbols=ignore-all")
        .build(&folder);
    Library::new("bare").build(&folder);
    let long = Duration::from_secs(10);
    for (name, limit, reason, words) in [
        ("aborts.so", long, Reason::ProbeCrashed, "(SIGABRT)"),
        ("exits.so", long, Reason::ProbeExited, "exit code 0"),
        ("segfaults.so", long, Reason::ProbeCrashed, "(SIGSEGV)"),
        (
            "hangs.so",
            Duration::from_millis(300),
            Reason::ProbeTimeout,
            "more than 0.3 s",
        ),
        ("spoofs.so", long, Reason::ProbeExited, "exit code 7"),
        (
            "symbol.so",
            long,
            Reason::Link,
            "undefined symbol: missing_symbol",
        ),
        ("bare.so", long, Reason::NoHeader, "no plugin header"),
    ] {
        let (found, text) = refused(&folder, name, limit);
        assert_eq!(found, reason, "{text}");
        assert!(text.contains(words), "{text}");
        assert!(
            text.starts_with(&folder.join(name).display().to_string()),
            "{text}"
        );
        assert!(!text.contains("/proc/self/fd"), "{text}");
    }
}

fn the_child_has_no_environment() {
    let folder = folder("environment");
    let body = "std::process::exit(if std::env::vars_os().next().is_none() { 40 } else { 41 })";
    Library::new("environment").constructor(body).build(&folder);
    let (_, text) = refused(&folder, "environment.so", Duration::from_secs(10));
    assert!(text.contains("exit code 40"), "{text}");
}
