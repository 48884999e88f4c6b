//! The least HTTP/1.1 client that can ask a running server: one request, one connection.

use crate::config::{Address, Settings};
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
        /// The management address.
        address: Address,
        /// What the system says.
        source: io::Error,
    },
    /// What came is no answer.
    #[error("{address} answers with something that is not HTTP")]
    NotHttp {
        /// The management address.
        address: Address,
    },
    /// The server refuses.
    #[error("{address} answers {status}: {message}")]
    Refused {
        /// The management address.
        address: Address,
        /// The status.
        status: u16,
        /// Its message, or its whole body.
        message: String,
    },
}

/// Asks the management listener of `settings` for `path` and gives the body of a 200.
pub(super) fn get(settings: &Settings, path: &str) -> Result<Vec<u8>, ClientError> {
    let address = settings.listeners.management.clone();
    let token =
        management_token(settings).map(|token| format!("Authorization: Bearer {token}\r\n"));
    let token = token.unwrap_or_default();
    let request =
        format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n{token}\r\n");
    let answer = match exchange(&address, request.as_bytes()) {
        Ok(answer) => answer,
        Err(source) => return Err(ClientError::Unreachable { address, source }),
    };
    match split(&answer) {
        Some((200, body)) => Ok(body.to_vec()),
        Some((status, body)) => {
            let message = message(body);
            Err(ClientError::Refused {
                address,
                status,
                message,
            })
        }
        None => Err(ClientError::NotHttp { address }),
    }
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
    stream.write_all(request)?;
    let mut answer = Vec::new();
    stream.take(ANSWER_BYTES_MAX).read_to_end(&mut answer)?;
    Ok(answer)
}

/// Status and body. The server announces the length of what is asked for here, so a chunked body
/// does not come.
fn split(answer: &[u8]) -> Option<(u16, &[u8])> {
    let end = answer.windows(4).position(|window| window == b"\r\n\r\n")?;
    let head = std::str::from_utf8(&answer[..end]).ok()?;
    let status = head.strip_prefix("HTTP/1.1 ")?.get(..3)?.parse().ok()?;
    Some((status, &answer[end + 4..]))
}

fn message(body: &[u8]) -> String {
    let json: Option<serde_json::Value> = serde_json::from_slice(body).ok();
    let message = json.as_ref().and_then(|json| json["message"].as_str());
    message.map_or_else(
        || String::from_utf8_lossy(body).trim().to_owned(),
        str::to_owned,
    )
}

/// The key of the management listener, if the server needs one and we may read it.
fn management_token(settings: &Settings) -> Option<String> {
    if !settings.tokens.required {
        return None;
    }
    let text = std::fs::read_to_string(&settings.tokens.key_file).ok()?;
    let keys: serde_json::Value = serde_json::from_str(&text).ok()?;
    keys["management"]["key"].as_str().map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_split_into_status_and_body() {
        assert_eq!(
            split(b"HTTP/1.1 200 OK\r\na: b\r\n\r\n[]"),
            Some((200, &b"[]"[..]))
        );
        assert_eq!(split(b"SSH-2.0\r\n\r\n"), None);
        assert_eq!(split(b"HTTP/1.1 200 OK\r\n"), None);
    }

    #[test]
    fn a_refusal_shows_the_servers_sentence() {
        assert_eq!(message(br#"{"code":400,"message":"no token"}"#), "no token");
        assert_eq!(message(b"plain\n"), "plain");
    }
}
