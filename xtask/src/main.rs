//! `cargo xtask`: every chore of the repository behind one door.
//!
//! `dist` and `serve` build and run the product, `ci` is exactly what continuous integration runs, the
//! others are its single steps. Standard library only, so that the door opens in seconds on a fresh
//! machine. It knows no test and no format of its own: it runs cargo, Python and the host.
#![forbid(unsafe_code)]

mod advisories;
mod chores;
mod ci;
mod dist;
mod faults;
mod files;
mod run;
mod sdk;
mod tools;

use std::process::ExitCode;

/// A chore: its name, what it does, the function behind it.
type Chore = (&'static str, &'static str, fn(&[String]) -> run::Outcome);

/// One row per chore.
const CHORES: &[Chore] = &[
    (
        "dist",
        "build the release into target/dist, ready to be copied anywhere",
        dist::dist,
    ),
    (
        "serve",
        "dist, then run `meterbox serve` there (further arguments go to it)",
        dist::serve,
    ),
    (
        "sdk",
        "write the SDK of plugin authors into target/dist/sdk, as dist does",
        dist::sdk,
    ),
    (
        "ci",
        "install what the checks need, then run all of them",
        ci::ci,
    ),
    ("fmt", "format the code (`--check` only looks)", chores::fmt),
    (
        "lint",
        "clippy without warnings, the docs without warnings, the ten largest files",
        chores::lint,
    ),
    (
        "test",
        "unit tests of every crate and plugin, then the integration tests",
        chores::test,
    ),
    (
        "plugins",
        "build and test the plugins alone",
        chores::plugins,
    ),
    (
        "gen",
        "rewrite the generated files (`--check` fails if one is not current)",
        chores::generate,
    ),
    (
        "golden",
        "run the golden tests; `--bless` rewrites their files",
        chores::golden,
    ),
    (
        "faults",
        "do every fault to a running server (`plugins [--only F17] [--quick] [--json] [--seed N]`)",
        faults::faults,
    ),
    (
        "advisories",
        "compare Cargo.lock with a checkout of the RustSec database (`[FOLDER]`, else ADVISORY_DB)",
        advisories::advisories,
    ),
    (
        "bench",
        "run the benchmarks beside their references (arguments choose rows)",
        chores::bench,
    ),
];

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let Some(name) = arguments.first() else {
        help();
        return ExitCode::from(2);
    };
    if matches!(name.as_str(), "help" | "--help" | "-h") {
        help();
        return ExitCode::SUCCESS;
    }
    let Some((_, _, chore)) = CHORES.iter().find(|(known, ..)| known == name) else {
        eprintln!("xtask: no chore is called \"{name}\"");
        help();
        return ExitCode::from(2);
    };
    match chore(&arguments[1..]) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("xtask {name}: {failure}");
            ExitCode::FAILURE
        }
    }
}

fn help() {
    eprintln!("cargo xtask <chore> [arguments]\n");
    for (name, what, _) in CHORES {
        eprintln!("  {name:<10} {what}");
    }
}
