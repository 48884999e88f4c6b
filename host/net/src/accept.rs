//! Accepts connections: up to a cap, slower when the system runs out of something, until the drain.

use crate::bind::{Acceptor, Bound};
use crate::place::{At, Peer, Place};
use crate::socket::Socket;
use std::future::Future;
use std::io;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{Semaphore, watch};
use tokio::task::{JoinHandle, JoinSet};

/// The first pause after the system refused a connection; it doubles up to [`PAUSE_MAX`].
const PAUSE: Duration = Duration::from_millis(5);
const PAUSE_MAX: Duration = Duration::from_secs(1);

/// What is done with the connections of a socket.
pub trait Handler: Send + Sync + 'static {
    /// Serves a connection to its end.
    fn serve(
        self: Arc<Self>,
        socket: Socket,
        peer: Peer,
        draining: Draining,
    ) -> impl Future<Output = ()> + Send;

    /// The system gave no connection: it is out of something.
    fn accept_failed(&self);
}

/// Tells a connection that it is to end after what is under way.
#[derive(Clone)]
pub struct Draining(watch::Receiver<bool>);

impl Draining {
    /// Waits until then.
    pub async fn begins(&mut self) {
        // An error means that nobody serves any more at all.
        let _ = self.0.wait_for(|draining| *draining).await;
    }
}

/// A socket whose connections are served.
pub struct Serving {
    place: Place,
    closing: watch::Sender<bool>,
    draining: watch::Sender<bool>,
    task: JoinHandle<()>,
}

impl Serving {
    /// Serves at most `connections_max` connections of a socket at once. Needs a runtime.
    pub fn start<H: Handler>(bound: Bound, connections_max: usize, handler: Arc<H>) -> Self {
        let (closing, closed) = watch::channel(false);
        let (draining, drained) = watch::channel(false);
        Self {
            place: bound.place.clone(),
            closing,
            draining,
            task: tokio::spawn(run(
                bound,
                connections_max,
                handler,
                closed,
                Draining(drained),
            )),
        }
    }

    /// Where it is.
    #[must_use]
    pub const fn place(&self) -> &Place {
        &self.place
    }

    /// Connections end after what is under way; others are accepted still.
    pub fn drain(&self) {
        self.draining.send_replace(true);
    }

    /// The same, and no more connections are accepted.
    pub fn close(&self) {
        self.drain();
        self.closing.send_replace(true);
    }

    /// Waits for its last connection.
    pub async fn ended(self) {
        // A task that panicked has nothing open any more.
        let _ = self.task.await;
    }
}

/// Serves a socket until it is closed, then waits for its connections.
async fn run<H: Handler>(
    bound: Bound,
    connections_max: usize,
    handler: Arc<H>,
    mut closing: watch::Receiver<bool>,
    draining: Draining,
) {
    let permits = Arc::new(Semaphore::new(connections_max));
    let mut connections = JoinSet::new();
    let mut pause = PAUSE;
    loop {
        let permit = Arc::clone(&permits).acquire_owned();
        let accepted = async {
            let permit = permit.await.expect("this semaphore is never closed");
            (permit, accept(&bound.acceptor).await)
        };
        let (permit, accepted) = tokio::select! {
            biased;
            _ = closing.wait_for(|closing| *closing) => break,
            accepted = accepted => accepted,
            Some(_) = connections.join_next(), if !connections.is_empty() => continue,
        };
        match accepted {
            Ok((socket, peer)) => {
                pause = PAUSE;
                let serving = Arc::clone(&handler).serve(socket, peer, draining.clone());
                connections.spawn(async move {
                    serving.await;
                    drop(permit);
                });
            }
            Err(error) if is_clients(&error) => {}
            Err(error) => {
                handler.accept_failed();
                tracing::warn!(target: "http", "cannot accept on {}: {error}", bound.place);
                tokio::time::sleep(pause).await;
                pause = (pause * 2).min(PAUSE_MAX);
            }
        }
    }
    // What the kernel has taken already is served, too.
    for (socket, peer) in close(bound) {
        let serving = Arc::clone(&handler).serve(socket, peer, draining.clone());
        connections.spawn(serving);
    }
    while connections.join_next().await.is_some() {}
}

async fn accept(acceptor: &Acceptor) -> io::Result<(Socket, Peer)> {
    match acceptor {
        Acceptor::Tcp(listener) => listener
            .accept()
            .await
            .map(|(stream, peer)| tcp(stream, peer)),
        Acceptor::Unix(listener) => listener
            .accept()
            .await
            .map(|(stream, _)| (Socket::Unix(stream), Peer::Unix)),
    }
}

fn tcp(stream: tokio::net::TcpStream, peer: std::net::SocketAddr) -> (Socket, Peer) {
    // Answers are written whole; waiting for more to send would only delay them.
    let _ = stream.set_nodelay(true);
    (Socket::Tcp(stream), Peer::Tcp(peer))
}

/// Whether the client gave up before it was accepted.
fn is_clients(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    matches!(
        error.kind(),
        ConnectionAborted | ConnectionRefused | ConnectionReset
    )
}

/// Closes a socket and gives the connections that waited to be accepted.
///
/// They are taken from the kernel itself: the runtime learns of them only later.
fn close(bound: Bound) -> Vec<(Socket, Peer)> {
    if let At::Unix(path) = &bound.place.at {
        // Somebody may have removed it already.
        let _ = std::fs::remove_file(path);
    }
    match bound.acceptor {
        Acceptor::Tcp(listener) => {
            let Ok(listener) = listener.into_std() else {
                return Vec::new();
            };
            let waiting = std::iter::from_fn(|| listener.accept().ok());
            waiting
                .filter_map(|(stream, peer)| Some(tcp(adopt(stream)?, peer)))
                .collect()
        }
        Acceptor::Unix(listener) => {
            let Ok(listener) = listener.into_std() else {
                return Vec::new();
            };
            let waiting = std::iter::from_fn(|| listener.accept().ok());
            let adopt = |stream: std::os::unix::net::UnixStream| {
                stream.set_nonblocking(true).ok()?;
                tokio::net::UnixStream::from_std(stream).ok()
            };
            waiting
                .filter_map(|(stream, _)| Some((Socket::Unix(adopt(stream)?), Peer::Unix)))
                .collect()
        }
    }
}

fn adopt(stream: std::net::TcpStream) -> Option<tokio::net::TcpStream> {
    stream.set_nonblocking(true).ok()?;
    tokio::net::TcpStream::from_std(stream).ok()
}
