//! One exchange after another over one stream.

use super::error::SendError;
use super::io::Io;
use bytes::{Bytes, BytesMut};
use http::header::HOST;
use http::{HeaderMap, Method, Request, Uri};
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http1::{self, SendRequest};
use hyper::ext::ReasonPhrase;
use tokio::io::{AsyncRead, AsyncWrite};

/// A request that can be sent as it is.
#[derive(Debug, Clone)]
pub struct Outgoing {
    /// The method.
    pub method: Method,
    /// Absolute, `http` or `https`, with a host and without user information.
    pub uri: Uri,
    /// Headers; `Host` is that of the address unless it is one of them.
    pub headers: HeaderMap,
    /// The body.
    pub body: Bytes,
}

/// What came back.
#[derive(Debug)]
pub struct Received {
    /// The status.
    pub status: u16,
    /// The words beside the status.
    pub reason: String,
    /// Headers, in order for each name.
    pub headers: HeaderMap,
    /// The body, up to what the caller wanted of it.
    pub body: Bytes,
    /// Whether that is all of the body.
    pub complete: bool,
}

/// An open connection.
#[derive(Debug)]
pub struct Connection(SendRequest<Full<Bytes>>);

impl Connection {
    /// A connection over a stream, inside the runtime.
    ///
    /// # Errors
    /// HTTP cannot begin on it.
    pub async fn over(
        stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    ) -> Result<Self, SendError> {
        let (sender, connection) = http1::handshake(Io(stream)).await?;
        // Ends with its connection; what goes wrong in it the sender is told.
        tokio::spawn(async move { drop(connection.await) });
        Ok(Self(sender))
    }

    /// Whether the other end has not closed it, as far as is known.
    #[must_use]
    pub fn is_open(&self) -> bool {
        !self.0.is_closed()
    }

    /// Sends it and reads the answer, of its body `bytes_max` at most. After an answer that is not
    /// complete the connection is of no further use.
    ///
    /// # Errors
    /// The connection broke; the request may have arrived all the same.
    pub async fn exchange(
        &mut self,
        outgoing: &Outgoing,
        bytes_max: usize,
    ) -> Result<Received, SendError> {
        self.0.ready().await?;
        let (head, mut body) = self.0.send_request(outgoing.request()).await?.into_parts();
        let mut kept = BytesMut::new();
        let mut complete = true;
        while let Some(frame) = body.frame().await {
            let Ok(data) = frame?.into_data() else {
                continue;
            };
            let room = bytes_max - kept.len();
            kept.extend_from_slice(&data[..data.len().min(room)]);
            if data.len() > room {
                // Dropping the body closes the connection.
                complete = false;
                break;
            }
        }
        let reason = match head.extensions.get::<ReasonPhrase>() {
            Some(phrase) => String::from_utf8_lossy(phrase.as_bytes()).into_owned(),
            None => head
                .status
                .canonical_reason()
                .unwrap_or_default()
                .to_owned(),
        };
        Ok(Received {
            status: head.status.as_u16(),
            reason,
            headers: head.headers,
            body: kept.freeze(),
            complete,
        })
    }
}

impl Outgoing {
    /// Host and port as written.
    #[must_use]
    pub fn authority(&self) -> &str {
        self.uri
            .authority()
            .map_or("", |authority| authority.as_str())
    }

    /// What a connection belongs to.
    pub(super) fn address(&self) -> String {
        let scheme = self.uri.scheme_str().unwrap_or_default();
        format!("{scheme}://{}", self.authority())
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
        if !self.headers.contains_key(HOST)
            && let Ok(host) = self.authority().parse()
        {
            request.headers_mut().insert(HOST, host);
        }
        request
    }
}
