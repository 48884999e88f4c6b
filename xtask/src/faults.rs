//! The fault suite in its long form: every fault to a real host under good traffic, a table at the end.

use crate::run::{Outcome, cargo, run};

/// The suites of faults that there are.
const SUITES: &[&str] = &["plugins"];

/// Builds the host in release (in debug with `--quick`, as the tests do) and runs the suite on it.
pub(crate) fn faults(arguments: &[String]) -> Outcome {
    let suite = arguments.first().map_or("plugins", String::as_str);
    if !suite.starts_with('-') && !SUITES.contains(&suite) {
        return Err(format!("no suite is called {suite}: {}", SUITES.join(", ")));
    }
    let mut suite = cargo();
    let quick = arguments.iter().any(|argument| argument == "--quick");
    if !quick {
        suite.env("METERBOX_TEST_PROFILE", "release");
    }
    suite.args([
        "run",
        "--quiet",
        "--package",
        "meterbox-tests",
        "--bin",
        "faults",
        "--",
    ]);
    run(suite.args(arguments))
}
