//! What the checks need beside cargo: found, or installed where we may, or named clearly.
//!
//! Installing needs root and a Debian-like system; elsewhere the message says what to install. It
//! never removes or upgrades anything.

use crate::run::{Outcome, command, root, run, succeeds};
use std::path::PathBuf;

/// A program the checks call, the Debian package that has it, and who needs it.
const PROGRAMS: &[(&str, &str, &str)] = &[
    ("curl", "curl", "the main job is driven by a real curl"),
    (
        "prometheus",
        "prometheus",
        "a real Prometheus scrapes the host",
    ),
    ("promtool", "prometheus", "pages are linted by promtool"),
    (
        "prometheus-node-exporter",
        "prometheus-node-exporter",
        "the system plugin's node set is compared with it",
    ),
    (
        "python3",
        "python3",
        "workers and the strict OpenMetrics parser",
    ),
    (
        "cc",
        "gcc",
        "plugins in C, and libraries that are no plugins",
    ),
    ("g++", "g++", "the C header, compiled as C++"),
    ("make", "make", "new plugin projects in C"),
];

/// The folder of the virtual environment that holds the Python packages of the tests.
pub(crate) fn python_environment() -> PathBuf {
    crate::run::target().join("python-tests")
}

/// Makes every tool of the checks available.
///
/// # Errors
/// Names the missing programs and the packages to install if they cannot be installed from here.
pub(crate) fn ensure() -> Outcome {
    let missing: Vec<_> = PROGRAMS
        .iter()
        .filter(|(program, ..)| !on_path(program))
        .collect();
    if !missing.is_empty() {
        install(&missing)?;
    }
    python_packages()
}

fn on_path(program: &str) -> bool {
    let Some(path) = std::env::var_os("PATH") else {
        return false;
    };
    std::env::split_paths(&path).any(|folder| folder.join(program).is_file())
}

fn install(missing: &[&(&str, &str, &str)]) -> Outcome {
    let mut packages: Vec<&str> = missing.iter().map(|(_, package, _)| *package).collect();
    packages.sort_unstable();
    packages.dedup();
    let needs: Vec<String> = missing
        .iter()
        .map(|(program, _, why)| format!("  {program}: {why}"))
        .collect();
    let advice = format!(
        "these programs are missing:\n{}\ninstall them, on Debian: apt-get install {}",
        needs.join("\n"),
        packages.join(" ")
    );
    let is_root = crate::run::output(command("id").arg("-u")).is_ok_and(|uid| uid.trim() == "0");
    if !is_root || !on_path("apt-get") {
        return Err(advice);
    }
    run(command("apt-get").args(["update", "-qq"]))?;
    run(command("apt-get")
        .env("DEBIAN_FRONTEND", "noninteractive")
        .args(["install", "-y", "-qq", "--no-install-recommends"])
        .args(&packages))
    .map_err(|failure| format!("{failure}\n{advice}"))
}

/// Installs the Python packages of the tests into a virtual environment of their own.
fn python_packages() -> Outcome {
    let environment = python_environment();
    let python = environment.join("bin/python");
    let wanted = root().join("tests/requirements.txt");
    if python.is_file() && succeeds(command(&python).args(["-c", "import prometheus_client"])) {
        return Ok(());
    }
    if !succeeds(
        command("python3")
            .args(["-m", "venv", "--clear"])
            .arg(&environment),
    ) {
        return Err(
            "`python3 -m venv` does not work; on Debian: apt-get install python3-venv".into(),
        );
    }
    run(command(&python)
        .args([
            "-m",
            "pip",
            "install",
            "--quiet",
            "--disable-pip-version-check",
            "-r",
        ])
        .arg(wanted))
}
