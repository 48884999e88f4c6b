//! F23 to F26: plugins that take more than they may.

use super::census::{is_alive, resident_bytes};
use super::run::Run;
use super::scene::{Scene, faulty_serves, with_faulty};
use crate::HostBuilder;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

const MEMORY_BYTES_MAX: u64 = 128 << 20;
/// What the host may grow while a plugin misbehaves: a few replies in flight, not what it was sent.
const GROWTH_BYTES_MAX: u64 = 64 << 20;

fn frugal() -> HostBuilder {
    with_faulty()
        .line("plugin_crashes_max=1000")
        .line(format!("plugin.faulty.memory_bytes_max={MEMORY_BYTES_MAX}"))
}

/// Asserts that the host did not grow with what the plugin took.
#[track_caller]
fn grew_little(scene: &mut Scene<'_>, before: u64) {
    let grown = resident_bytes(scene.host.pid()).saturating_sub(before);
    assert!(grown <= GROWTH_BYTES_MAX, "the host grew by {grown} bytes");
    scene.run.note(format!("host grew {} MiB", grown >> 20));
}

/// F23: it takes memory until its limit ends it.
pub(super) fn leak(run: &mut Run) {
    let mut scene = Scene::open_faulty(run, frugal());
    let before = resident_bytes(scene.host.pid());
    scene.fault_begins();
    let answer = scene.ask("leak");
    assert_eq!(answer.status, 502, "{}", answer.text());
    scene.recovers(faulty_serves);
    assert!(scene.counted("meterbox_plugin_crashes_total", &[("plugin", "faulty")]) >= 1.0);
    grew_little(&mut scene, before);
    scene.close(faulty_serves);
}

/// F24: replies without an end: cut at the cap, 502 while nothing was sent yet.
pub(super) fn giant_reply(run: &mut Run) {
    let mut scene = Scene::open_faulty(run, with_faulty().line("plugin_crashes_max=1000"));
    let before = resident_bytes(scene.host.pid());
    scene.fault_begins();
    for fault in ["giant_at_once", "giant", "endless"] {
        let got = read_all(&scene, fault);
        assert!(got.bytes <= 20 << 20, "{fault}: {} bytes came", got.bytes);
        assert!(
            got.status == 502 || !got.complete,
            "{fault}: a cut reply looks whole"
        );
    }
    grew_little(&mut scene, before);
    scene.close(faulty_serves);
}

struct Got {
    status: u16,
    bytes: usize,
    /// Whether the last chunk came.
    complete: bool,
}

/// Reads a reply without keeping it.
#[track_caller]
fn read_all(scene: &Scene<'_>, fault: &str) -> Got {
    let address = scene.host.metrics();
    let mut stream = TcpStream::connect(address).expect("the listener is there");
    let limit = stream.set_read_timeout(Some(Duration::from_secs(60)));
    limit.expect("it is no zero");
    let head =
        format!("GET /faulty/{fault} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n");
    stream
        .write_all(head.as_bytes())
        .expect("the listener reads");
    let (mut got, mut end) = (
        Got {
            status: 0,
            bytes: 0,
            complete: false,
        },
        Vec::new(),
    );
    let mut buffer = vec![0; 64 << 10];
    // An answer that breaks off ends in an error or in an end of file.
    while let Ok(count @ 1..) = stream.read(&mut buffer) {
        if got.status == 0 {
            let status = buffer
                .get(9..12)
                .and_then(|code| std::str::from_utf8(code).ok());
            got.status = status
                .and_then(|code| code.parse().ok())
                .unwrap_or_default();
        }
        got.bytes += count;
        end.extend_from_slice(&buffer[..count]);
        end.drain(..end.len().saturating_sub(8));
    }
    got.complete = end.ends_with(b"0\r\n\r\n");
    got
}

/// F25: descriptors leaked to the limit, then every descriptor closed.
pub(super) fn descriptors(run: &mut Run) {
    let mut scene = Scene::open_faulty(run, frugal());
    scene.fault_begins();
    let answer = scene.ask("leak_fds");
    let report = answer.text();
    let opened = number_after(&report, "opened ");
    assert!(
        answer.status == 502 || opened.is_some_and(|count| count <= 65_536),
        "{report}"
    );
    scene.recovers(faulty_serves);
    let answer = scene.ask("close_fds");
    assert_eq!(answer.status, 502, "{}", answer.text());
    scene.run.note(report);
    scene.close(faulty_serves);
}

/// F26: forks are refused or end with the plugin; threads end at a limit.
pub(super) fn bombs(run: &mut Run) {
    let mut scene = Scene::open_faulty(run, frugal());
    scene.fault_begins();
    let before = scene.kin();
    let answer = scene.ask("fork");
    let forks = answer.text();
    let answer = scene.ask("threads");
    let threads = answer.text();
    // What is left of both goes with the process.
    let answer = scene.ask("abort");
    assert!(matches!(answer.status, 502 | 503), "{}", answer.text());
    scene.recovers(faulty_serves);
    let pids = forks.split(['[', ']']).nth(1).unwrap_or_default();
    for pid in pids.split_whitespace().filter_map(|pid| pid.parse().ok()) {
        assert!(!is_alive(pid), "fork {pid} outlives its plugin: {before:?}");
    }
    scene.run.note(format!("{forks}; {threads}"));
    scene.close(faulty_serves);
}

fn number_after(text: &str, words: &str) -> Option<u64> {
    let (_, rest) = text.split_once(words)?;
    rest.split_whitespace().next()?.parse().ok()
}
