//! A request on its way from a connection to a plugin's thread.
//!
//! The body stays in the connection until the plugin reads it: the plugin's thread waits for the
//! next piece, never a thread of the runtime.

use meterbox_plugin_abi::{Failure, RequestService, Status};
use parking_lot::Mutex;
use std::time::{Duration, Instant};
use tokio::sync::mpsc;

/// A piece of a request's body, or why there are no more.
pub type BodyPiece = Result<Vec<u8>, BodyFault>;

/// Why the rest of a body does not come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BodyFault {
    /// The client left.
    Closed,
    /// It is larger than the host takes.
    TooLarge,
    /// It came too slowly.
    TooSlow,
}

/// Everything about one request that a plugin may see.
pub struct PluginRequest {
    /// The method, as it came.
    pub method: String,
    /// The whole path, as it came, without the query.
    pub path: String,
    /// What follows the first segment, with its leading `/`.
    pub rest: String,
    /// The query, without `?`.
    pub query: String,
    /// The client's address.
    pub peer: String,
    /// Headers, names in lower case.
    pub headers: Vec<(String, Vec<u8>)>,
    /// Pieces of the body; none for a request without one.
    pub body: Option<mpsc::Receiver<BodyPiece>>,
}

/// The request as the border lends it.
pub(crate) struct Service {
    request: PluginRequest,
    until: Instant,
    body: Mutex<Body>,
}

struct Body {
    pieces: Option<mpsc::Receiver<BodyPiece>>,
    piece: Vec<u8>,
    read: usize,
}

impl Service {
    pub(crate) fn new(mut request: PluginRequest, until: Instant) -> Self {
        let body = Body {
            pieces: request.body.take(),
            piece: Vec::new(),
            read: 0,
        };
        Self {
            request,
            until,
            body: Mutex::new(body),
        }
    }
}

impl RequestService for Service {
    fn method(&self) -> &str {
        &self.request.method
    }

    fn path(&self) -> &str {
        &self.request.path
    }

    fn rest(&self) -> &str {
        &self.request.rest
    }

    fn query(&self) -> &str {
        &self.request.query
    }

    fn peer(&self) -> &str {
        &self.request.peer
    }

    fn header_at(&self, index: usize) -> Option<(&str, &[u8])> {
        let (name, value) = self.request.headers.get(index)?;
        Some((name, value))
    }

    fn read_body(&self, buffer: &mut [u8]) -> Result<usize, Failure> {
        if buffer.is_empty() {
            return Ok(0);
        }
        self.body.lock().read(buffer)
    }

    fn time_left(&self) -> Option<Duration> {
        Some(self.until.saturating_duration_since(Instant::now()))
    }
}

impl Body {
    fn read(&mut self, buffer: &mut [u8]) -> Result<usize, Failure> {
        while self.read == self.piece.len() {
            let Some(pieces) = &mut self.pieces else {
                return Ok(0);
            };
            match pieces.blocking_recv() {
                Some(Ok(piece)) => (self.piece, self.read) = (piece, 0),
                Some(Err(fault)) => return Err(fault.failure()),
                None => self.pieces = None,
            }
        }
        let rest = &self.piece[self.read..];
        let len = rest.len().min(buffer.len());
        buffer[..len].copy_from_slice(&rest[..len]);
        self.read += len;
        Ok(len)
    }
}

impl BodyFault {
    fn failure(self) -> Failure {
        let (status, text) = match self {
            Self::Closed => (Status::CLOSED, "the client left before its body was whole"),
            Self::TooLarge => (
                Status::TOO_LARGE,
                "the body is larger than max_request_size",
            ),
            Self::TooSlow => (Status::TIMEOUT, "the body came too slowly"),
        };
        Failure::new(status, text)
    }
}
