//! Opens the connection that an address names.

use super::connection::Connection;
use super::error::SendError;
use super::trust::Trust;
use http::Uri;
use http::uri::Scheme;
use std::net::SocketAddr;
use std::sync::Arc;
use tokio::net::TcpStream;

/// Where the server itself listens, at this moment.
pub type OwnPlaces = Arc<dyn Fn() -> Vec<SocketAddr> + Send + Sync>;

pub(super) async fn connect(
    uri: &Uri,
    own: &OwnPlaces,
    trust: &Trust,
) -> Result<Connection, SendError> {
    let safe = uri.scheme() == Some(&Scheme::HTTPS);
    let host = uri.host().unwrap_or_default();
    let host = host.trim_start_matches('[').trim_end_matches(']');
    let port = uri.port_u16().unwrap_or(if safe { 443 } else { 80 });
    let connected = TcpStream::connect((host, port)).await;
    let stream = connected.map_err(SendError::Connect)?;
    refuse_own(&stream, own)?;
    // It only delays the first bytes where it fails.
    let _ = stream.set_nodelay(true);
    if safe {
        Connection::over(trust.secure(host, stream).await?).await
    } else {
        Connection::over(stream).await
    }
}

/// The server's own listeners are out of reach: what an exporter pushes must not be a way around the
/// guards of management. Looked at after connecting, so that no name and no other spelling of an
/// address hides it.
fn refuse_own(stream: &TcpStream, own: &OwnPlaces) -> Result<(), SendError> {
    let peer = stream.peer_addr().map_err(SendError::Connect)?;
    let local = stream.local_addr().map_err(SendError::Connect)?;
    let ip = peer.ip().to_canonical();
    let same_machine = ip == local.ip().to_canonical() || ip.is_loopback();
    if same_machine && own().iter().any(|own| own.port() == peer.port()) {
        return Err(SendError::OwnListener);
    }
    Ok(())
}
