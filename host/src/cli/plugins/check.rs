//! `meterbox plugins check`: prints what a server would say about a file.

use super::{CheckArguments, pretty};
use crate::cli::exit::{Exit, Failure};
use crate::cli::print;
use crate::tools::check::examine;

/// Checks one file and prints what was found.
///
/// # Errors
/// The file cannot be read at all, or there are findings.
pub(super) fn check(check: &CheckArguments) -> Result<(), Failure> {
    let program = std::env::current_exe().map_err(Failure::failed)?;
    let report =
        examine(&check.file, check.plugin_config.as_deref(), &program).map_err(Failure::refused)?;
    print(&if check.json {
        pretty(&report.json())
    } else {
        report.text()
    });
    if report.findings.is_empty() {
        Ok(())
    } else {
        Err(Failure::said(Exit::Failed))
    }
}
