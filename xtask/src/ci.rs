//! `ci`: everything that must hold before a change lands, cheapest first, stopping at the first failure.

use crate::run::Outcome;
use crate::{advisories, chores, tools};
use std::time::Instant;

/// One check: its name and what it runs.
type Step = (&'static str, fn() -> Outcome);

/// The steps in order.
const STEPS: &[Step] = &[
    ("tools", tools::ensure),
    ("format", || chores::fmt(&["--check".to_owned()])),
    ("advisories", || advisories::advisories(&[])),
    ("lint and docs", || chores::lint(&[])),
    ("generated files", || {
        chores::generate(&["--check".to_owned()])
    }),
    ("tests", || chores::test(&[])),
];

/// Runs every step and prints how long each took.
pub(crate) fn ci(_arguments: &[String]) -> Outcome {
    let start = Instant::now();
    for (name, step) in STEPS {
        eprintln!("== {name}");
        let begun = Instant::now();
        step().map_err(|failure| format!("{name}: {failure}"))?;
        eprintln!("== {name}: done in {:.0} s", begun.elapsed().as_secs_f64());
    }
    eprintln!(
        "== all checks passed in {:.0} s",
        start.elapsed().as_secs_f64()
    );
    Ok(())
}
