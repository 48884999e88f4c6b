//! The single checks, each a chore of its own; `ci` runs them in order.

use crate::dist::plugin_names;
use crate::run::{Outcome, cargo, command, output, root, run};

/// `cargo fmt`, or its check.
pub(crate) fn fmt(arguments: &[String]) -> Outcome {
    let mut format = cargo();
    format.args(["fmt", "--all"]);
    if arguments.iter().any(|argument| argument == "--check") {
        format.arg("--check");
    }
    run(&mut format)
}

/// clippy and rustdoc with warnings as errors, then the ten largest files, for information.
pub(crate) fn lint(_arguments: &[String]) -> Outcome {
    run(cargo().args([
        "clippy",
        "--workspace",
        "--all-targets",
        "--quiet",
        "--",
        "-D",
        "warnings",
    ]))?;
    run(cargo().env("RUSTDOCFLAGS", "-D warnings").args([
        "doc",
        "--workspace",
        "--no-deps",
        "--quiet",
    ]))?;
    largest_files()
}

fn largest_files() -> Outcome {
    let listed = output(command("git").args(["ls-files", "*.rs", "*.py"]))?;
    let mut sizes: Vec<(usize, &str)> = listed
        .lines()
        .filter_map(|file| {
            let text = std::fs::read_to_string(root().join(file)).ok()?;
            Some((text.lines().count(), file))
        })
        .collect();
    sizes.sort_unstable_by(|a, b| b.cmp(a));
    eprintln!("largest files:");
    for (lines, file) in sizes.iter().take(10) {
        eprintln!("  {lines:>5} {file}");
    }
    Ok(())
}

/// Every test: units and documentation examples first, then the integration tests.
pub(crate) fn test(arguments: &[String]) -> Outcome {
    run(cargo()
        .args(["test", "--workspace", "--exclude", "meterbox-tests"])
        .args(arguments))?;
    python()?;
    integration(arguments)
}

/// The tests of the worker and the archiver.
fn python() -> Outcome {
    run(command("python3")
        .args(["-B", "-m", "unittest", "discover", "-s"])
        .arg(root().join("python/tests")))
}

/// The integration tests; they build the host and the plugins they load.
pub(crate) fn integration(arguments: &[String]) -> Outcome {
    run(cargo()
        .args(["test", "--package", "meterbox-tests"])
        .args(arguments))
}

/// Builds the plugins and runs their tests, nothing else.
pub(crate) fn plugins(arguments: &[String]) -> Outcome {
    let mut build = cargo();
    build.arg("build");
    let mut test = cargo();
    test.arg("test");
    for name in plugin_names()? {
        let package = format!("meterbox-plugin-{name}");
        build.args(["--package", &package]);
        test.args(["--package", &package]);
    }
    run(build.args(arguments))?;
    run(test.args(arguments))
}

/// Rewrites the files that are made from tables in the code, or says which are not current.
pub(crate) fn generate(arguments: &[String]) -> Outcome {
    let check = arguments.iter().any(|argument| argument == "--check");
    let mut generate = cargo();
    generate.args([
        "run",
        "--quiet",
        "--package",
        "meterbox",
        "--example",
        "generate",
        "--",
    ]);
    generate.arg(root());
    if check {
        generate.arg("--check");
    }
    run(&mut generate)
}

/// The golden tests: the border's layout, then whole answers; `--bless` rewrites what they compare with.
pub(crate) fn golden(arguments: &[String]) -> Outcome {
    for (package, tests) in [
        ("meterbox-plugin-abi", ["layout"].as_slice()),
        ("meterbox-tests", &["golden", "golden_pages"]),
    ] {
        let mut golden = cargo();
        golden.args(["test", "--package", package]);
        golden.args(tests.iter().flat_map(|test| ["--test", test]));
        if arguments.iter().any(|argument| argument == "--bless") {
            golden.env("BLESS", "1");
        }
        run(&mut golden)?;
    }
    Ok(())
}

/// The benchmarks, in release, each beside its reference in the same run.
pub(crate) fn bench(arguments: &[String]) -> Outcome {
    crate::dist::dist(&[])?;
    let mut bench = cargo();
    bench.args([
        "run",
        "--release",
        "--quiet",
        "--package",
        "meterbox-bench",
        "--",
    ]);
    if arguments.is_empty() {
        bench.arg("all");
    }
    run(bench.args(arguments))
}
