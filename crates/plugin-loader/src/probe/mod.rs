//! Opens a verified file in a throw-away process first, so that a file that kills whoever loads it
//! kills nobody else.
//!
//! The child gets the private copy as its standard input, a built environment and a time limit. It
//! opens the library and checks header and layout; it never creates the plugin. Its answer is one
//! JSON line. How the child is started is the caller's business: the host starts itself again.

mod answer;
mod child;
mod process;

pub use child::child_main;

use answer::Answer;
use meterbox_plugin_files::{Language, Reason, Refusal, Verified};
use process::{End, Outcome};
use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

/// How long a probe may take when nothing else is said.
pub const PROBE_LIMIT: Duration = Duration::from_secs(10);

/// The program that calls [`child_main`], and its arguments.
#[derive(Debug, Clone)]
pub struct ProbeCommand {
    /// An absolute path.
    pub program: PathBuf,
    /// Arguments, without the program's own name.
    pub arguments: Vec<OsString>,
}

/// Lets a child open `verified` and reports what came of it.
///
/// Blocks the calling thread for at most about `limit`. A Python program is not opened by any process
/// of the host's kind, so nothing is tried with it.
///
/// # Errors
/// The child's own refusal, or one of the `probe_…` reasons.
pub fn probe(verified: &Verified, command: &ProbeCommand, limit: Duration) -> Result<(), Refusal> {
    if verified.language == Language::Python {
        return Ok(());
    }
    let outcome = process::run(command, &verified.copy, limit)
        .map_err(|error| {
            let text = format!("the probe process could not be started ({error})");
            Refusal::new(Reason::ProbeFailed, text)
        })
        .and_then(|outcome| judge(&outcome, limit));
    outcome.map_err(|refusal| refusal.at(&verified.path))
}

fn judge(outcome: &Outcome, limit: Duration) -> Result<(), Refusal> {
    let said = outcome.said();
    match outcome.end {
        End::TimedOut => Err(Refusal::new(
            Reason::ProbeTimeout,
            format!(
                "loading it took more than {} s in a probe process{said}",
                limit.as_secs_f64()
            ),
        )),
        End::Signal(signal) => Err(Refusal::new(
            Reason::ProbeCrashed,
            format!(
                "loading it killed a probe process ({}){said}",
                signal_name(signal)
            ),
        )),
        End::Exit(code) => match Answer::find(&outcome.output) {
            Some(answer) => answer.into_result(),
            None => Err(Refusal::new(
                Reason::ProbeExited,
                format!("loading it ended a probe process with exit code {code}{said}"),
            )),
        },
    }
}

const SIGNALS: &[(i32, &str)] = &[
    (libc::SIGABRT, "SIGABRT"),
    (libc::SIGBUS, "SIGBUS"),
    (libc::SIGFPE, "SIGFPE"),
    (libc::SIGILL, "SIGILL"),
    (libc::SIGKILL, "SIGKILL"),
    (libc::SIGSEGV, "SIGSEGV"),
    (libc::SIGTERM, "SIGTERM"),
    (libc::SIGXCPU, "SIGXCPU"),
];

fn signal_name(signal: i32) -> String {
    let known = SIGNALS.iter().find(|(number, _)| *number == signal);
    known.map_or_else(
        || format!("signal {signal}"),
        |(_, name)| (*name).to_owned(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outcome(end: End, output: &str, errors: &str) -> Outcome {
        Outcome {
            end,
            output: output.into(),
            errors: errors.into(),
        }
    }

    #[test]
    fn every_end_of_a_child_is_a_reason() {
        let limit = Duration::from_secs(10);
        let good = Answer::line(&Ok(()));
        let bad = Answer::line(&Err(Refusal::new(Reason::Layout, "types differ")));
        let table = [
            (End::Exit(0), good.clone(), None),
            (
                End::Exit(0),
                format!("noise of a constructor\n{good}"),
                None,
            ),
            (End::Exit(1), bad, Some(Reason::Layout)),
            (End::Exit(0), String::new(), Some(Reason::ProbeExited)),
            (
                End::Exit(3),
                "half {\"meter".to_owned(),
                Some(Reason::ProbeExited),
            ),
            (End::Signal(libc::SIGSEGV), good, Some(Reason::ProbeCrashed)),
            (End::TimedOut, String::new(), Some(Reason::ProbeTimeout)),
        ];
        for (end, output, expected) in table {
            let verdict = judge(&outcome(end, &output, ""), limit);
            assert_eq!(
                verdict.err().map(|refusal| refusal.reason),
                expected,
                "{end:?} {output}"
            );
        }
    }

    #[test]
    fn a_crash_names_its_signal_and_the_last_words() {
        let last = outcome(
            End::Signal(libc::SIGABRT),
            "",
            "thread panicked\nfatal: \x1b[31moh\n",
        );
        let refusal = judge(&last, Duration::from_secs(1)).unwrap_err();
        assert_eq!(
            refusal.text,
            "loading it killed a probe process (SIGABRT); it said: fatal: ?[31moh"
        );
    }
}
