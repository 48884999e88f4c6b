//! How a command ends: exit codes, and what is said about a failure.

use meterbox_config::LoadError;
use std::error::Error;
use std::io::Write;
use std::process::ExitCode;

/// How a command ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// Done: exit code 0.
    Done,
    /// Failed at run time, or findings: exit code 1.
    Failed,
    /// Refused, bad usage or configuration: exit code 2.
    Refused,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(match exit {
            Exit::Done => 0,
            Exit::Failed => 1,
            Exit::Refused => 2,
        })
    }
}

/// Why a command did not do what it was asked for.
#[derive(Debug)]
pub struct Failure {
    /// How the process ends.
    pub exit: Exit,
    /// What is printed, with its chain of sources; nothing if it was said already.
    error: Option<Box<dyn Error + Send + Sync>>,
}

impl Failure {
    /// Something failed at run time.
    pub fn failed(error: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self {
            exit: Exit::Failed,
            error: Some(error.into()),
        }
    }

    /// The usage or the configuration is refused.
    pub fn refused(error: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self {
            exit: Exit::Refused,
            error: Some(error.into()),
        }
    }

    /// What there is to say was said already.
    #[must_use]
    pub fn said(exit: Exit) -> Self {
        Self { exit, error: None }
    }

    /// Prints the error and its sources, one line each.
    pub(super) fn print(&self, out: &mut dyn Write) {
        let mut next: Option<&dyn Error> = self.error.as_deref().map(|error| error as &dyn Error);
        let mut printed = String::new();
        while let Some(error) = next {
            let text = error.to_string();
            // Many errors repeat their source in their own text.
            if !printed.contains(&text) {
                printed += if printed.is_empty() {
                    ""
                } else {
                    "\n  because "
                };
                printed += &text;
            }
            next = error.source();
        }
        if !printed.is_empty() {
            // Nowhere is left to say that standard error is closed.
            drop(writeln!(out, "{printed}"));
        }
    }
}

impl From<LoadError> for Failure {
    fn from(error: LoadError) -> Self {
        Self::refused(error)
    }
}

#[cfg(test)]
mod tests {
    use super::Failure;

    #[derive(Debug, thiserror::Error)]
    #[error("cannot listen on http://127.0.0.1:8080")]
    struct Outer(#[source] std::io::Error);

    fn printed(failure: &Failure) -> String {
        let mut out = Vec::new();
        failure.print(&mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn the_chain_of_an_error_is_printed_once() {
        let failure = Failure::failed(Outer(std::io::Error::other("address in use")));
        let expect = "cannot listen on http://127.0.0.1:8080\n  because address in use\n";
        assert_eq!(printed(&failure), expect);
    }

    #[test]
    fn a_source_that_the_error_repeats_is_not_printed_again() {
        let error = meterbox_config::LoadError::Unreadable {
            path: "absent.properties".into(),
            named_by: "--config",
            source: std::io::Error::other("no such file"),
        };
        let expect = "absent.properties: no such file (--config names this file)\n";
        assert_eq!(printed(&error.into()), expect);
    }

    #[test]
    fn what_was_said_already_is_not_said_again() {
        assert_eq!(printed(&Failure::said(super::Exit::Failed)), "");
    }
}
