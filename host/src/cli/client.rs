//! Asks a running server, whose address and key are in its configuration: one request, one connection.

use bytes::Bytes;
use http::HeaderMap;
use http::header::AUTHORIZATION;
use meterbox_config::{Address, Settings};
use meterbox_http::Listener;
use meterbox_http::client::{Connection, Outgoing, Received, SendError};
use std::io;
use std::time::Duration;
use tokio::net::{TcpStream, UnixStream};
use tokio::runtime::Builder;
use tokio::time::timeout;

/// How long the server may take.
const PATIENCE: Duration = Duration::from_secs(30);
/// Longest answer, in bytes.
const ANSWER_BYTES_MAX: usize = 64 << 20;

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
    /// There is no such request.
    #[error("this cannot be asked: {0}")]
    Unsendable(String),
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

/// Where a listener is, by the configuration.
fn address(listener: Listener, settings: &Settings) -> &Address {
    let listeners = &settings.listeners;
    match listener {
        Listener::Inference => &listeners.inference,
        Listener::Management => &listeners.management,
        Listener::Metrics => &listeners.metrics,
    }
}

/// Asks the management listener with `method` and gives the body of a 200.
pub(super) fn manage(settings: &Settings, method: &str, path: &str) -> Result<Bytes, ClientError> {
    let answer = send(settings, Listener::Management, method, path, None)?;
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
    listener: Listener,
    method: &str,
    target: &str,
    body: Option<&[u8]>,
) -> Result<Received, ClientError> {
    let address = address(listener, settings);
    let outgoing = outgoing(method, target, body, token(settings, listener))
        .map_err(|error| ClientError::Unsendable(error.to_string()))?;
    let broken = |address: &Address| ClientError::NotHttp {
        address: address.clone(),
    };
    let runtime = Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| ClientError::Unsendable(error.to_string()))?;
    match runtime.block_on(async { timeout(PATIENCE, exchange(address, &outgoing)).await }) {
        Ok(Ok(answer)) if answer.complete => Ok(answer),
        Ok(Err(SendError::Connect(source))) => Err(ClientError::Unreachable {
            address: address.clone(),
            source,
        }),
        Ok(_) => Err(broken(address)),
        Err(_) => Err(ClientError::Unreachable {
            address: address.clone(),
            source: io::ErrorKind::TimedOut.into(),
        }),
    }
}

fn outgoing(
    method: &str,
    target: &str,
    body: Option<&[u8]>,
    token: Option<String>,
) -> Result<Outgoing, http::Error> {
    let mut headers = HeaderMap::new();
    if let Some(token) = token {
        headers.insert(AUTHORIZATION, format!("Bearer {token}").parse()?);
    }
    Ok(Outgoing {
        method: method.parse()?,
        uri: format!("http://localhost{target}").parse()?,
        headers,
        body: Bytes::copy_from_slice(body.unwrap_or_default()),
    })
}

async fn exchange(address: &Address, outgoing: &Outgoing) -> Result<Received, SendError> {
    let mut connection = match address {
        Address::Tcp { host, port } => {
            let stream = TcpStream::connect((reachable(host), *port)).await;
            Connection::over(stream.map_err(SendError::Connect)?).await?
        }
        Address::Unix(path) => {
            let stream = UnixStream::connect(path).await;
            Connection::over(stream.map_err(SendError::Connect)?).await?
        }
    };
    connection.exchange(outgoing, ANSWER_BYTES_MAX).await
}

/// A wildcard is bound, not asked.
fn reachable(host: &str) -> &str {
    match host {
        "0.0.0.0" => "127.0.0.1",
        "::" => "::1",
        other => other,
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

/// The key of the listener, if the server needs one, we may read it, and there is one for it.
fn token(settings: &Settings, listener: Listener) -> Option<String> {
    if !settings.tokens.required {
        return None;
    }
    let text = std::fs::read_to_string(&settings.tokens.key_file).ok()?;
    let keys: serde_json::Value = serde_json::from_str(&text).ok()?;
    keys[listener.name()]["key"].as_str().map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_shows_the_servers_sentence() {
        assert_eq!(message(br#"{"code":400,"message":"no token"}"#), "no token");
        assert_eq!(message(b"plain\n"), "plain");
    }
}
