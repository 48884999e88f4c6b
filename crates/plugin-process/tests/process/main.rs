//! Plugins in processes of their own: calls, metrics, every way to end, and what comes after.
//!
//! This binary is its own child: started with `__child` it runs the actor, with `__hostile` a child that
//! sends garbage, with `__parent` a host that is going to be killed.
#![allow(
    clippy::print_stdout,
    clippy::str_to_string,
    reason = "a test binary without the usual harness says what it does"
)]
#![allow(clippy::unwrap_used, reason = "this is a test")]

use meterbox_plugin_process::child::{ChildArguments, child_main};

mod actor;
mod bench;
mod calls;
mod children;
mod crashes;
mod host;
mod leaks;
mod libraries;

/// Tests and their names.
type Tests = &'static [(&'static str, fn())];

const GROUPS: &[Tests] = &[calls::TESTS, crashes::TESTS, leaks::TESTS, libraries::TESTS];

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    match arguments.get(1).map(String::as_str) {
        Some("__child") => children::actor(),
        Some("__plugin") => child_main(&ChildArguments {
            memory_bytes: Some(256 << 20),
            ..ChildArguments::default()
        }),
        Some(hostile) if hostile.starts_with("__hostile=") => {
            children::hostile(&hostile["__hostile=".len()..])
        }
        Some("__parent") => children::parent(),
        // The usual harness lists and filters; so much of it is understood here.
        Some("--list") => {
            for (name, _) in GROUPS.iter().copied().flatten() {
                println!("{name}: test");
            }
            return;
        }
        _ => {}
    }
    let wanted = arguments
        .get(1)
        .filter(|argument| !argument.starts_with('-'));
    for (name, test) in GROUPS.iter().copied().flatten() {
        if wanted.is_none_or(|wanted| name.contains(wanted)) {
            let begin = std::time::Instant::now();
            test();
            println!("test {name} ... ok ({:?})", begin.elapsed());
        }
    }
}
