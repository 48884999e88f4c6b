//! Predictions of `noop` with two workers: what one costs the server, beside `GET /ping`, the bare worker
//! loop and bare hyper, all in turn within each round.
//!
//! Arguments are further dist folders, such as that of an older build: they take part in every round.

use crate::load::{Load, drive, exchange};
use crate::server::{Server, dist, floor, host_of};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

const ROUNDS: usize = 9;
const ROUND: Duration = Duration::from_millis(500);
/// What the references take of a round.
const SHORT: Duration = Duration::from_millis(250);
const PING: &[u8] = b"GET /ping HTTP/1.1\r\nHost: localhost\r\n\r\n";
const PREDICT: &[u8] = b"GET /predictions/noop HTTP/1.1\r\nHost: localhost\r\n\r\n";

/// Runs every row and prints it.
pub(crate) fn run(arguments: &[String]) {
    if let Err(complaint) = rows(arguments) {
        println!("predictions: {complaint}");
    }
}

/// A server under measurement and what it gave, one value a round.
struct Subject {
    title: String,
    server: Server,
    /// Microseconds: median latency of `/ping` at one connection.
    ping: Vec<f64>,
    /// The same of predictions, and what one in a hundred takes longer than.
    alone: Vec<f64>,
    alone_p99: Vec<f64>,
    /// Predictions a second over 16 connections.
    rate: Vec<f64>,
    /// Microseconds of the server's CPU for each of them.
    cpu: Vec<f64>,
    failed: u64,
}

impl Subject {
    fn start(title: &str, dist: &Path, lines: &[&str]) -> Result<Self, String> {
        let server = host_of(dist, lines)?;
        manage(&server, "POST", "/models?url=noop.mar")?;
        scale(&server, 2)?;
        drive(server.address("inference"), PREDICT, 2, SHORT);
        Ok(Self {
            title: title.to_owned(),
            server,
            ping: Vec::new(),
            alone: Vec::new(),
            alone_p99: Vec::new(),
            rate: Vec::new(),
            cpu: Vec::new(),
            failed: 0,
        })
    }

    fn round(&mut self) {
        let address = self.server.address("inference");
        let ping = drive(address, PING, 1, SHORT);
        let alone = drive(address, PREDICT, 1, SHORT);
        let before = self.server.cpu_ns();
        let many = drive(address, PREDICT, 16, ROUND);
        let cpu = self.server.cpu_ns() - before;
        self.failed += ping.failed + alone.failed + many.failed;
        self.ping.push(quantile(&ping, 0.5));
        self.alone.push(quantile(&alone, 0.5));
        self.alone_p99.push(quantile(&alone, 0.99));
        self.rate.push(many.rate());
        self.cpu.push(cpu / 1e3 / many.answered as f64);
    }
}

fn rows(arguments: &[String]) -> Result<(), String> {
    let dist = dist()?;
    let logged = ["access_log=true"];
    let mut subjects = vec![
        Subject::start("as shipped", &dist, &logged)?,
        Subject::start("without the access log", &dist, &[])?,
    ];
    for folder in arguments {
        let other = PathBuf::from(folder);
        subjects.push(Subject::start(folder, &other, &logged)?);
    }
    let hyper = floor(2)?;
    let (mut bare, mut hyper_cpu) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        for subject in &mut subjects {
            subject.round();
        }
        bare.push(bare_worker(&dist)?);
        let before = hyper.cpu_ns();
        let load = drive(hyper.address("floor"), PING, 16, SHORT);
        hyper_cpu.push((hyper.cpu_ns() - before) / 1e3 / load.answered as f64);
    }
    let (bare, hyper_cpu) = (median(bare), median(hyper_cpu));
    println!("bare worker loop: p50 {bare:.0} us; bare hyper: {hyper_cpu:.1} us of CPU an answer");
    for one in subjects {
        let Subject {
            title,
            failed,
            server,
            ..
        } = one;
        let p99 = median(one.alone_p99);
        let (ping, alone) = (median(one.ping), median(one.alone));
        let (rate, cpu) = (median(one.rate), median(one.cpu));
        println!(
            "{title}, 1 connection: p50 {alone:.0} us, p99 {p99:.0} us, /ping {ping:.0} us, ratio to /ping and bare \
             worker {:.2} (goal <= 1.25)",
            alone / (ping + bare)
        );
        println!(
            "{title}, 16 connections: {rate:.0}/s, {cpu:.1} us of CPU each (goal <= 45), {:.1}x bare \
             hyper, {failed} failed",
            cpu / hyper_cpu
        );
        scale(&server, 3)?;
        let mut stream =
            TcpStream::connect(server.address("inference")).map_err(|error| error.to_string())?;
        let mut buffer = Vec::new();
        for _ in 0..10_000 {
            exchange(&mut stream, PREDICT, &mut buffer).map_err(|error| error.to_string())?;
        }
        println!(
            "{title}, resident after 10,000 more with 3 workers: {:.1} MiB",
            server.resident_mib()
        );
    }
    Ok(())
}

/// The median round trip of the worker alone, driven over its socket without a server before it, in
/// microseconds.
fn bare_worker(dist: &Path) -> Result<f64, String> {
    let output = Command::new("python3")
        .arg(dist.join("python/bench_worker.py"))
        .args(["--seconds", &SHORT.as_secs_f64().to_string()])
        .output()
        .map_err(|error| error.to_string())?;
    let text = String::from_utf8_lossy(&output.stdout);
    let p50 = text
        .lines()
        .find(|line| line.contains("concurrency 1:"))
        .and_then(|line| line.split("p50 ").nth(1)?.split(' ').next()?.parse().ok());
    p50.ok_or_else(|| {
        let complaint = String::from_utf8_lossy(&output.stderr);
        format!("the bare worker loop: {text}{complaint}")
    })
}

fn scale(server: &Server, workers: u32) -> Result<(), String> {
    let path = format!("/models/noop?min_worker={workers}&synchronous=true");
    manage(server, "PUT", &path)
}

fn manage(server: &Server, method: &str, path: &str) -> Result<(), String> {
    let mut stream =
        TcpStream::connect(server.address("management")).map_err(|error| error.to_string())?;
    let request =
        format!("{method} {path} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\n\r\n");
    let mut buffer = Vec::new();
    match exchange(&mut stream, request.as_bytes(), &mut buffer) {
        Ok(200) => Ok(()),
        _ => Err(format!(
            "{method} {path}: {}",
            String::from_utf8_lossy(&buffer)
        )),
    }
}

fn quantile(load: &Load, share: f64) -> f64 {
    load.quantile(share).as_secs_f64() * 1e6
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}
