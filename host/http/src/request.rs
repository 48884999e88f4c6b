//! A request as an operation sees it: read whole, within all limits, and checked.

use crate::listener::Listeners;
use crate::query::Query;
use bytes::Bytes;
use http::{HeaderMap, Method, Uri};
use meterbox_net::Peer;
use std::fmt;
use std::time::Instant;
use uuid::Uuid;

/// One request.
#[derive(Debug)]
pub struct Request {
    /// The listeners of the socket that it came in on.
    pub listeners: Listeners,
    /// The method.
    pub method: Method,
    /// Path and query as they came, percent-encoded.
    pub uri: Uri,
    /// The decoded query.
    pub query: Query,
    /// The header fields, names in lower case. The client's own spelling: [`Request::sent_names`].
    pub headers: HeaderMap,
    /// The client.
    pub peer: Peer,
    /// The id that the answer carries.
    pub id: RequestId,
    /// When its head had come.
    pub received: Instant,
    /// The body, at most `max_request_size` bytes.
    pub body: Bytes,
    /// The head as it came, on sockets of the inference listener; else empty.
    pub(crate) head: Bytes,
}

impl Request {
    /// The path as it came, without the query.
    #[must_use]
    pub fn path(&self) -> &str {
        self.uri.path()
    }

    /// The query as it came, without the `?`; empty if there is none.
    #[must_use]
    pub fn raw_query(&self) -> &str {
        self.uri.query().unwrap_or("")
    }

    /// The first header field of this name if it is text.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }

    /// Header names in the client's own spelling, in the client's order, once per field; none if
    /// the socket carries no inference.
    pub fn sent_names(&self) -> impl Iterator<Item = &str> {
        let head = std::str::from_utf8(&self.head).unwrap_or("");
        let fields = head.split("\r\n").skip(1);
        fields.filter_map(|line| line.split_once(':').map(|(name, _)| name))
    }
}

/// The id of a request: a random UUID.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct RequestId(Uuid);

impl RequestId {
    /// A new one.
    #[must_use]
    pub fn random() -> Self {
        Self(Uuid::new_v4())
    }

    /// Its text without an allocation.
    pub(crate) fn encode<'b>(&self, buffer: &'b mut [u8; 36]) -> &'b str {
        self.0.hyphenated().encode_lower(buffer)
    }
}

impl fmt::Display for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.hyphenated().fmt(f)
    }
}

#[cfg(any(test, feature = "testing"))]
impl Request {
    /// A request from nowhere, for tests of operations.
    ///
    /// # Panics
    /// The target cannot be parsed.
    #[must_use]
    pub fn testing(method: Method, target: &str, body: &[u8]) -> Self {
        let uri: Uri = target.parse().expect("a target of a test");
        let query = Query::parse(uri.query().unwrap_or("")).expect("a query of a test");
        Self {
            listeners: Listeners::ALL,
            method,
            uri,
            query,
            headers: HeaderMap::new(),
            peer: Peer::Unix,
            id: RequestId::random(),
            received: Instant::now(),
            body: Bytes::copy_from_slice(body),
            head: Bytes::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn header_names_keep_the_clients_spelling() {
        let mut request = Request::testing(Method::GET, "/predictions/noop", b"");
        request.head = Bytes::from_static(b"GET / HTTP/1.1\r\nHost: x:1\r\nX-a: b: c\r\n\r\n");
        assert_eq!(request.sent_names().collect::<Vec<_>>(), ["Host", "X-a"]);
    }

    #[test]
    fn ids_are_36_characters_and_differ() {
        let (a, b) = (RequestId::random(), RequestId::random());
        assert_ne!(a, b);
        let mut buffer = [0; 36];
        assert_eq!(a.encode(&mut buffer), a.to_string());
    }
}
