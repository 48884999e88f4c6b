//! A plain HTTP/1.1 client over a socket: exact bytes out, head and body in.
//!
//! It follows nothing, retries nothing and hides nothing, which is what tests of a server need.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

/// An answer as it came.
#[derive(Debug, Clone)]
pub struct Answer {
    /// The status code.
    pub status: u16,
    /// The reason phrase, which may be empty.
    pub reason: String,
    /// Header names in lower case with their values, in order.
    pub headers: Vec<(String, String)>,
    /// The body, chunks joined.
    pub body: Vec<u8>,
}

impl Answer {
    /// The value of the first header called `name` (lower case).
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|(known, _)| known == name)
            .map(|(_, value)| value.as_str())
    }

    /// The body as text.
    #[must_use]
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// The body as JSON.
    ///
    /// # Panics
    /// If it is not JSON.
    #[must_use]
    #[track_caller]
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body)
            .unwrap_or_else(|error| panic!("not JSON ({error}): {}", self.text()))
    }
}

/// Asks `method path` with `headers` and `body` on a connection of its own.
///
/// # Errors
/// What the socket said, or why the answer is no HTTP.
pub fn request(
    address: SocketAddr,
    method: &str,
    path: &str,
    headers: &[(&str, &str)],
    body: &[u8],
) -> Result<Answer, String> {
    let mut head = format!("{method} {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n");
    for (name, value) in headers {
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    if !body.is_empty() {
        head.push_str(&format!("Content-Length: {}\r\n", body.len()));
    }
    head.push_str("\r\n");
    let mut bytes = head.into_bytes();
    bytes.extend_from_slice(body);
    let answer = raw(address, &bytes)?;
    parse(&answer, method == "HEAD")
}

/// `GET path`, whatever the status.
///
/// # Panics
/// If there is no answer.
#[track_caller]
#[must_use]
pub fn get(address: SocketAddr, path: &str) -> Answer {
    request(address, "GET", path, &[], &[]).unwrap_or_else(|error| panic!("GET {path}: {error}"))
}

/// `POST path` with a body, whatever the status.
///
/// # Panics
/// If there is no answer.
#[track_caller]
#[must_use]
pub fn post(address: SocketAddr, path: &str, body: &[u8]) -> Answer {
    request(address, "POST", path, &[], body).unwrap_or_else(|error| panic!("POST {path}: {error}"))
}

/// `PUT path`, whatever the status.
///
/// # Panics
/// If there is no answer.
#[track_caller]
#[must_use]
pub fn put(address: SocketAddr, path: &str) -> Answer {
    request(address, "PUT", path, &[], &[]).unwrap_or_else(|error| panic!("PUT {path}: {error}"))
}

/// Sends `bytes` as they are and reads until the peer closes.
///
/// # Errors
/// What the socket said; a read that takes over 60 s is one.
pub fn raw(address: SocketAddr, bytes: &[u8]) -> Result<Vec<u8>, String> {
    let mut stream = connect(address)?;
    // A server may answer and close before it has read all of a refused request.
    let sent = stream.write_all(bytes);
    let mut answer = Vec::new();
    match stream.read_to_end(&mut answer) {
        Ok(_) => Ok(answer),
        Err(_) if !answer.is_empty() => Ok(answer),
        Err(error) => Err(format!("{error} (sent: {sent:?})")),
    }
}

/// A connection with a read limit of 60 s.
///
/// # Errors
/// What the socket said.
pub fn connect(address: SocketAddr) -> Result<TcpStream, String> {
    let stream = TcpStream::connect(address).map_err(|error| error.to_string())?;
    stream
        .set_read_timeout(Some(Duration::from_secs(60)))
        .map_err(|error| error.to_string())?;
    Ok(stream)
}

/// Takes an answer apart; `headless` for answers to HEAD, which have no body.
///
/// # Errors
/// Why the bytes are no complete HTTP answer.
pub fn parse(bytes: &[u8], headless: bool) -> Result<Answer, String> {
    let end = bytes
        .windows(4)
        .position(|window| window == b"\r\n\r\n")
        .ok_or_else(|| format!("no head: {:?}", String::from_utf8_lossy(bytes)))?;
    let head = String::from_utf8_lossy(&bytes[..end]).into_owned();
    let mut lines = head.split("\r\n");
    let mut status_line = lines.next().unwrap_or_default().splitn(3, ' ');
    let _version = status_line.next();
    let status = status_line
        .next()
        .and_then(|code| code.parse().ok())
        .ok_or_else(|| format!("no status: {head}"))?;
    let reason = status_line.next().unwrap_or_default().to_owned();
    let headers: Vec<(String, String)> = lines
        .filter_map(|line| line.split_once(':'))
        .map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned()))
        .collect();
    let rest = &bytes[end + 4..];
    let chunked = headers
        .iter()
        .any(|(name, value)| name == "transfer-encoding" && value == "chunked");
    let declared = headers
        .iter()
        .find(|(name, _)| name == "content-length")
        .and_then(|(_, value)| value.parse::<usize>().ok());
    let body = match (headless, chunked, declared) {
        (true, ..) => Vec::new(),
        (_, true, _) => dechunk(rest)?,
        (_, _, Some(length)) if rest.len() < length => {
            return Err(format!("body cut: {} of {length} bytes", rest.len()));
        }
        (_, _, Some(length)) => rest[..length].to_vec(),
        (_, _, None) => rest.to_vec(),
    };
    Ok(Answer {
        status,
        reason,
        headers,
        body,
    })
}

fn dechunk(mut rest: &[u8]) -> Result<Vec<u8>, String> {
    let mut body = Vec::new();
    loop {
        let end = rest
            .windows(2)
            .position(|window| window == b"\r\n")
            .ok_or("chunked body cut before its end")?;
        let size = std::str::from_utf8(&rest[..end])
            .ok()
            .and_then(|text| usize::from_str_radix(text, 16).ok())
            .ok_or("a chunk size is no number")?;
        rest = &rest[end + 2..];
        if size == 0 {
            return Ok(body);
        }
        if rest.len() < size + 2 {
            return Err("chunked body cut inside a chunk".to_owned());
        }
        body.extend_from_slice(&rest[..size]);
        rest = &rest[size + 2..];
    }
}
