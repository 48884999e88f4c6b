//! Sends requests and takes their answers: HTTP/1.1 over TCP, TLS or any other stream.
//!
//! A [`Connection`] makes one exchange after another over one stream; a [`Client`] opens connections by
//! address, keeps the last one, and holds a deadline. Answers are bounded. Nothing is followed, no proxy
//! is ever asked, whatever the environment says, and nothing is sent twice unless a kept connection turns
//! out to be closed. Exports, the command line and tests all send with this.

mod connect;
mod connection;
mod error;
mod io;
mod trust;

pub use connect::OwnPlaces;
pub use connection::{Connection, Outgoing, Received};
pub use error::{SendError, TrustError};
pub use trust::Trust;

use connect::connect;
use std::time::Duration;

/// Sends one request after another, and keeps the connection for the next one to the same address.
pub struct Client {
    own: OwnPlaces,
    trust: Trust,
    answer_bytes_max: usize,
    idle: Option<Idle>,
}

struct Idle {
    /// Scheme, host and port, as written.
    address: String,
    connection: Connection,
}

impl Client {
    /// A client that does not reach `own`, believes certificates of `trust`, and reads this much of an
    /// answer's body.
    #[must_use]
    pub fn new(own: OwnPlaces, trust: Trust, answer_bytes_max: usize) -> Self {
        Self {
            own,
            trust,
            answer_bytes_max,
            idle: None,
        }
    }

    /// Sends it and reads the answer, all within `limit`.
    ///
    /// # Errors
    /// Why there is no answer. The request may have arrived all the same.
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
        let address = outgoing.address();
        let idle = self.idle.take();
        let kept = idle.filter(|idle| idle.address == address && idle.connection.is_open());
        if let Some(Idle { connection, .. }) = kept {
            // It may have been closed at the other end a moment ago: then a fresh one decides.
            if let Ok(received) = self.over(connection, outgoing).await {
                return Ok(received);
            }
        }
        let connection = connect(&outgoing.uri, &self.own, &self.trust).await?;
        self.over(connection, outgoing).await
    }

    async fn over(
        &mut self,
        mut connection: Connection,
        outgoing: &Outgoing,
    ) -> Result<Received, SendError> {
        let received = connection.exchange(outgoing, self.answer_bytes_max).await?;
        if received.complete {
            let address = outgoing.address();
            self.idle = Some(Idle {
                address,
                connection,
            });
        }
        Ok(received)
    }
}

#[cfg(test)]
mod tests;
