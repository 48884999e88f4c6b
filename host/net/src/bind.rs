//! Opens one socket by its address.

use crate::holder;
use crate::place::{At, Place};
use meterbox_config::Address;
use socket2::{Domain, Protocol, SockAddr, Type};
use std::io;
use std::net::{SocketAddr, ToSocketAddrs};
use std::os::unix::fs::FileTypeExt;
use std::path::Path;
use tokio::net::{TcpListener, UnixListener};

/// A bound socket that does not serve yet.
#[derive(Debug)]
pub struct Bound {
    /// Where it is, with its real port.
    pub place: Place,
    pub(crate) acceptor: Acceptor,
}

#[derive(Debug)]
pub(crate) enum Acceptor {
    Tcp(TcpListener),
    Unix(UnixListener),
}

/// A socket could not be opened: why, and who has the address if somebody has.
#[derive(Debug, thiserror::Error)]
#[error("cannot listen on {address}: {what}")]
pub struct OpenError {
    /// The address as it was written.
    pub address: String,
    /// What is wrong with it.
    pub what: String,
}

/// Binds an address on which `scheme` is spoken; port 0 takes a free one. Needs a runtime.
///
/// # Errors
/// The address cannot be had.
pub fn open(address: &Address, scheme: &'static str, backlog: u32) -> Result<Bound, OpenError> {
    let (acceptor, at) = bind(address, backlog).map_err(|error| OpenError {
        address: address.to_string(),
        what: explain(address, &error),
    })?;
    let place = Place { scheme, at };
    Ok(Bound { place, acceptor })
}

fn bind(address: &Address, backlog: u32) -> io::Result<(Acceptor, At)> {
    match address {
        Address::Tcp { host, port } => {
            let listener = open_tcp(host, *port, backlog)?;
            let at = At::Tcp(listener.local_addr()?);
            Ok((Acceptor::Tcp(listener), at))
        }
        Address::Unix(path) => {
            remove_stale(path)?;
            let listener = UnixListener::bind(path)?;
            Ok((Acceptor::Unix(listener), At::Unix(path.clone())))
        }
    }
}

fn open_tcp(host: &str, port: u16, backlog: u32) -> io::Result<TcpListener> {
    let mut addresses: Vec<SocketAddr> = (host, port).to_socket_addrs()?.collect();
    // Where a name has both, clients try IPv4 as well, and 127.0.0.1 is what people type.
    addresses.sort_by_key(SocketAddr::is_ipv6);
    let mut last = io::Error::new(io::ErrorKind::NotFound, "the name has no address");
    for address in addresses {
        match listen(address, backlog) {
            Ok(listener) => return Ok(listener),
            Err(error) => last = error,
        }
    }
    Err(last)
}

fn listen(address: SocketAddr, backlog: u32) -> io::Result<TcpListener> {
    let domain = Domain::for_address(address);
    let socket = socket2::Socket::new(domain, Type::STREAM, Some(Protocol::TCP))?;
    // A restart must not wait for connections of the last run to be forgotten.
    socket.set_reuse_address(true)?;
    socket.set_nonblocking(true)?;
    socket.bind(&SockAddr::from(address))?;
    socket.listen(i32::try_from(backlog).unwrap_or(i32::MAX))?;
    TcpListener::from_std(socket.into())
}

/// Removes a socket file that nobody listens on any more.
fn remove_stale(path: &Path) -> io::Result<()> {
    let Ok(metadata) = std::fs::symlink_metadata(path) else {
        return Ok(());
    };
    if !metadata.file_type().is_socket() {
        return Err(io::Error::new(
            io::ErrorKind::AlreadyExists,
            "the path is no socket",
        ));
    }
    if std::os::unix::net::UnixStream::connect(path).is_ok() {
        return Err(io::Error::from(io::ErrorKind::AddrInUse));
    }
    std::fs::remove_file(path)
}

fn explain(address: &Address, error: &io::Error) -> String {
    if error.kind() != io::ErrorKind::AddrInUse {
        return error.to_string();
    }
    let holder = match address {
        Address::Tcp { port, .. } => holder::of_port(*port),
        Address::Unix(_) => None,
    };
    match holder {
        Some(pid) => format!("process {pid} listens there; stop it or choose another port"),
        None => "another process listens there; stop it or choose another address".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn listen_on(address: &str) -> Result<Bound, OpenError> {
        open(&Address::parse(address, 80).unwrap(), "http", 16)
    }

    #[tokio::test]
    async fn a_taken_port_names_its_holder() {
        let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let address = format!("http://{}", taken.local_addr().unwrap());
        let error = listen_on(&address).unwrap_err().to_string();
        let expect = format!(
            "cannot listen on {address}: process {} ",
            std::process::id()
        );
        assert!(error.starts_with(&expect), "{error}");
    }

    #[tokio::test]
    async fn a_stale_socket_file_is_replaced_and_a_live_one_is_not() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("bound.sock");
        let address = format!("unix:{}", path.display());
        drop(std::os::unix::net::UnixListener::bind(&path).unwrap());
        let bound = listen_on(&address).unwrap();
        assert_eq!(bound.place.to_string(), address);
        let error = listen_on(&address).unwrap_err().to_string();
        assert!(error.contains("another process listens there"), "{error}");
    }
}
