//! Sends one push and takes its answer: plain HTTP/1.1, no redirects, a deadline, a bounded answer.
//!
//! A connection is kept for the next push to the same address. The server's own listeners are out of
//! reach: what an exporter pushes must not be a way around the guards of management.

use bytes::{Bytes, BytesMut};
use http::header::{HOST, RETRY_AFTER};
use http::{HeaderMap, Method, Request, Uri};
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http1::{self, SendRequest};
use hyper::rt::ReadBufCursor;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

/// Bytes of an answer's body that are read; the rest is left in the connection, which is closed.
const ANSWER_BYTES_MAX: usize = 64 << 10;
/// Bytes read from the socket at a time.
const READ_BYTES: usize = 8 << 10;
const DEFAULT_PORT: u16 = 80;

/// A request that can be sent as it is.
#[derive(Debug, Clone)]
pub struct Outgoing {
    /// The method.
    pub method: Method,
    /// Absolute, `http`, with a host and without user information.
    pub uri: Uri,
    /// The header fields, without those that frame the message.
    pub headers: HeaderMap,
    /// The body.
    pub body: Bytes,
}

/// What came back.
#[derive(Debug)]
pub struct Received {
    /// The status.
    pub status: u16,
    /// `Retry-After` as it came.
    pub retry_after: Option<String>,
    /// At most 64 KiB of it.
    pub body: Bytes,
}

/// Why nothing came back.
#[derive(Debug, thiserror::Error)]
pub enum SendError {
    /// Nobody took the connection.
    #[error("cannot connect: {0}")]
    Connect(io::Error),
    /// The address is one of ours.
    #[error("that is this server itself, which exporters cannot reach")]
    OwnListener,
    /// The deadline was over.
    #[error("no answer within {} s", .0.as_secs_f64())]
    Timeout(Duration),
    /// The other end closed, or spoke no HTTP.
    #[error("the connection broke: {0}")]
    Broken(#[from] hyper::Error),
}

/// Where the server itself listens, at this moment.
pub type OwnPlaces = Arc<dyn Fn() -> Vec<SocketAddr> + Send + Sync>;

/// Sends pushes one after another.
pub struct Client {
    own: OwnPlaces,
    idle: Option<Idle>,
}

struct Idle {
    authority: String,
    sender: SendRequest<Full<Bytes>>,
}

impl Client {
    /// A client that leaves `own` alone.
    #[must_use]
    pub fn new(own: OwnPlaces) -> Self {
        Self { own, idle: None }
    }

    /// Sends it and reads the answer, all within `limit`.
    ///
    /// # Errors
    /// Why there is no answer. The push may have arrived all the same.
    pub async fn send(
        &mut self,
        outgoing: &Outgoing,
        limit: Duration,
    ) -> Result<Received, SendError> {
        match tokio::time::timeout(limit, self.exchange(outgoing)).await {
            Ok(answer) => answer,
            Err(_) => Err(SendError::Timeout(limit)),
        }
    }

    async fn exchange(&mut self, outgoing: &Outgoing) -> Result<Received, SendError> {
        let authority = outgoing.authority().to_owned();
        let idle = self.idle.take();
        let kept = idle.filter(|idle| idle.authority == authority && !idle.sender.is_closed());
        if let Some(Idle { sender, .. }) = kept {
            // It may have been closed at the other end a moment ago: then a fresh one decides.
            if let Ok(received) = self.over(sender, outgoing).await {
                return Ok(received);
            }
        }
        let sender = self.connect(&outgoing.uri).await?;
        self.over(sender, outgoing).await
    }

    async fn over(
        &mut self,
        mut sender: SendRequest<Full<Bytes>>,
        outgoing: &Outgoing,
    ) -> Result<Received, SendError> {
        sender.ready().await?;
        let answer = sender.send_request(outgoing.request()).await?;
        let status = answer.status().as_u16();
        let retry_after = answer.headers().get(RETRY_AFTER);
        let retry_after = retry_after.and_then(|value| Some(value.to_str().ok()?.to_owned()));
        let mut body = answer.into_body();
        let mut kept = BytesMut::new();
        while let Some(frame) = body.frame().await {
            let Ok(data) = frame?.into_data() else {
                continue;
            };
            let room = ANSWER_BYTES_MAX - kept.len();
            kept.extend_from_slice(&data[..data.len().min(room)]);
            if data.len() > room {
                // Dropping the body closes the connection.
                return Ok(Received {
                    status,
                    retry_after,
                    body: kept.freeze(),
                });
            }
        }
        let authority = outgoing.authority().to_owned();
        self.idle = Some(Idle { authority, sender });
        Ok(Received {
            status,
            retry_after,
            body: kept.freeze(),
        })
    }

    async fn connect(&self, uri: &Uri) -> Result<SendRequest<Full<Bytes>>, SendError> {
        let host = uri.host().unwrap_or_default();
        let host = host.trim_start_matches('[').trim_end_matches(']');
        let port = uri.port_u16().unwrap_or(DEFAULT_PORT);
        let stream = TcpStream::connect((host, port))
            .await
            .map_err(SendError::Connect)?;
        self.refuse_own(&stream)?;
        let _ = stream.set_nodelay(true);
        let (sender, connection) = http1::handshake(Socket(stream)).await?;
        // Ends with its connection; what goes wrong in it the sender is told.
        tokio::spawn(async move { drop(connection.await) });
        Ok(sender)
    }

    /// Looked at after connecting, so that no name and no other spelling of an address hides it.
    fn refuse_own(&self, stream: &TcpStream) -> Result<(), SendError> {
        let peer = stream.peer_addr().map_err(SendError::Connect)?;
        let local = stream.local_addr().map_err(SendError::Connect)?;
        let here = peer.ip().to_canonical() == local.ip().to_canonical()
            || peer.ip().to_canonical().is_loopback();
        let ours = (self.own)().iter().any(|own| own.port() == peer.port());
        if here && ours {
            return Err(SendError::OwnListener);
        }
        Ok(())
    }
}

impl Outgoing {
    /// Host and port as written.
    pub fn authority(&self) -> &str {
        self.uri
            .authority()
            .map_or("", |authority| authority.as_str())
    }

    fn request(&self) -> Request<Full<Bytes>> {
        let mut request = Request::new(Full::new(self.body.clone()));
        *request.method_mut() = self.method.clone();
        let target = self
            .uri
            .path_and_query()
            .map_or("/", |target| target.as_str());
        // A path of a valid address is valid alone.
        *request.uri_mut() = target.parse().unwrap_or_default();
        request.headers_mut().clone_from(&self.headers);
        if let Ok(host) = self.authority().parse() {
            request.headers_mut().insert(HOST, host);
        }
        request
    }
}

/// tokio's socket as hyper wants it. Reads are copied once; answers to pushes are short.
struct Socket(TcpStream);

impl hyper::rt::Read for Socket {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        mut cursor: ReadBufCursor<'_>,
    ) -> Poll<io::Result<()>> {
        let mut bytes = [0; READ_BYTES];
        let room = cursor.remaining().min(READ_BYTES);
        let mut buffer = ReadBuf::new(&mut bytes[..room]);
        ready!(Pin::new(&mut self.0).poll_read(context, &mut buffer))?;
        cursor.put_slice(buffer.filled());
        Poll::Ready(Ok(()))
    }
}

impl hyper::rt::Write for Socket {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(context)
    }
}

#[cfg(test)]
mod tests;
