//! The least HTTP/1.1 client that can ask a running server: one request, one connection.

use meterbox_config::{Address, Settings};
use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::os::unix::net::UnixStream;
use std::time::Duration;

/// How long the server may take.
const PATIENCE: Duration = Duration::from_secs(30);
/// Longest answer, in bytes.
const ANSWER_BYTES_MAX: u64 = 64 << 20;

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub(super) enum ClientError {
    /// Nobody answers.
    #[error("{address} does not answer; is the server running, with this configuration?")]
    Unreachable {
        /// The address that was asked.
        address: Address,
        /// What the system says.
        source: io::Error,
    },
    /// What came is no answer.
    #[error("{address} answers with something that is not HTTP, or breaks off")]
    NotHttp {
        /// The address that was asked.
        address: Address,
    },
    /// The server refuses.
    #[error("{address} answers {status}: {message}")]
    Refused {
        /// The address that was asked.
        address: Address,
        /// The status.
        status: u16,
        /// Its message, or its whole body.
        message: String,
    },
}

/// Which listener is asked, and whose key goes with the request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Door {
    Inference,
    Management,
    Metrics,
}

impl Door {
    /// The listener of this name in the server's JSON.
    pub(super) fn of(name: &str) -> Option<Self> {
        match name {
            "inference" => Some(Self::Inference),
            "management" => Some(Self::Management),
            "metrics" => Some(Self::Metrics),
            _ => None,
        }
    }

    pub(super) fn address(self, settings: &Settings) -> &Address {
        match self {
            Self::Inference => &settings.listeners.inference,
            Self::Management => &settings.listeners.management,
            Self::Metrics => &settings.listeners.metrics,
        }
    }

    /// The name of its entry in the key file, if it has one.
    fn key(self) -> Option<&'static str> {
        match self {
            Self::Inference => Some("inference"),
            Self::Management => Some("management"),
            Self::Metrics => None,
        }
    }
}

/// What a server answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Answer {
    pub(super) status: u16,
    /// Names in lower case.
    pub(super) headers: Vec<(String, String)>,
    pub(super) body: Vec<u8>,
}

impl Answer {
    fn header(&self, name: &str) -> Option<&str> {
        let found = self.headers.iter().find(|(known, _)| known == name);
        found.map(|(_, value)| value.as_str())
    }
}

/// Asks the management listener with `method` and gives the body of a 200.
pub(super) fn manage(
    settings: &Settings,
    method: &str,
    path: &str,
) -> Result<Vec<u8>, ClientError> {
    let answer = send(settings, Door::Management, method, path, None)?;
    if answer.status == 200 {
        return Ok(answer.body);
    }
    Err(ClientError::Refused {
        address: settings.listeners.management.clone(),
        status: answer.status,
        message: message(&answer.body),
    })
}

/// Sends one request and gives the answer, whatever its status.
pub(super) fn send(
    settings: &Settings,
    door: Door,
    method: &str,
    target: &str,
    body: Option<&[u8]>,
) -> Result<Answer, ClientError> {
    let address = door.address(settings).clone();
    let mut request =
        format!("{method} {target} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n");
    if let Some(token) = token(settings, door) {
        request += &format!("Authorization: Bearer {token}\r\n");
    }
    if let Some(body) = body {
        request += &format!("Content-Length: {}\r\n", body.len());
    }
    request += "\r\n";
    let mut request = request.into_bytes();
    request.extend_from_slice(body.unwrap_or_default());
    let answer = match exchange(&address, &request) {
        Ok(answer) => answer,
        Err(source) => return Err(ClientError::Unreachable { address, source }),
    };
    parse(&answer, method == "HEAD").ok_or(ClientError::NotHttp { address })
}

fn exchange(address: &Address, request: &[u8]) -> io::Result<Vec<u8>> {
    match address {
        Address::Tcp { host, port } => {
            let stream = TcpStream::connect((reachable(host), *port))?;
            stream.set_read_timeout(Some(PATIENCE))?;
            ask(stream, request)
        }
        Address::Unix(path) => {
            let stream = UnixStream::connect(path)?;
            stream.set_read_timeout(Some(PATIENCE))?;
            ask(stream, request)
        }
    }
}

/// A wildcard is bound, not asked.
fn reachable(host: &str) -> &str {
    match host {
        "0.0.0.0" => "127.0.0.1",
        "::" => "::1",
        other => other,
    }
}

fn ask(mut stream: impl Read + Write, request: &[u8]) -> io::Result<Vec<u8>> {
    // A server may answer, and close, before it has read all of a request that it refuses.
    let sent = stream.write_all(request);
    let mut answer = Vec::new();
    match stream.take(ANSWER_BYTES_MAX).read_to_end(&mut answer) {
        Err(error) if answer.is_empty() => Err(error),
        _ if answer.is_empty() => sent.map(|()| answer),
        _ => Ok(answer),
    }
}

/// Takes an answer apart; `None` if it is not HTTP or not complete.
fn parse(bytes: &[u8], headless: bool) -> Option<Answer> {
    let end = bytes.windows(4).position(|window| window == b"\r\n\r\n")?;
    let head = std::str::from_utf8(&bytes[..end]).ok()?;
    let mut lines = head.split("\r\n");
    let status = lines.next()?.strip_prefix("HTTP/1.1 ")?.get(..3)?;
    let headers = lines.filter_map(|line| line.split_once(':'));
    let mut answer = Answer {
        status: status.parse().ok()?,
        headers: headers
            .map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned()))
            .collect(),
        body: Vec::new(),
    };
    let rest = &bytes[end + 4..];
    answer.body = if headless {
        Vec::new()
    } else if answer.header("transfer-encoding") == Some("chunked") {
        dechunked(rest)?
    } else if let Some(length) = answer.header("content-length") {
        rest.get(..length.parse().ok()?)?.to_vec()
    } else {
        rest.to_vec()
    };
    Some(answer)
}

fn dechunked(mut rest: &[u8]) -> Option<Vec<u8>> {
    let mut body = Vec::new();
    loop {
        let end = rest.windows(2).position(|window| window == b"\r\n")?;
        let size = usize::from_str_radix(std::str::from_utf8(&rest[..end]).ok()?, 16).ok()?;
        rest = &rest[end + 2..];
        if size == 0 {
            return Some(body);
        }
        body.extend_from_slice(rest.get(..size)?);
        rest = rest.get(size..)?.strip_prefix(b"\r\n")?;
    }
}

fn message(body: &[u8]) -> String {
    let json: Option<serde_json::Value> = serde_json::from_slice(body).ok();
    let message = json.as_ref().and_then(|json| json["message"].as_str());
    message.map_or_else(
        || String::from_utf8_lossy(body).trim().to_owned(),
        str::to_owned,
    )
}

/// The key of the listener, if the server needs one and we may read it.
fn token(settings: &Settings, door: Door) -> Option<String> {
    if !settings.tokens.required {
        return None;
    }
    let text = std::fs::read_to_string(&settings.tokens.key_file).ok()?;
    let keys: serde_json::Value = serde_json::from_str(&text).ok()?;
    keys[door.key()?]["key"].as_str().map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    type Parsed<'a> = Option<(u16, &'a str)>;

    fn body(answer: &[u8]) -> Option<(u16, String)> {
        let answer = parse(answer, false)?;
        Some((answer.status, String::from_utf8(answer.body).unwrap()))
    }

    #[test]
    fn an_answer_is_taken_apart_and_half_of_one_is_none() {
        let answers: [(&[u8], Parsed<'_>); 7] = [
            (b"HTTP/1.1 200 OK\r\na: b\r\n\r\n[]", Some((200, "[]"))),
            (
                b"HTTP/1.1 404 No\r\nContent-Length: 2\r\n\r\nno",
                Some((404, "no")),
            ),
            (
                b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nab\r\n1\r\nc\r\n0\r\n\r\n",
                Some((200, "abc")),
            ),
            (b"SSH-2.0\r\n\r\n", None),
            (b"HTTP/1.1 200 OK\r\n", None),
            (b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nshort", None),
            (
                b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab",
                None,
            ),
        ];
        for (answer, expect) in answers {
            let expect = expect.map(|(status, body)| (status, body.to_owned()));
            assert_eq!(body(answer), expect, "{}", String::from_utf8_lossy(answer));
        }
    }

    #[test]
    fn a_refusal_shows_the_servers_sentence() {
        assert_eq!(message(br#"{"code":400,"message":"no token"}"#), "no token");
        assert_eq!(message(b"plain\n"), "plain");
    }
}
