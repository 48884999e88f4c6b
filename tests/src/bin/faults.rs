//! Runs the fault suite and prints a line for each fault and a table at the end.
//!
//! `faults [plugins] [--only F17,F18] [--quick] [--json] [--seed N]`. Exit code 0 when every fault was
//! survived as promised, 1 when one was not, 2 for bad usage.
#![forbid(unsafe_code)]

use meterbox_tests::faults::{Effort, FAULTS, Fault, Row, Run};
use serde_json::{Value, json};
use std::io::Write;
use std::process::ExitCode;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

/// What to run and how to say it.
struct Options {
    effort: Effort,
    seed: u64,
    json: bool,
    only: Vec<u8>,
}

/// One fault's end.
struct Outcome {
    fault: Fault,
    /// Nothing, or the sentence of the assertion that failed.
    failure: Option<String>,
    row: Row,
    took: Duration,
}

fn main() -> ExitCode {
    let options = match options(std::env::args().skip(1)) {
        Ok(options) => options,
        Err(complaint) => {
            eprintln!("faults: {complaint}");
            return ExitCode::from(2);
        }
    };
    let said = Arc::new(Mutex::new(String::new()));
    let saying = Arc::clone(&said);
    std::panic::set_hook(Box::new(move |panic| {
        let place = panic.location().map(ToString::to_string);
        let text = panic
            .payload_as_str()
            .unwrap_or("a payload that is not text");
        if let Ok(mut said) = saying.lock() {
            *said = format!("{}: {text}", place.unwrap_or_default());
        }
    }));
    let built = meterbox_tests::built();
    eprintln!(
        "the host is {}, seed {}",
        built.meterbox.display(),
        options.seed
    );
    let chosen = FAULTS
        .iter()
        .filter(|fault| options.only.is_empty() || options.only.contains(&fault.number));
    let outcomes: Vec<Outcome> = chosen
        .map(|fault| {
            let outcome = run(fault, &options, &said);
            let verdict = outcome.failure.as_deref().unwrap_or("survived");
            let seconds = outcome.took.as_secs_f64();
            eprintln!(
                "F{:02} {}: {verdict} ({seconds:.1} s)",
                fault.number, fault.name
            );
            outcome
        })
        .collect();
    let text = if options.json {
        as_json(&outcomes, &options)
    } else {
        as_table(&outcomes)
    };
    // Nobody reads: the exit code says it as well.
    let _ = std::io::stdout().lock().write_all(text.as_bytes());
    let failed = outcomes.iter().any(|outcome| outcome.failure.is_some());
    ExitCode::from(u8::from(failed || outcomes.is_empty()))
}

fn options(arguments: impl Iterator<Item = String>) -> Result<Options, String> {
    let mut options = Options {
        effort: Effort::Full,
        seed: 1,
        json: false,
        only: Vec::new(),
    };
    let mut arguments = arguments.peekable();
    arguments.next_if(|first| first == "plugins");
    while let Some(argument) = arguments.next() {
        let mut value = || arguments.next().ok_or(format!("{argument} needs a value"));
        match argument.as_str() {
            "--quick" => options.effort = Effort::Quick,
            "--json" => options.json = true,
            "--seed" => {
                let text = value()?;
                options.seed = text.parse().map_err(|_| format!("{text} is no seed"))?;
            }
            "--only" => {
                for name in value()?.split(',') {
                    let number = name.trim_start_matches(['F', 'f']).parse().ok();
                    let known =
                        number.filter(|number| FAULTS.iter().any(|fault| fault.number == *number));
                    options
                        .only
                        .push(known.ok_or(format!("no fault is called {name}"))?);
                }
            }
            other => {
                return Err(format!(
                    "what is {other}? [plugins] [--only F17,F18] [--quick] [--json] [--seed N]"
                ));
            }
        }
    }
    Ok(options)
}

fn run(fault: &Fault, options: &Options, said: &Mutex<String>) -> Outcome {
    let begin = Instant::now();
    let mut run = Run::new(options.effort, options.seed);
    let whole = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| (fault.run)(&mut run)));
    let words = said.lock().map(|said| said.clone()).unwrap_or_default();
    Outcome {
        fault: *fault,
        failure: whole.err().map(|_| words),
        row: run.row,
        took: begin.elapsed(),
    }
}

fn milliseconds(time: Duration) -> f64 {
    time.as_secs_f64() * 1000.0
}

fn as_table(outcomes: &[Outcome]) -> String {
    let mut text = format!(
        "{:<4} {:<30} {:<8} {:>8} {:>6} {:>15} {:>15} {:>8}  notes\n",
        "", "fault", "result", "good", "failed", "quiet p50/p99", "fault p50/p99", "normal"
    );
    for outcome in outcomes {
        let Outcome {
            fault,
            failure,
            row,
            ..
        } = outcome;
        let result = if failure.is_none() {
            "survived"
        } else {
            "FAILED"
        };
        let pair = |load: meterbox_tests::faults::Load| {
            format!(
                "{:.1}/{:.1}",
                milliseconds(load.p50),
                milliseconds(load.p99)
            )
        };
        text.push_str(&format!(
            "F{:02}  {:<30} {result:<8} {:>8} {:>6} {:>15} {:>15} {:>8.0}  {}\n",
            fault.number,
            fault.name,
            row.good,
            row.failures,
            pair(row.quiet),
            pair(row.under),
            milliseconds(row.recovery),
            row.notes.join("; ")
        ));
    }
    let survived = outcomes
        .iter()
        .filter(|outcome| outcome.failure.is_none())
        .count();
    let good: usize = outcomes.iter().map(|outcome| outcome.row.good).sum();
    let failures: usize = outcomes.iter().map(|outcome| outcome.row.failures).sum();
    text.push_str(&format!(
        "{survived} of {} survived; {good} good requests, {failures} failed; times in ms\n",
        outcomes.len()
    ));
    text
}

fn as_json(outcomes: &[Outcome], options: &Options) -> String {
    let load = |load: meterbox_tests::faults::Load| json!({"requests": load.requests, "p50_ms": milliseconds(load.p50), "p99_ms": milliseconds(load.p99)});
    let rows: Vec<Value> = outcomes
        .iter()
        .map(
            |Outcome {
                 fault,
                 failure,
                 row,
                 took,
             }| {
                json!({
                    "fault": format!("F{:02}", fault.number),
                    "name": fault.name,
                    "survived": failure.is_none(),
                    "failure": failure,
                    "good": row.good,
                    "failures": row.failures,
                    "quiet": load(row.quiet),
                    "under": load(row.under),
                    "recovery_ms": milliseconds(row.recovery),
                    "notes": row.notes,
                    "took_ms": milliseconds(*took),
                })
            },
        )
        .collect();
    let whole = json!({
        "goal": "G1",
        "seed": options.seed,
        "quick": options.effort == Effort::Quick,
        "tried": outcomes.len(),
        "passed": outcomes.iter().filter(|outcome| outcome.failure.is_none()).count(),
        "faults": rows,
    });
    format!("{whole:#}\n")
}
