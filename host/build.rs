//! Tells the program which compiler and which revision it was built from, where that can be known.

#![allow(
    clippy::print_stdout,
    reason = "cargo reads what a build script prints"
)]

use std::process::Command;

fn main() {
    let rustc = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let version = said(Command::new(rustc).arg("--version"));
    // "rustc 1.95.0 (59807616e 2026-04-14)" -> "1.95.0"
    let version = version.split(' ').nth(1).unwrap_or_default();
    println!("cargo::rustc-env=METERBOX_RUSTC={version}");
    let revision = said(Command::new("git").args(["rev-parse", "--short=12", "HEAD"]));
    println!("cargo::rustc-env=METERBOX_REVISION={revision}");
}

/// What a command prints, or nothing: a build from an unpacked archive has no git.
fn said(command: &mut Command) -> String {
    let output = command
        .output()
        .ok()
        .filter(|output| output.status.success());
    let text = output.and_then(|output| String::from_utf8(output.stdout).ok());
    text.unwrap_or_default().trim().to_owned()
}
