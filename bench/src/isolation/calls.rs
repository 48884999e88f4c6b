//! One call of an endpoint: inside the host on the caller's thread, on the plugin's own threads, and in
//! a child process; with answers of nothing, 16 KiB and 256 KiB.

use super::world::catalog;
use super::{folder, p50_p99};
use meterbox_config::Isolation;
use meterbox_plugin_abi::testing::{FakeRequest, Recorder};
use meterbox_plugin_abi::{Listener, Request};
use meterbox_plugin_loader::running::{Ended, Lane};
use meterbox_plugins::Endpoint;
use std::sync::Arc;
use std::time::{Duration, Instant};

const SIZES: [usize; 3] = [0, 16 << 10, 256 << 10];
const ROUNDS: usize = 9;
const CALLS: usize = 300;
const PATIENCE: Duration = Duration::from_secs(10);

/// One way to call: where the plugin runs, and whether one of its own threads takes the call.
struct Way {
    name: &'static str,
    process: bool,
    pool: bool,
}

const WAYS: [Way; 4] = [
    Way {
        name: "direct",
        process: false,
        pool: false,
    },
    Way {
        name: "in-process, own thread",
        process: false,
        pool: true,
    },
    Way {
        name: "isolated, caller's thread",
        process: true,
        pool: false,
    },
    Way {
        name: "isolated, own thread",
        process: true,
        pool: true,
    },
];

pub(super) fn run() -> Result<(), String> {
    let inside = catalog(&folder::with_sized("inside")?, Isolation::Thread)?;
    let outside = catalog(&folder::with_sized("outside")?, Isolation::Process)?;
    for size in SIZES {
        let mut figures: [Vec<Duration>; WAYS.len()] = Default::default();
        for _ in 0..ROUNDS {
            for (way, times) in WAYS.iter().zip(&mut figures) {
                let catalog = if way.process { &outside } else { &inside };
                let routes = catalog.routes();
                let (endpoint, _) = routes
                    .find(Listener::METRICS, "/sized/0")
                    .ok_or("the plugin is not in service")?;
                for _ in 0..CALLS {
                    times.push(call(endpoint, size, way.pool)?);
                }
            }
        }
        let direct = p50_p99(figures[0].clone()).0;
        for (way, times) in WAYS.iter().zip(figures) {
            let (p50, p99) = p50_p99(times);
            println!(
                "call, {:>3} KiB reply, {:<25} p50 {p50:>7.2} us, p99 {p99:>7.1} us, {:>6.1} x direct",
                size >> 10,
                way.name,
                p50 / direct
            );
        }
    }
    inside.stop();
    outside.stop();
    Ok(())
}

/// One call and its whole answer.
fn call(endpoint: &Endpoint, size: usize, pool: bool) -> Result<Duration, String> {
    let request = Request::of(Arc::new(FakeRequest::get(&format!("/sized/{size}"))));
    let client = Recorder::counting(u64::MAX);
    let route = endpoint.route("GET").ok_or("it answers no GET")?;
    let running = &endpoint.running;
    let begin = Instant::now();
    if pool {
        let ticket = running.call(Lane::Scrape, route, request, client.sink(), None);
        let ended = ticket.map(|ticket| ticket.wait(PATIENCE));
        if !matches!(ended, Ok(Ended::Returned(Ok(())))) {
            return Err("a call failed".to_owned());
        }
    } else {
        running
            .call_here(route, request, client.sink())
            .map_err(|reject| format!("a call was rejected: {:?}", reject.reason))?;
    }
    let took = begin.elapsed();
    let bytes = client.reply().bytes;
    if bytes as usize == size {
        Ok(took)
    } else {
        Err(format!("{bytes} bytes instead of {size}"))
    }
}
