//! A scrape of 100,000 series with the Prometheus plugin in the host and in a child.

use super::{PLACES, get, p50_p99};
use crate::server::host;
use std::net::TcpStream;
use std::time::Instant;

/// Scrapes of each place.
const SCRAPES: usize = 40;

pub(super) fn run() -> Result<(), String> {
    let plugins = crate::border::world::plugin_folder();
    let filled = "series = 100000\n";
    std::fs::write(plugins.join("filler.toml"), filled).map_err(|error| error.to_string())?;
    for place in PLACES {
        let server = host(&[
            &format!("plugins_path={}", plugins.display()),
            "plugin.system.enabled=false",
            // The page is what is measured; the series come from the host's own process.
            "plugin.filler.isolation=thread",
            &format!("plugin.prometheus.isolation={place}"),
            "plugin.filler.max_series=1000000",
            "plugins_insecure_permissions=true",
            "series_per_metric_max=1000000",
            "series_max=2000000",
            "plugin_start_deadline_ms=60000",
        ])?;
        let request = get("/metrics");
        server.first_answer("metrics", &request);
        let mut stream =
            TcpStream::connect(server.address("metrics")).map_err(|error| error.to_string())?;
        let mut buffer = Vec::new();
        let mut times = Vec::new();
        for _ in 0..SCRAPES {
            let begin = Instant::now();
            let status = crate::load::exchange(&mut stream, &request, &mut buffer);
            if !matches!(status, Ok(200)) {
                return Err(format!("a scrape gave {status:?}"));
            }
            times.push(begin.elapsed());
        }
        let lines = buffer.iter().filter(|byte| **byte == b'\n').count();
        let (p50, p99) = p50_p99(times);
        println!(
            "scrape of {lines} lines, {} bytes, prometheus in {place}: p50 {:.1} ms, p99 {:.1} ms",
            buffer.len(),
            p50 / 1e3,
            p99 / 1e3
        );
    }
    Ok(())
}
