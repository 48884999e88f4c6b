//! What a plugin is asked over HTTP.

use std::io::{self, Read};
use std::time::Duration;

use meterbox_plugin_abi as abi;

use crate::error::{Error, ErrorKind, Result};
use crate::percent;

/// Most bytes that [`Request::body`] reads into memory unless told otherwise.
pub const BODY_BYTES_MAX: usize = 16 * 1024 * 1024;

/// One HTTP request. A clone refers to the same request and may be kept after the call.
///
/// The body can be read once: by [`Request::body`] at one go, or in pieces as [`Read`].
#[derive(Clone)]
pub struct Request(abi::Request);

impl Request {
    pub(crate) fn new(request: abi::Request) -> Self {
        Self(request)
    }

    /// The method in upper case: `GET`.
    #[must_use]
    pub fn method(&self) -> &str {
        self.0.method()
    }

    /// The whole path as it came, without the query: `/drift/noop`.
    #[must_use]
    pub fn path(&self) -> &str {
        self.0.path()
    }

    /// What follows the route's own segments in the path: `/noop`; empty when nothing does.
    #[must_use]
    pub fn rest(&self) -> &str {
        self.0.rest()
    }

    /// The query as it came, without its `?`.
    #[must_use]
    pub fn query(&self) -> &str {
        self.0.query()
    }

    /// All pairs of the query in their order, percent-decoded; `+` is a space, a lone key has an empty
    /// value, bytes that are not UTF-8 become `U+FFFD`.
    pub fn query_pairs(&self) -> impl Iterator<Item = (String, String)> {
        percent::pairs(self.query())
    }

    /// The first value of this key in the query.
    #[must_use]
    pub fn query_value(&self, key: &str) -> Option<String> {
        self.query_pairs()
            .find(|(found, _)| found == key)
            .map(|(_, value)| value)
    }

    /// Every value of this key in the query, as for `name[]=a&name[]=b`.
    #[must_use]
    pub fn query_values(&self, key: &str) -> Vec<String> {
        self.query_pairs()
            .filter(|(found, _)| found == key)
            .map(|(_, value)| value)
            .collect()
    }

    /// The address of the client, for logs.
    #[must_use]
    pub fn peer(&self) -> &str {
        self.0.peer()
    }

    /// The first header of this name, in any case; `None` when it is missing or not text.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        std::str::from_utf8(self.0.header(name)?).ok()
    }

    /// All headers in their order, names in lower case.
    pub fn headers(&self) -> impl Iterator<Item = (&str, &[u8])> {
        (0..).map_while(|index| self.0.header_at(index))
    }

    /// Time until the host answers in the plugin's place; `None` for no limit.
    #[must_use]
    pub fn time_left(&self) -> Option<Duration> {
        self.0.time_left()
    }

    /// The rest of the body, at most [`BODY_BYTES_MAX`]. Waits for the client.
    ///
    /// # Errors
    /// [`ErrorKind::TooLarge`] when it is longer, [`ErrorKind::Closed`] when the client left.
    pub fn body(&self) -> Result<Vec<u8>> {
        self.body_up_to(BODY_BYTES_MAX)
    }

    /// The rest of the body, at most `bytes_max`.
    ///
    /// # Errors
    /// As [`Request::body`].
    pub fn body_up_to(&self, bytes_max: usize) -> Result<Vec<u8>> {
        let mut body = Vec::new();
        let mut piece = vec![0; 16 * 1024];
        loop {
            let read = self.0.read_body(&mut piece)?;
            if read == 0 {
                return Ok(body);
            }
            if body.len() + read > bytes_max {
                let text = format!("the body is longer than {bytes_max} bytes");
                return Err(Error::new(ErrorKind::TooLarge, text));
            }
            body.extend_from_slice(&piece[..read]);
        }
    }
}

impl Read for &Request {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.0.read_body(buffer).map_err(io::Error::other)
    }
}
