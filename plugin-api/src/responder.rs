//! How a plugin answers a request.

use std::io::{self, Write};

use meterbox_plugin_abi as abi;

use crate::error::{Error, Result};

/// The answer to one request, given once: at once, in pieces, or later from any thread.
///
/// Dropping it inside the call leaves the answer to the call's own result: an `Err` or a panic becomes
/// the matching error answer, an `Ok` without an answer a 500. Kept beyond the call and then dropped
/// unfinished, it answers 500. After the first [`write`](Responder::write), a failure cuts the connection,
/// so that no client takes half a body for a whole one.
///
/// Status and headers that HTTP does not allow are reported by the method that sends them.
pub struct Responder {
    inner: abi::Responder,
    refused: Option<Error>,
}

impl Responder {
    pub(crate) fn new(inner: abi::Responder) -> Self {
        Self {
            inner,
            refused: None,
        }
    }

    /// Sets the HTTP status, 200 to 599; 200 when never called.
    pub fn status(&mut self, status: u16) -> &mut Self {
        let result = self.inner.status(status);
        self.note(result)
    }

    /// Adds a header. `content-length`, `connection` and the like are the host's to set.
    pub fn header(&mut self, name: &str, value: &str) -> &mut Self {
        let result = self.inner.header(name, value.as_bytes());
        self.note(result)
    }

    /// Says that this answer has no end of its own, as a live stream: when the server ends, or the plugin is
    /// replaced, the host ends it well, and the next [`write`](Responder::write) is refused.
    pub fn live(&mut self) -> &mut Self {
        self.header(abi::LIVE_HEADER, "1")
    }

    fn note(&mut self, result: Result<(), abi::Failure>) -> &mut Self {
        if let Err(failure) = result {
            self.refused.get_or_insert_with(|| failure.into());
        }
        self
    }

    fn check(&mut self) -> Result<()> {
        // What the plugin set is its own fault, whatever the client sent: never a 400.
        let refused = self.refused.take();
        refused.map_or(Ok(()), |error| Err(Error::internal(error.message())))
    }

    /// Sends these bytes, the head first. Waits while 4 chunks of 64 KiB wait for the client, so
    /// collect small pieces (for example in a [`std::io::BufWriter`]).
    ///
    /// # Errors
    /// [`Closed`](crate::ErrorKind::Closed) when the client left or the deadline passed: stop working;
    /// [`TooLarge`](crate::ErrorKind::TooLarge) over the host's cap for one reply.
    pub fn write(&mut self, bytes: &[u8]) -> Result<()> {
        self.check()?;
        Ok(self.inner.write(bytes)?)
    }

    /// Ends the answer.
    ///
    /// # Errors
    /// As [`Responder::write`].
    pub fn finish(self) -> Result<()> {
        self.finish_with(b"")
    }

    /// Ends the answer with these last bytes. When nothing was written before they are the whole body,
    /// and its length is announced.
    ///
    /// # Errors
    /// As [`Responder::write`].
    pub fn finish_with(mut self, bytes: impl AsRef<[u8]>) -> Result<()> {
        self.check()?;
        Ok(self.inner.finish(bytes.as_ref())?)
    }

    /// Answers with a body of this content type.
    ///
    /// # Errors
    /// As [`Responder::write`].
    pub fn body(mut self, content_type: &str, body: impl AsRef<[u8]>) -> Result<()> {
        self.header("content-type", content_type);
        self.finish_with(body)
    }

    /// Answers with a JSON text.
    ///
    /// # Errors
    /// As [`Responder::write`].
    pub fn json(self, json: impl AsRef<str>) -> Result<()> {
        self.body("application/json", json.as_ref())
    }

    /// Answers with plain text.
    ///
    /// # Errors
    /// As [`Responder::write`].
    pub fn text(self, text: impl AsRef<str>) -> Result<()> {
        self.body("text/plain; charset=utf-8", text.as_ref())
    }

    /// Answers with a page.
    ///
    /// # Errors
    /// As [`Responder::write`].
    pub fn html(self, html: impl AsRef<str>) -> Result<()> {
        self.body("text/html; charset=utf-8", html.as_ref())
    }

    /// Answers with an error: its kind's HTTP status and its text in the host's JSON form. Inside a call,
    /// returning the error does the same.
    ///
    /// # Errors
    /// [`Closed`](crate::ErrorKind::Closed) when the answer is over already.
    pub fn fail(self, error: &Error) -> Result<()> {
        Ok(self.inner.fail(error.http_status(), error.message())?)
    }

    /// Whether nobody wants the answer any more; worth asking in a long stream.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.inner.is_closed()
    }
}

impl Write for Responder {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match Self::write(self, bytes) {
            Ok(()) => Ok(bytes.len()),
            Err(error) => Err(io::Error::other(error.message())),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
