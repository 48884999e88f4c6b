//! What a process of its own costs a plugin: calls, pages, crashes, reloads, many plugins at once.
//!
//! Every row measures the same library in the host's process and in a child of its own, in the same run.

mod calls;
mod crashes;
mod folder;
mod many;
mod pages;
mod reloads;
mod world;

/// The two places where a plugin can run, as the configuration calls them.
const PLACES: [&str; 2] = ["thread", "process"];

/// One row, and what it is called on the command line.
type Row = (&'static str, fn() -> Result<(), String>);

const ROWS: &[Row] = &[
    ("calls", calls::run),
    ("pages", pages::run),
    ("crashes", crashes::run),
    ("reloads", reloads::run),
    ("many", many::run),
];

/// Runs the rows that `arguments` name, or all of them, and prints them.
pub(crate) fn run(arguments: &[String]) {
    let wanted = |name: &str| arguments.is_empty() || arguments.iter().any(|one| one == name);
    for (name, row) in ROWS.iter().filter(|(name, _)| wanted(name)) {
        if let Err(complaint) = row() {
            println!("isolation {name}: {complaint}");
        }
    }
}

/// The middle and the 99th percentile of these times, in microseconds.
fn p50_p99(mut times: Vec<std::time::Duration>) -> (f64, f64) {
    times.sort_unstable();
    let at = |share: f64| {
        let last = times.len().saturating_sub(1);
        let time = times.get((last as f64 * share).round() as usize);
        time.map_or(f64::NAN, |time| time.as_secs_f64() * 1e6)
    };
    (at(0.5), at(0.99))
}

/// The bytes of a library under another name of the same length, wherever it states or uses its name.
fn renamed(library: &[u8], from: &str, to: &str) -> Vec<u8> {
    let mut bytes = library.to_vec();
    let mut at = 0;
    while let Some(found) = bytes[at..]
        .windows(from.len())
        .position(|window| window == from.as_bytes())
    {
        let start = at + found;
        bytes[start..start + to.len()].copy_from_slice(to.as_bytes());
        at = start + to.len();
    }
    bytes
}

fn get(path: &str) -> Vec<u8> {
    format!("GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n").into_bytes()
}

fn post(path: &str) -> Vec<u8> {
    format!("POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\n\r\n").into_bytes()
}
