//! The rows that need the whole server: its start, its pages, then predictions.

use crate::load::drive;
use crate::predictions;
use crate::server::{floor, host};
use std::net::SocketAddr;
use std::time::Duration;

const ROUNDS: usize = 9;
const ROUND: Duration = Duration::from_millis(700);

/// Runs every row and prints it.
pub(crate) fn run(arguments: &[String]) {
    if let Some(("predictions", others)) = arguments.split_first().map(|(a, b)| (a.as_str(), b)) {
        return predictions::run(others);
    }
    for row in [start, scrape, shipped_pages, page_costs, large_scrape] {
        if let Err(complaint) = row() {
            println!("serving: {complaint}");
        }
    }
    predictions::run(&[]);
}

fn get(path: &str) -> Vec<u8> {
    format!("GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n").into_bytes()
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

/// From the start of the process to the first 200, and resident memory when idle.
fn start() -> Result<(), String> {
    let (mut ours, mut bare, mut memory, mut bare_memory) = (vec![], vec![], vec![], vec![]);
    for _ in 0..ROUNDS {
        let server = host(&[])?;
        ours.push(
            server
                .first_answer("metrics", &get("/metrics"))
                .as_secs_f64()
                * 1e3,
        );
        memory.push(server.resident_mib());
        let server = floor(10_000)?;
        bare.push(server.first_answer("floor", &get("/")).as_secs_f64() * 1e3);
        bare_memory.push(server.resident_mib());
    }
    let (ours, bare) = (median(ours), median(bare));
    println!("start to first 200: {ours:.1} ms, bare hyper {bare:.1} ms (goal <= 8 ms)");
    println!(
        "resident when idle: {:.1} MiB, bare hyper {:.1} MiB (goal <= 9 MiB)",
        median(memory),
        median(bare_memory)
    );
    Ok(())
}

/// The page of the server itself, from the store through the loaded plugin.
fn scrape() -> Result<(), String> {
    let pages = pages("plugin.system.enabled=false")?;
    println!(
        "GET /metrics, {}, ratio {:.2} (goal >= 0.7)",
        pages.said,
        pages.ours / pages.bare
    );
    Ok(())
}

/// The page of the shipped server, whose system collector reads the kernel's files: requests that wait
/// share what it reads.
fn shipped_pages() -> Result<(), String> {
    let pages = pages("plugin.system.enabled=true")?;
    println!(
        "the same with system metrics, {}, {:.0}/s (goal >= 3000/s)",
        pages.said, pages.ours
    );
    Ok(())
}

/// What one page costs the server, over one connection: the shipped one, one sample of it, and one that
/// no collector has to be asked for.
fn page_costs() -> Result<(), String> {
    let server = host(&[])?;
    server.first_answer("metrics", &get("/metrics"));
    let paths = [
        "/metrics",
        "/metrics?name[]=memory_used",
        "/metrics?name[]=meterbox_collector_success",
    ];
    let mut costs = paths.map(|_| vec![]);
    for _ in 0..ROUNDS {
        for (path, costs) in paths.iter().zip(&mut costs) {
            let before = server.cpu_ns();
            let load = drive(server.address("metrics"), &get(path), 1, ROUND);
            costs.push((server.cpu_ns() - before) / load.answered.max(1) as f64);
        }
    }
    let [whole, one, none] = costs.map(|ns| median(ns) / 1e6);
    println!("a shipped page: {whole:.3} ms of CPU (goal <= 0.8 ms)");
    println!(
        "name[]=memory_used: {one:.3} ms of CPU, ratio to the whole page {:.2}; a name of the \
         host's own: {none:.3} ms",
        one / whole
    );
    Ok(())
}

/// The flat and the histogram page once more, through the whole server: CPU of the process for one scrape over loopback.
fn large_scrape() -> Result<(), String> {
    let plugins = crate::border::world::plugin_folder();
    for (title, filled) in [
        ("flat 100k", "series = 100000\n"),
        ("histograms 100k", "series = 0\nhistograms = 6667\n"),
    ] {
        // Named after the file, the filler's configuration lies beside it.
        std::fs::write(plugins.join("filler.toml"), filled).map_err(|error| error.to_string())?;
        let server = host(&[
            &format!("plugins_path={}", plugins.display()),
            "plugin.system.enabled=false",
            "plugin.filler.max_series=1000000",
            "plugins_insecure_permissions=true",
            "series_per_metric_max=1000000",
            "series_max=2000000",
            "plugin_start_deadline_ms=60000",
        ])?;
        let request = get("/metrics");
        server.first_answer("metrics", &request);
        let address = server.address("metrics");
        let mut stream = std::net::TcpStream::connect(address).map_err(|e| e.to_string())?;
        let mut moving = std::net::TcpStream::connect(address).map_err(|e| e.to_string())?;
        let mut buffer = Vec::new();
        let mut per_line = vec![];
        for _ in 0..ROUNDS {
            crate::load::exchange(&mut moving, &get("/filler/move"), &mut buffer)
                .map_err(|error| error.to_string())?;
            let before = server.cpu_ns();
            crate::load::exchange(&mut stream, &request, &mut buffer)
                .map_err(|error| error.to_string())?;
            let lines = buffer.iter().filter(|byte| **byte == b'\n').count();
            per_line.push((server.cpu_ns() - before) / lines as f64);
        }
        println!(
            "{title} through the server: {:.1} ns of CPU a line, the kernel's sending included",
            median(per_line)
        );
    }
    Ok(())
}

/// GET /metrics beside bare hyper with a ready body of the same size, answers a second.
struct Pages {
    ours: f64,
    bare: f64,
    said: String,
}

fn pages(line: &str) -> Result<Pages, String> {
    let server = host(&[line])?;
    let request = get("/metrics");
    server.first_answer("metrics", &request);
    let size = page_bytes(server.address("metrics"))?;
    let floor = floor(size)?;
    floor.first_answer("floor", &get("/"));
    let (mut ours, mut bare) = (vec![], vec![]);
    let mut failed = 0;
    for _ in 0..ROUNDS {
        let load = drive(server.address("metrics"), &request, 16, ROUND);
        failed += load.failed;
        ours.push(load.rate());
        bare.push(drive(floor.address("floor"), &get("/"), 16, ROUND).rate());
    }
    let spread = spread(&bare);
    let (ours, bare) = (median(ours), median(bare));
    let said = format!(
        "{size} bytes, 16 connections: {ours:.0}/s, bare hyper {bare:.0}/s, {failed} failed{spread}"
    );
    Ok(Pages { ours, bare, said })
}

fn page_bytes(server: SocketAddr) -> Result<usize, String> {
    let mut stream = std::net::TcpStream::connect(server).map_err(|error| error.to_string())?;
    let mut buffer = Vec::new();
    crate::load::exchange(&mut stream, &get("/metrics"), &mut buffer)
        .map_err(|error| error.to_string())?;
    let head = buffer
        .windows(4)
        .position(|window| window == b"\r\n\r\n")
        .unwrap_or(0);
    Ok(buffer.len() - head - 4)
}

/// Says so when the reference itself moved too much for a judgement.
fn spread(rates: &[f64]) -> String {
    let low = rates.iter().copied().fold(f64::INFINITY, f64::min);
    let high = rates.iter().copied().fold(0.0, f64::max);
    if high > 1.5 * low {
        format!(" [reference moved {:.2}x: do not judge]", high / low)
    } else {
        String::new()
    }
}
