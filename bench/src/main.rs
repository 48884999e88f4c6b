//! `meterbox-bench`: one subcommand per benchmark group, each beside a reference in the same run.
//!
//! Run with `cargo run --release -p meterbox-bench -- <group>`. The groups are rows of one table; a
//! group prints its own figures and never decides whether a build passes.
#![forbid(unsafe_code)]
#![allow(clippy::print_stdout, reason = "a benchmark's output is its result")]

mod border;
mod exposition;
mod floor;
mod instruments;
mod isolation;
mod load;
mod measure;
mod predictions;
mod server;
mod serving;
mod store;

use std::process::ExitCode;

/// One group of benchmarks.
struct Group {
    name: &'static str,
    about: &'static str,
    run: fn(&[String]),
}

/// Every group, in the order in which `all` runs them.
const GROUPS: &[Group] = &[
    Group {
        name: "border",
        about: "pages over the real border, beside the same encoder linked; `small` leaves out the million lines",
        run: border::run,
    },
    Group {
        name: "exposition",
        about: "the encoder by itself; `small` leaves out the million lines",
        run: exposition::run,
    },
    Group {
        name: "instruments",
        about: "counter, histogram and look-up by labels, one and two threads",
        run: instruments::run,
    },
    Group {
        name: "store",
        about: "bytes a series, reading and making series at a million",
        run: store::run,
    },
    Group {
        name: "serving",
        about: "start, pages and predictions of the whole server in target/dist; `predictions [dist]...` leaves out the rest",
        run: serving::run,
    },
    Group {
        name: "isolation",
        about: "calls, pages, crashes, reloads and a hundred plugins in the host and in children",
        run: isolation::run,
    },
];

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let wanted = arguments.first().map_or("", String::as_str);
    let rest = arguments.get(1..).unwrap_or_default();
    if wanted == "floor-server" {
        // The reference of the HTTP rows runs in a process of its own: this program, called again.
        floor::serve(rest);
        return ExitCode::SUCCESS;
    }
    let mut found = false;
    for group in GROUPS
        .iter()
        .filter(|group| wanted == "all" || group.name == wanted)
    {
        found = true;
        (group.run)(rest);
    }
    if found {
        return ExitCode::SUCCESS;
    }
    println!("usage: meterbox-bench <group> [options]\n");
    for group in GROUPS {
        println!("  {:<14} {}", group.name, group.about);
    }
    println!("  {:<14} every group", "all");
    ExitCode::from(2)
}
