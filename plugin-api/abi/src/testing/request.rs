//! A request in memory.

use std::io::{Cursor, Read};
use std::sync::Mutex;
use std::time::Duration;

use super::lock;
use crate::request::RequestService;
use crate::status::Failure;

/// A request; its body is read once.
#[derive(Debug, Default)]
pub struct FakeRequest {
    /// Method.
    pub method: String,
    /// Path without the query.
    pub path: String,
    /// What follows the first segment of the path, with its slash.
    pub rest: String,
    /// What follows the `?`.
    pub query: String,
    /// Headers, names in lower case.
    pub headers: Vec<(String, Vec<u8>)>,
    /// What is left of the body.
    pub body: Mutex<Cursor<Vec<u8>>>,
    /// Time until the deadline.
    pub time_left: Option<Duration>,
}

impl FakeRequest {
    /// A request for this path and query, without headers and body.
    #[must_use]
    pub fn new(method: &str, target: &str) -> Self {
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let first = path.trim_start_matches('/').split('/').next();
        let rest_at = (first.unwrap_or_default().len() + 1).min(path.len());
        Self {
            method: method.to_owned(),
            path: path.to_owned(),
            rest: path[rest_at..].to_owned(),
            query: query.to_owned(),
            ..Self::default()
        }
    }

    /// `GET` of this path and query.
    #[must_use]
    pub fn get(target: &str) -> Self {
        Self::new("GET", target)
    }

    /// With a header.
    #[must_use]
    pub fn header(mut self, name: &str, value: impl AsRef<[u8]>) -> Self {
        let value = value.as_ref().to_vec();
        self.headers.push((name.to_ascii_lowercase(), value));
        self
    }

    /// With a body.
    #[must_use]
    pub fn body(mut self, bytes: impl Into<Vec<u8>>) -> Self {
        self.body = Mutex::new(Cursor::new(bytes.into()));
        self
    }

    /// With so much time until the deadline.
    #[must_use]
    pub fn time_left(mut self, left: Duration) -> Self {
        self.time_left = Some(left);
        self
    }
}

impl RequestService for FakeRequest {
    fn method(&self) -> &str {
        &self.method
    }
    fn path(&self) -> &str {
        &self.path
    }
    fn rest(&self) -> &str {
        &self.rest
    }
    fn query(&self) -> &str {
        &self.query
    }
    fn peer(&self) -> &str {
        "127.0.0.1:9"
    }
    fn header_at(&self, index: usize) -> Option<(&str, &[u8])> {
        let (name, value) = self.headers.get(index)?;
        Some((name, value))
    }
    fn read_body(&self, buffer: &mut [u8]) -> Result<usize, Failure> {
        let read = lock(&self.body).read(buffer);
        read.map_err(|error| Failure::internal(error.to_string()))
    }
    fn time_left(&self) -> Option<Duration> {
        self.time_left
    }
}
