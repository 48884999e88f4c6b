//! Asking a server: with the client that the product itself sends with, or byte by byte ([`raw`]).
//!
//! Nothing is followed and nothing is retried, which is what tests of a server need.

pub mod raw;

use meterbox_http::client::{Connection, Outgoing, Received, SendError};
use std::net::SocketAddr;
use std::time::Duration;
use tokio::net::TcpStream;
use tokio::runtime::{Builder, Runtime};

/// Longest wait for an answer.
const PATIENCE: Duration = Duration::from_secs(60);
/// No answer of a test is longer, in bytes.
const ANSWER_BYTES_MAX: usize = 1 << 30;

/// An answer as it came.
#[derive(Debug, Clone)]
pub struct Answer {
    /// The status code.
    pub status: u16,
    /// The reason phrase, which may be empty.
    pub reason: String,
    /// Header names in lower case with their values.
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

impl From<Received> for Answer {
    fn from(received: Received) -> Self {
        let headers = received.headers.iter().map(|(name, value)| {
            let value = String::from_utf8_lossy(value.as_bytes());
            (name.to_string(), value.into_owned())
        });
        Self {
            status: received.status,
            reason: received.reason,
            headers: headers.collect(),
            body: received.body.to_vec(),
        }
    }
}

/// A connection that is kept for one request after another.
#[derive(Debug)]
pub struct Session {
    runtime: Runtime,
    connection: Connection,
    address: SocketAddr,
}

impl Session {
    /// Connects.
    ///
    /// # Errors
    /// What the socket said.
    pub fn open(address: SocketAddr) -> Result<Self, String> {
        let runtime = Builder::new_current_thread().enable_all().build();
        let runtime = runtime.map_err(|error| error.to_string())?;
        let connection = runtime.block_on(async {
            let stream = TcpStream::connect(address).await;
            let stream = stream.map_err(|error| format!("connect: {error}"))?;
            stream
                .set_nodelay(true)
                .map_err(|error| error.to_string())?;
            let connection = Connection::over(stream).await;
            connection.map_err(|error| error.to_string())
        })?;
        Ok(Self {
            runtime,
            connection,
            address,
        })
    }

    /// Asks `method path` with `headers` and `body`.
    ///
    /// # Errors
    /// Why there is no whole answer.
    pub fn ask(
        &mut self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &[u8],
    ) -> Result<Answer, String> {
        let mut outgoing = Outgoing {
            method: method.parse().map_err(|_| format!("method {method:?}"))?,
            uri: format!("http://{}{path}", self.address)
                .parse()
                .map_err(|error| format!("{path:?}: {error}"))?,
            headers: Default::default(),
            body: body.to_vec().into(),
        };
        for (name, value) in headers {
            let name: http::HeaderName = name.parse().map_err(|_| format!("header {name:?}"))?;
            let value = value.parse().map_err(|_| format!("value {value:?}"))?;
            outgoing.headers.append(name, value);
        }
        let exchange = self.connection.exchange(&outgoing, ANSWER_BYTES_MAX);
        let limited = async { tokio::time::timeout(PATIENCE, exchange).await };
        match self.runtime.block_on(limited) {
            Ok(Ok(received)) => Ok(received.into()),
            Ok(Err(SendError::Broken(error))) => Err(format!("the answer is cut: {error}")),
            Ok(Err(error)) => Err(error.to_string()),
            Err(_) => Err(format!("no answer within {PATIENCE:?}")),
        }
    }
}

/// Asks `method path` with `headers` and `body` on a connection of its own.
///
/// # Errors
/// Why there is no whole answer.
pub fn request(
    address: SocketAddr,
    method: &str,
    path: &str,
    headers: &[(&str, &str)],
    body: &[u8],
) -> Result<Answer, String> {
    let headers = [headers, &[("Connection", "close")]].concat();
    Session::open(address)?.ask(method, path, &headers, body)
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
