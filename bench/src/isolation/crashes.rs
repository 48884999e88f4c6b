//! From the end of a call that crashed its plugin to the first good answer, with calls of another
//! isolated plugin beside it.

use super::world::catalog;
use super::{folder, p50_p99, renamed};
use meterbox_config::Isolation;
use meterbox_plugin_abi::testing::{FakeRequest, Recorder};
use meterbox_plugin_abi::{Listener, Request, Status};
use meterbox_plugin_loader::running::{Ended, Lane};
use meterbox_plugins::Catalog;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

const CRASHES: usize = 1000;
/// A plugin that is not back by then is not coming back.
const PATIENCE: Duration = Duration::from_secs(10);
/// The plugin beside the one that crashes.
const OTHER: &str = "other";
/// Calls of it come this often, so that the measurement has processors left.
const PACE: Duration = Duration::from_millis(1);

pub(super) fn run() -> Result<(), String> {
    let plugins = folder::with_sized("crashes")?;
    let library = std::fs::read(folder::sized()?).map_err(|error| error.to_string())?;
    let other = renamed(&library, folder::SIZED_NAME, OTHER);
    std::fs::write(plugins.join("other.so"), other).map_err(|error| error.to_string())?;
    let catalog = catalog(&plugins, Isolation::Process)?;
    let over = AtomicBool::new(false);
    let (times, beside) = std::thread::scope(|scope| {
        let beside = scope.spawn(|| {
            let (mut good, mut failed) = (0u64, 0u64);
            while !over.load(Ordering::Relaxed) {
                match call(&catalog, OTHER, "0") {
                    Some(Ended::Returned(Ok(()))) => good += 1,
                    _ => failed += 1,
                }
                std::thread::sleep(PACE);
            }
            (good, failed)
        });
        let times: Result<Vec<_>, _> = (0..CRASHES).map(|_| crash(&catalog)).collect();
        over.store(true, Ordering::Relaxed);
        (times, beside.join().expect("a caller does not panic"))
    });
    catalog.stop();
    let times = times?;
    let longest = times.iter().max().copied().unwrap_or_default();
    let (p50, p99) = p50_p99(times);
    println!(
        "crash to serving again, {CRASHES} crashes: p50 {:.1} ms, p99 {:.1} ms, longest {:.1} ms (goal: p99 <= 50); \
         {} calls of another isolated plugin beside it, {} failed",
        p50 / 1e3,
        p99 / 1e3,
        longest.as_secs_f64() * 1e3,
        beside.0,
        beside.1
    );
    Ok(())
}

/// Crashes the plugin once; gives the time until it answers again.
fn crash(catalog: &Catalog) -> Result<Duration, String> {
    match call(catalog, folder::SIZED_NAME, "crash") {
        Some(Ended::Returned(Err(failure))) if failure.status == Status::CRASHED => {}
        other => return Err(format!("a crash ended with {other:?}")),
    }
    let begin = Instant::now();
    loop {
        if let Some(Ended::Returned(Ok(()))) = call(catalog, folder::SIZED_NAME, "0") {
            return Ok(begin.elapsed());
        }
        if begin.elapsed() > PATIENCE {
            return Err(format!("it was not back after {} s", PATIENCE.as_secs()));
        }
        std::thread::sleep(Duration::from_micros(200));
    }
}

/// One call; none when it was not let in.
fn call(catalog: &Catalog, plugin: &str, rest: &str) -> Option<Ended> {
    let path = format!("/{plugin}/{rest}");
    let routes = catalog.routes();
    let (endpoint, _) = routes.find(Listener::METRICS, &path)?;
    let request = Request::of(Arc::new(FakeRequest::get(&path)));
    let route = endpoint.route("GET")?;
    let sink = Recorder::counting(u64::MAX).sink();
    let ticket = endpoint
        .running
        .call(Lane::Ordinary, route, request, sink, None);
    Some(ticket.ok()?.wait(PATIENCE))
}
