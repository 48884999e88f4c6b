//! Accepts connections: up to a cap, slower when the system runs out of something, until the drain.

use super::bind::{Acceptor, Bound, Place};
use super::conn;
use super::front::Front;
use super::request::Peer;
use super::socket::Socket;
use std::io;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;

/// The first pause after the system refused a connection; it doubles up to [`PAUSE_MAX`].
const PAUSE: Duration = Duration::from_millis(5);
const PAUSE_MAX: Duration = Duration::from_secs(1);

/// The two signals of an end.
#[derive(Clone)]
pub(super) struct Ends {
    /// No more connections are accepted.
    pub(super) closing: watch::Receiver<bool>,
    /// Connections end after the answer under way.
    pub(super) draining: watch::Receiver<bool>,
}

/// Serves a socket until it is closed, then waits for its connections.
pub(super) async fn run(bound: Bound, front: Arc<Front>, mut ends: Ends) {
    let permits = Arc::new(Semaphore::new(front.connections_max));
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
            _ = ends.closing.wait_for(|closing| *closing) => break,
            accepted = accepted => accepted,
            Some(_) = connections.join_next(), if !connections.is_empty() => continue,
        };
        match accepted {
            Ok((socket, peer)) => {
                pause = PAUSE;
                let (front, draining) = (Arc::clone(&front), ends.draining.clone());
                connections.spawn(async move {
                    conn::run(socket, peer, front, draining).await;
                    drop(permit);
                });
            }
            Err(error) if is_clients(&error) => {}
            Err(error) => {
                front.metrics.connection_refused("accept_failed");
                tracing::warn!(target: "http", "cannot accept on {}: {error}", bound.place);
                tokio::time::sleep(pause).await;
                pause = (pause * 2).min(PAUSE_MAX);
            }
        }
    }
    // What the kernel has taken already is served, too.
    for (socket, peer) in close(bound) {
        let (front, draining) = (Arc::clone(&front), ends.draining.clone());
        connections.spawn(conn::run(socket, peer, front, draining));
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
    if let Place::Unix(path) = &bound.place {
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
