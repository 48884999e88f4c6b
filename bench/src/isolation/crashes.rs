//! From the answer to a call that crashed its plugin to the first good answer, with traffic beside it.

use super::{folder, get, p50_p99};
use crate::load::{drive, exchange};
use crate::server::host;
use std::net::TcpStream;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

const CRASHES: usize = 1000;
/// A plugin that is not back by then is not coming back.
const PATIENCE: Duration = Duration::from_secs(10);

pub(super) fn run() -> Result<(), String> {
    let plugins = folder::with_sized("crashes")?;
    let mut lines = folder::lines(&plugins, "auto");
    lines.push("plugin_crashes_max=1000000".to_owned());
    let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
    let server = host(&lines)?;
    let address = server.address("metrics");
    server.first_answer("metrics", &get("/sized/0"));
    let over = AtomicBool::new(false);
    let (times, load) = std::thread::scope(|scope| {
        let beside = scope.spawn(|| {
            let (mut answered, mut failed) = (0, 0);
            while !over.load(Ordering::Relaxed) {
                let load = drive(address, &get("/metrics"), 2, Duration::from_millis(500));
                answered += load.answered;
                failed += load.failed;
            }
            (answered, failed)
        });
        let times = (0..CRASHES)
            .map(|_| crash(address))
            .collect::<Result<Vec<_>, _>>();
        over.store(true, Ordering::Relaxed);
        (times, beside.join().expect("a client does not panic"))
    });
    let slowest = times
        .as_ref()
        .ok()
        .and_then(|times| times.iter().max().copied());
    let (p50, p99) = p50_p99(times?);
    println!(
        "crash to serving again, {CRASHES} crashes: p50 {:.1} ms, p99 {:.1} ms, longest {:.1} ms (goal p99 <= 50); \
         beside it {} pages, {} failed",
        p50 / 1e3,
        p99 / 1e3,
        slowest.unwrap_or_default().as_secs_f64() * 1e3,
        load.0,
        load.1
    );
    Ok(())
}

/// Crashes the plugin once; gives the time until it answers again.
fn crash(address: std::net::SocketAddr) -> Result<Duration, String> {
    let mut buffer = Vec::new();
    let mut stream = TcpStream::connect(address).map_err(|error| error.to_string())?;
    let status = exchange(&mut stream, &get("/sized/crash"), &mut buffer);
    if !matches!(status, Ok(502)) {
        return Err(format!("a crash was answered with {status:?}"));
    }
    let begin = Instant::now();
    loop {
        match exchange(&mut stream, &get("/sized/0"), &mut buffer) {
            Ok(200) => return Ok(begin.elapsed()),
            Ok(_) => {}
            Err(_) => stream = TcpStream::connect(address).map_err(|error| error.to_string())?,
        }
        if begin.elapsed() > PATIENCE {
            return Err(format!(
                "it was not back after {} s: {}",
                PATIENCE.as_secs(),
                String::from_utf8_lossy(&buffer)
            ));
        }
        std::thread::sleep(Duration::from_micros(500));
    }
}
