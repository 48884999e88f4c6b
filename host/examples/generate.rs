//! Writes the files that are made from tables in the code, or with `--check` says which are stale.
//!
//! Usage: `generate ROOT [--check]`; `cargo xtask gen` calls it. Exit codes: 0 done or all current,
//! 1 a file is stale or cannot be written, 2 bad usage.

#![forbid(unsafe_code)]

use meterbox_config::render;
use meterbox_telemetry as telemetry;
use std::path::Path;
use std::process::ExitCode;

/// A generated file: where it lies and what makes it.
type Generated = (&'static str, fn() -> String);

const FILES: &[Generated] = &[
    ("config.properties", render::properties),
    ("docs/CONFIG.md", render::markdown),
    ("docs/METRICS.md", telemetry::docs::markdown),
];

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let (root, check) = match arguments.as_slice() {
        [root] => (Path::new(root), false),
        [root, flag] if flag == "--check" => (Path::new(root), true),
        _ => {
            eprintln!("usage: generate ROOT [--check]");
            return ExitCode::from(2);
        }
    };
    let mut code = ExitCode::SUCCESS;
    for (name, make) in FILES {
        let path = root.join(name);
        let text = make();
        if std::fs::read_to_string(&path).is_ok_and(|found| found == text) {
            continue;
        }
        if check {
            eprintln!("{name} is not current: run `cargo xtask gen`");
            code = ExitCode::FAILURE;
        } else if let Err(error) = std::fs::write(&path, text) {
            eprintln!("{}: {error}", path.display());
            code = ExitCode::FAILURE;
        } else {
            eprintln!("wrote {name}");
        }
    }
    code
}
