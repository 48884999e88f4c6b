//! A load of keep-alive connections from one process: requests out, complete answers in, latencies kept.
//!
//! One thread a connection with blocking sockets: on two cores the client costs the same for every
//! server it is pointed at, which is all a ratio needs. That is why it reads its answers itself, and does not use
//! the client that tests and exports use: no runtime and no task stands between the socket and the clock.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Barrier;
use std::time::{Duration, Instant};

/// What a load gave.
pub(crate) struct Load {
    /// Answers with status 200.
    pub(crate) answered: u64,
    /// Everything else: other statuses, broken connections.
    pub(crate) failed: u64,
    /// Wall time of the slowest connection.
    pub(crate) elapsed: Duration,
    /// Latency of each answer, ascending.
    latencies: Vec<Duration>,
}

impl Load {
    /// Answers a second.
    pub(crate) fn rate(&self) -> f64 {
        self.answered as f64 / self.elapsed.as_secs_f64()
    }

    /// The latency that `share` (0 to 1) of the answers stayed under.
    pub(crate) fn quantile(&self, share: f64) -> Duration {
        let last = self.latencies.len().saturating_sub(1);
        self.latencies
            .get((last as f64 * share).round() as usize)
            .copied()
            .unwrap_or_default()
    }
}

/// Sends `request` over `connections` connections for `duration` and waits for each answer.
pub(crate) fn drive(
    server: SocketAddr,
    request: &[u8],
    connections: usize,
    duration: Duration,
) -> Load {
    let start = Barrier::new(connections);
    let parts: Vec<Load> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..connections)
            .map(|_| scope.spawn(|| connection(server, request, duration, &start)))
            .collect();
        threads
            .into_iter()
            .map(|thread| thread.join().expect("a client does not panic"))
            .collect()
    });
    let mut all = Load {
        answered: 0,
        failed: 0,
        elapsed: Duration::ZERO,
        latencies: Vec::new(),
    };
    for part in parts {
        all.answered += part.answered;
        all.failed += part.failed;
        all.elapsed = all.elapsed.max(part.elapsed);
        all.latencies.extend(part.latencies);
    }
    all.latencies.sort_unstable();
    all
}

fn connection(server: SocketAddr, request: &[u8], duration: Duration, start: &Barrier) -> Load {
    let mut load = Load {
        answered: 0,
        failed: 0,
        elapsed: Duration::ZERO,
        latencies: Vec::new(),
    };
    let stream = TcpStream::connect(server);
    start.wait();
    let Ok(mut stream) = stream else {
        load.failed = 1;
        return load;
    };
    drop(stream.set_nodelay(true));
    let mut buffer = Vec::with_capacity(1 << 16);
    let begun = Instant::now();
    while begun.elapsed() < duration {
        let sent = Instant::now();
        match exchange(&mut stream, request, &mut buffer) {
            Ok(200) => {
                load.answered += 1;
                load.latencies.push(sent.elapsed());
            }
            Ok(_) => load.failed += 1,
            Err(_) => {
                load.failed += 1;
                break;
            }
        }
    }
    load.elapsed = begun.elapsed();
    load
}

/// One request and its complete answer; gives the status.
pub(crate) fn exchange(
    stream: &mut TcpStream,
    request: &[u8],
    buffer: &mut Vec<u8>,
) -> std::io::Result<u16> {
    stream.write_all(request)?;
    buffer.clear();
    let mut chunk = [0u8; 1 << 16];
    loop {
        let read = stream.read(&mut chunk)?;
        if read == 0 {
            return Err(std::io::ErrorKind::UnexpectedEof.into());
        }
        buffer.extend_from_slice(&chunk[..read]);
        if let Some(status) = complete(buffer) {
            return Ok(status);
        }
    }
}

/// The status once the whole answer is there.
fn complete(answer: &[u8]) -> Option<u16> {
    let end = answer.windows(4).position(|window| window == b"\r\n\r\n")? + 4;
    let head = std::str::from_utf8(&answer[..end]).ok()?;
    let status = head.get(9..12)?.parse().ok()?;
    let mut whole = answer.len() >= end;
    for line in head.lines() {
        let Some((name, value)) = line.split_once(':') else {
            continue;
        };
        if name.eq_ignore_ascii_case("content-length") {
            whole = answer.len() >= end + value.trim().parse::<usize>().ok()?;
        } else if name.eq_ignore_ascii_case("transfer-encoding") {
            whole = answer.ends_with(b"\r\n0\r\n\r\n");
        }
    }
    whole.then_some(status)
}
