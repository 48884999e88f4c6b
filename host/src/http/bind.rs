//! Opens the sockets of the listeners, all of them before any serves.
//!
//! Listeners with equal addresses share a socket; port 0 takes a free port for each.

use super::listener::{Listener, Listeners};
use meterbox_config::{Address, ListenerSettings};
use socket2::{Domain, Protocol, SockAddr, Type};
use std::fmt;
use std::io;
use std::net::{SocketAddr, ToSocketAddrs};
use std::os::unix::fs::FileTypeExt;
use std::path::{Path, PathBuf};
use tokio::net::{TcpListener, UnixListener};

/// A bound socket that does not serve yet.
#[derive(Debug)]
pub struct Bound {
    /// Which listeners it carries.
    pub listeners: Listeners,
    /// Where it is, with its real port.
    pub place: Place,
    pub(super) acceptor: Acceptor,
}

/// Where a socket is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// A TCP port.
    Tcp(SocketAddr),
    /// A path.
    Unix(PathBuf),
}

impl Place {
    /// Whether only this machine can reach it.
    #[must_use]
    pub fn is_local(&self) -> bool {
        match self {
            Self::Tcp(address) => address.ip().to_canonical().is_loopback(),
            Self::Unix(_) => true,
        }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp(address) => write!(f, "http://{address}"),
            Self::Unix(path) => write!(f, "unix:{}", path.display()),
        }
    }
}

#[derive(Debug)]
pub(super) enum Acceptor {
    Tcp(TcpListener),
    Unix(UnixListener),
}

/// A socket could not be opened.
#[derive(Debug, thiserror::Error)]
#[error("cannot listen for {listeners} on {address}: {what}")]
pub struct BindError {
    listeners: Listeners,
    address: String,
    what: String,
}

/// Binds every listener of `settings` that is in `wanted`. Needs a runtime.
///
/// # Errors
/// The first address that cannot be had, and who has it.
pub fn bind(
    settings: &ListenerSettings,
    wanted: Listeners,
    backlog: u32,
) -> Result<Vec<Bound>, BindError> {
    groups(settings, wanted)
        .into_iter()
        .map(|(listeners, address)| {
            let (acceptor, place) = open(&address, backlog).map_err(|error| BindError {
                listeners,
                address: address.to_string(),
                what: explain(&address, &error),
            })?;
            Ok(Bound {
                listeners,
                place,
                acceptor,
            })
        })
        .collect()
}

/// Listeners by address, in their order.
fn groups(settings: &ListenerSettings, wanted: Listeners) -> Vec<(Listeners, Address)> {
    let mut groups: Vec<(Listeners, Address)> = Vec::new();
    for listener in wanted.iter() {
        let address = address_of(settings, listener);
        let any_port = matches!(address, Address::Tcp { port: 0, .. });
        match groups
            .iter_mut()
            .find(|(_, known)| !any_port && known == address)
        {
            Some((listeners, _)) => *listeners = *listeners | listener.into(),
            None => groups.push((listener.into(), address.clone())),
        }
    }
    groups
}

pub(super) fn address_of(settings: &ListenerSettings, listener: Listener) -> &Address {
    match listener {
        Listener::Inference => &settings.inference,
        Listener::Management => &settings.management,
        Listener::Metrics => &settings.metrics,
    }
}

fn open(address: &Address, backlog: u32) -> io::Result<(Acceptor, Place)> {
    match address {
        Address::Tcp { host, port } => {
            let listener = open_tcp(host, *port, backlog)?;
            let place = Place::Tcp(listener.local_addr()?);
            Ok((Acceptor::Tcp(listener), place))
        }
        Address::Unix(path) => {
            remove_stale(path)?;
            let listener = UnixListener::bind(path)?;
            Ok((Acceptor::Unix(listener), Place::Unix(path.clone())))
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
        Address::Tcp { port, .. } => super::holder::of_port(*port),
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

    fn settings(inference: &str, management: &str, metrics: &str) -> ListenerSettings {
        let read = |text| Address::parse(text, 80).unwrap();
        ListenerSettings {
            inference: read(inference),
            management: read(management),
            metrics: read(metrics),
            allowed_hosts: Vec::new(),
        }
    }

    #[test]
    fn equal_addresses_share_a_socket_and_free_ports_do_not() {
        let same = "http://127.0.0.1:8080";
        let shared = groups(
            &settings(same, same, "http://127.0.0.1:8082"),
            Listeners::ALL,
        );
        let sets: Vec<_> = shared
            .iter()
            .map(|(listeners, _)| listeners.to_string())
            .collect();
        assert_eq!(sets, ["inference,management", "metrics"]);
        let free = "http://127.0.0.1:0";
        assert_eq!(groups(&settings(free, free, free), Listeners::ALL).len(), 3);
        assert_eq!(
            groups(&settings(free, free, free), Listeners::INFERENCE).len(),
            1
        );
    }

    #[tokio::test]
    async fn a_taken_port_names_its_holder() {
        let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let address = format!("http://{}", taken.local_addr().unwrap());
        let settings = settings(&address, &address, &address);
        let error = bind(&settings, Listeners::METRICS, 16)
            .unwrap_err()
            .to_string();
        let expect = format!(
            "cannot listen for metrics on {address}: process {} ",
            std::process::id()
        );
        assert!(error.starts_with(&expect), "{error}");
    }

    #[tokio::test]
    async fn a_stale_socket_file_is_replaced_and_a_live_one_is_not() {
        let path = std::env::temp_dir().join(format!("meterbox-bind-{}.sock", std::process::id()));
        let address = format!("unix:{}", path.display());
        let settings = settings(&address, &address, &address);
        drop(std::os::unix::net::UnixListener::bind(&path).unwrap());
        let bound = bind(&settings, Listeners::METRICS, 16).unwrap();
        assert_eq!(bound[0].place.to_string(), address);
        let error = bind(&settings, Listeners::METRICS, 16)
            .unwrap_err()
            .to_string();
        assert!(error.contains("another process listens there"), "{error}");
        std::fs::remove_file(path).unwrap();
    }
}
